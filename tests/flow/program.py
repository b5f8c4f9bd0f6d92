"""What the program said and how it ended, in tests that run it from the outside."""

import json
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """What a command said and how it ended."""

    status: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out.splitlines()[-1])


Antiphon = Callable[..., Answer]

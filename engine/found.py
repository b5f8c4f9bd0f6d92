"""Found: what was found in music that was heard, to hold where nobody asks for anything else.

In and out: one frozen record of style and key. Made by the intake of what is heard and filled in
by `engine.desk`; goes to plain JSON and back exactly. Pure.
"""

from dataclasses import dataclass
from typing import Final

from engine.errors import OptionError
from engine.record import unit_style
from engine.row import Vector
from engine.spec import KEYS


@dataclass(frozen=True, kw_only=True, eq=False)
class Found:
    """What was found; None where nothing was."""

    key: str | None = None  # one of spec.KEYS
    style: Vector | None = None  # [STYLE_WIDTH] unit norm

    def __post_init__(self) -> None:
        if self.key is not None and self.key not in KEYS:
            raise OptionError.of("key", self.key, f"one of {', '.join(KEYS)}")
        if self.style is not None:
            object.__setattr__(self, "style", unit_style(self.style))

    def over(self, other: "Found") -> "Found":
        """This, and of the other what this does not say."""
        key = other.key if self.key is None else self.key
        style = other.style if self.style is None else self.style
        return Found(key=key, style=style)


NOTHING: Final = Found()

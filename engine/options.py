"""What a caller chooses once: how to sample, and what to run on.

Frozen, keyword-only, checked when made; an unknown name or a value out of range raises. Ranges that
a player sees live in `engine.params`.
"""

from dataclasses import dataclass
from typing import Final

from engine.errors import OptionError
from engine.params import PARAMETERS

BACKENDS: Final = ("auto", "reference", "ort", "ort-cuda", "ort-tensorrt")
MAX_THREADS: Final = 64
KEEP_AS: Final = ("wav", "float", "flac")  # kept bars: 24-bit WAV, 32-bit float WAV, 24-bit FLAC
KEEP_BARS: Final = 4  # that are kept where no number is said


def check_seed(seed: int) -> None:
    """Refuse a seed outside 0 .. 2**63 - 1.

    Raises:
        OptionError: it is.
    """
    PARAMETERS["seed"].check(seed)


@dataclass(frozen=True, kw_only=True)
class SamplingOptions:
    """How tokens are chosen from what the model finds likely."""

    temperature: float = 1.0  # 0..2, times the bundle's own of every level; 0 is greedy
    guidance: float | None = None  # 1..8; 1 is no guidance, None is the bundle's

    def __post_init__(self) -> None:
        PARAMETERS["temperature"].check(self.temperature)
        if self.guidance is not None:
            PARAMETERS["guidance"].check(self.guidance)


@dataclass(frozen=True, kw_only=True)
class EngineOptions:
    """What the graphs run on."""

    # 1..MAX_THREADS, for all graphs together. Their products are small: with two threads a frame
    # took a fifth longer (docs/log.md, 2026-11-23), and a host wants the other core.
    threads: int = 1
    backend: str = "auto"  # one of BACKENDS

    def __post_init__(self) -> None:
        is_count = isinstance(self.threads, int) and not isinstance(self.threads, bool)
        if not (is_count and 1 <= self.threads <= MAX_THREADS):
            raise OptionError.of("threads", self.threads, f"a whole number from 1 to {MAX_THREADS}")
        if self.backend not in BACKENDS:
            raise OptionError.of("backend", self.backend, f"one of {', '.join(BACKENDS)}")

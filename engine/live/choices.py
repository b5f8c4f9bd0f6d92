"""What a player chooses before a set begins: the options of `antiphon live`, checked.

Making one checks every range that needs no bundle and no device. Pure, but for reading the file of
prompts.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import cast

from engine.command import MODES, Mode
from engine.errors import OptionError
from engine.keep import KeepAs
from engine.live import slots_file
from engine.live.lines import WHENS, Kind
from engine.live.opening import Opening, opening
from engine.live.player import check_keep_bars
from engine.options import KEEP_AS, EngineOptions, SamplingOptions
from engine.params import PARAMETERS
from engine.reading.keys import read_key
from engine.runner import LEAD_MS

MAX_SECONDS = 24 * 3600.0


@dataclass(frozen=True, kw_only=True)
class Choices:
    """As given; None is "not given"."""

    prompts: tuple[str, ...]
    slots: Path | None
    tempo: float | None
    key: str | None
    seed: int | None
    temperature: float
    guidance: float | None
    glide: float
    mode: str
    prime: Path | None
    lead_ms: float
    device: str | None
    listen: str | None
    rate: int | None
    block: int
    is_null: bool
    seconds: float | None
    midi: tuple[str, ...]
    midi_channel: int | None
    programs: str
    has_link: bool
    take: Path | None
    keep_as: str
    keep_bars: int
    engine: EngineOptions
    bundle: Path | None

    def __post_init__(self) -> None:
        PARAMETERS["glide"].check(self.glide)
        check_keep_bars(self.keep_bars)
        for name, got, words in (
            ("mode", self.mode, MODES),
            ("programs", self.programs, WHENS),
            ("keep-as", self.keep_as, KEEP_AS),
        ):
            if got not in words:
                raise OptionError.of(name, got, f"one of {', '.join(words)}")
        for name, number, low, high, what in (
            ("midi-channel", self.midi_channel, 1, 16, "1 to 16"),
            ("block", self.block, 0, 1 << 20, "0 to 1,048,576 samples"),
            ("rate", self.rate, 8_000, 192_000, "8,000 to 192,000 Hz"),
            ("lead", self.lead_ms, *LEAD_MS, "{:g} to {:g} ms".format(*LEAD_MS)),
            ("seconds", self.seconds, 1e-3, MAX_SECONDS, "more than 0, at most a day"),
        ):
            if number is not None and not low <= number <= high:
                raise OptionError.of(name, number, what)

    @property
    def sampling(self) -> SamplingOptions:
        """How tokens are chosen at the start."""
        return SamplingOptions(temperature=self.temperature, guidance=self.guidance)

    @property
    def programs_when(self) -> Kind:
        """When a program change takes effect."""
        return cast(Kind, self.programs)

    @property
    def keep_kind(self) -> KeepAs:
        """The format of kept bars."""
        return cast(KeepAs, self.keep_as)

    def opening(self) -> Opening:
        """How the set begins.

        Raises:
            InputError, OptionError: a prompt, a file or a value that cannot be.
        """
        return opening(
            self.prompts,
            slots_file.read(self.slots) if self.slots else None,
            tempo=self.tempo,
            key=read_key(self.key) if self.key else None,
            seed=self.seed,
            mode=cast(Mode, self.mode),
        )

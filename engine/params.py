"""The one table of what a player can turn: name, unit, range, default, address and help.

The command line takes its defaults and help texts from here; OSC addresses and plugin parameters
will. A row is listed only once the engine obeys it. Pure data and range checks.
"""

from dataclasses import dataclass
from typing import Final, Literal

from engine.errors import OptionError
from engine.spec import KEYS, TEMPO_MAX_BPM, TEMPO_MIN_BPM

Kind = Literal["number", "integer", "choice", "switch"]
Value = float | int | str | bool


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One row of the table; a default of None is "not given", the model or the bundle decides."""

    name: str
    kind: Kind
    help: str
    unit: str = ""
    low: float = 0.0  # of a number or an integer, included
    high: float = 1.0  # included
    choices: tuple[str, ...] = ()  # of a choice
    default: Value | None = None
    smoothing_frames: int = 0  # frames until a change has fully arrived; 0: the next frame

    @property
    def address(self) -> str:
        """The OSC address that sets and asks for it."""
        return f"/param/{self.name}"

    @property
    def expected(self) -> str:
        """What a value may be, as a player reads it."""
        if self.kind == "choice":
            return f"one of {', '.join(self.choices)}"
        if self.kind == "switch":
            return "true or false"
        number = "a whole number" if self.kind == "integer" else "a number"
        return f"{number} from {self.low:.16g} to {self.high:.16g} {self.unit}".strip()

    def check(self, value: object) -> None:
        """Refuse a value that is not allowed.

        Raises:
            OptionError: wrong type, out of range, not finite, or not among the choices.
        """
        if not self._allows(value):
            raise OptionError.of(self.name, value, self.expected)

    def _allows(self, value: object) -> bool:
        if self.kind == "choice":
            return isinstance(value, str) and value in self.choices
        if self.kind == "switch" or isinstance(value, bool):
            return self.kind == "switch" and isinstance(value, bool)
        if self.kind == "integer":
            return isinstance(value, int) and self.low <= value <= self.high
        return isinstance(value, int | float) and self.low <= value <= self.high  # NaN is neither


_ROWS: Final = (
    Parameter(
        name="temperature",
        kind="number",
        help="How adventurous the choice of every token is: 0 always the likeliest, 1 as trained.",
        unit="times the bundle's",
        high=2.0,
        default=1.0,
    ),
    Parameter(
        name="guidance",
        kind="number",
        help="How strongly prompt, key, chords and instruments are obeyed: 1 as learned.",
        unit="times",
        low=1.0,
        high=8.0,
    ),
    Parameter(
        name="tempo",
        kind="number",
        help="Tempo that the music locks to.",
        unit="bpm",
        low=TEMPO_MIN_BPM,
        high=TEMPO_MAX_BPM,
    ),
    Parameter(name="key", kind="choice", help="Key that the music stays in.", choices=KEYS),
    Parameter(name="drums", kind="switch", help="Whether a drum kit may play."),
    Parameter(name="density", kind="number", help="How many notes: 0 sparse, 1 busy."),
    Parameter(name="brightness", kind="number", help="Treble against bass: 0 dark, 1 bright."),
    Parameter(
        name="seed",
        kind="integer",
        help="Which of all possible takes: the same seed and controls give the same audio.",
        high=2**63 - 1,  # fits a signed 64-bit integer, OSC's "h"
        default=0,
    ),
    Parameter(
        name="notes_only",
        kind="switch",
        help="Whether only the held notes may sound, or the model may add its own.",
        default=False,
    ),
    Parameter(
        name="harmony",
        kind="switch",
        help="Whether the engine plans chords, in the key, where none are played.",
        default=True,
    ),
    Parameter(
        name="glide",
        kind="number",
        help="How long prompts, weights and numbers take to arrive, where a change does not say.",
        unit="s",
        high=60.0,
        default=0.0,
    ),
    Parameter(
        name="call_bars",
        kind="integer",
        help="Answer mode: how many bars are listened to before each response.",
        unit="bars",
        low=1,
        high=64,
        default=4,
    ),
    Parameter(
        name="response_bars",
        kind="integer",
        help="Answer mode: how many bars each response lasts.",
        unit="bars",
        low=1,
        high=64,
        default=4,
    ),
    Parameter(
        name="level",
        kind="number",
        help="Loudness of the output; the lowest is silence.",
        unit="dB",
        low=-60.0,
        high=12.0,
        default=0.0,
        smoothing_frames=1,
    ),
)

PARAMETERS: Final[dict[str, Parameter]] = {row.name: row for row in _ROWS}


def check(name: object, value: object) -> None:
    """Refuse what is no parameter, or no value of it; None, "not given", is one.

    Raises:
        OptionError: it is.
    """
    if not isinstance(name, str) or name not in PARAMETERS:
        raise OptionError.of("parameter", name, f"one of {', '.join(PARAMETERS)}")
    if value is not None:
        PARAMETERS[name].check(value)

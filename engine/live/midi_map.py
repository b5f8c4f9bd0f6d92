"""What the knobs and pedals of a MIDI controller do, kept in a TOML file of the player's.

In:  rows as written, or learned one by one. Out: for a controller's number and value, the command
it asks for or the line it presses. The file is written whole or not at all.

    [[control]]
    number = 74            # 0 to 127
    does = "temperature"   # a parameter's name, "weight 3", or a line command such as "freeze"
    channel = 1            # 1 to 16; left out: every channel
    low = 0.5              # what 0 and 127 stand for; left out: the parameter's range
    high = 1.5
"""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from engine.command import Command, SetParam, SetWeight
from engine.errors import AntiphonError, InputError, OptionError
from engine.live import toml_file
from engine.live.lines import read, slot_number
from engine.output import reserve
from engine.params import PARAMETERS, Parameter, Value

TOP: Final = 127
PRESSED: Final = 64  # of a pedal or button, by the standard
VARIABLE: Final = "ANTIPHON_MIDI_MAP"
_WEIGHT: Final = Parameter(name="weight", kind="number", help="", low=-2.0, high=2.0)
_WEIGHT_TOP: Final = 1.0  # of a knob that is not told otherwise; from 0


class Control(BaseModel):
    """One row: a knob, slider, button or pedal."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    number: Annotated[int, Field(ge=0, le=TOP)]
    does: Annotated[str, Field(min_length=1, max_length=200)]
    channel: Annotated[int, Field(ge=1, le=16)] | None = None
    low: Annotated[float, Field(allow_inf_nan=False)] | None = None
    high: Annotated[float, Field(allow_inf_nan=False)] | None = None

    @model_validator(mode="after")
    def _can_be_done(self) -> "Control":
        if not self.does.isprintable():
            raise ValueError("it does what cannot be printed")
        try:
            for value in (0, TOP):
                self.command(value)
            if self.is_pressed:
                read(self.does)
        except AntiphonError as error:
            raise ValueError(str(error)) from error
        if self.is_pressed and (self.low, self.high) != (None, None):
            raise ValueError(f"{self.does!r} is pressed, so it has no low and no high")
        return self

    @property
    def is_pressed(self) -> bool:
        """Whether it is a line command, done when the control is pressed."""
        return self._slot is None and self.does not in PARAMETERS

    @property
    def _slot(self) -> int | None:
        verb, _, slot = self.does.partition(" ")
        return slot_number(slot) if verb == "weight" and " " not in slot.strip() else None

    def command(self, value: int) -> Command | None:
        """The command for a controller's value, 0 to 127; None for a line command."""
        if self._slot is not None:
            weight = self._scaled(_WEIGHT, value, 0.0, _WEIGHT_TOP)
            return SetWeight(index=self._slot, weight=weight)
        row = PARAMETERS.get(self.does)
        return None if row is None else SetParam(name=row.name, value=self._value(row, value))

    def _value(self, row: Parameter, value: int) -> Value:
        if row.kind == "switch":
            return value >= PRESSED
        if row.kind == "choice":
            return row.choices[value * len(row.choices) // (TOP + 1)]
        if row.kind == "integer":  # a seed's range is more than a knob can tell apart
            return round(self._scaled(row, value, row.low, min(row.high, row.low + TOP)))
        return self._scaled(row, value, row.low, row.high)

    def _scaled(self, row: Parameter, value: int, low: float, high: float) -> float:
        for end in (self.low, self.high):
            if end is not None:
                row.check(round(end) if row.kind == "integer" else end)
        low = low if self.low is None else self.low
        high = high if self.high is None else self.high
        return min(max(low, high), low + (high - low) * value / TOP)


class MidiMap(BaseModel):
    """All rows, in the file's order; the last that fits a control counts."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    control: list[Control] = Field(default_factory=list)

    def find(self, channel: int, number: int) -> Control | None:
        """The row for a control on a channel, 1 to 16."""
        fitting = (
            row
            for row in reversed(self.control)
            if row.number == number and row.channel in (None, channel)
        )
        return next(fitting, None)

    def learn(self, channel: int, number: int, does: str) -> "MidiMap":
        """Add a row in place of those that the control or the deed had.

        Raises:
            InputError: nothing that a control can do.
        """
        try:
            row = Control(number=number, does=does, channel=channel)
        except ValidationError as exc:
            raise InputError(f"no control can do {does!r}: {toml_file.first_fault(exc)}.") from exc
        others = (
            old
            for old in self.control
            if old.does != does and (old.number, old.channel) != (number, channel)
        )
        return MidiMap(control=[*others, row])


def file_path() -> Path:
    """Where the player's map is: the environment's, else the system's place for settings."""
    if named := os.environ.get(VARIABLE):
        return Path(named)
    if sys.platform == "win32":
        base = Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return base / "antiphon" / "midi.toml"


def load(path: Path) -> MidiMap:
    """Read a map; one that is not there is empty.

    Raises:
        InputError: not TOML, unknown or missing keys, or a row that makes no sense.
    """
    return toml_file.read(path, MidiMap, "a MIDI map") if path.exists() else MidiMap()


def save(path: Path, controls: MidiMap) -> None:
    """Write a map; the folder is made.

    Raises:
        OptionError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise OptionError(f"{path.parent} cannot be made ({exc.strerror}).") from exc
    rows = (_toml(row) for row in controls.control)
    with reserve(path, ".toml") as part:
        part.write_text("\n".join(rows), "utf-8")


def _toml(row: Control) -> str:
    # A JSON string is a TOML string, and so is a JSON number.
    given = row.model_dump(exclude_none=True)
    lines = (f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in given.items())
    return "[[control]]\n" + "".join(lines)

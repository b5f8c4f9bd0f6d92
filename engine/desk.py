"""The desk: everything asked so far, as what holds at a frame.

In:  commands with the frame from which they hold, and the place in the song at a frame.
Out: `Controls` for that frame, how to sample, the mode, and what to show in a status line.
Frozen and pure: `apply` makes a new desk, and every answer is a function of the frame, so a frame
that is made again is asked for the same. A desk answers for frames from its last change on; keep
the one before for earlier frames. Runs no model: the style of a prompt comes with the command.

What is set by hand outweighs what a prompt says. The prompt that speaks (tempo, key, drums,
instruments) is that of the slot with the largest weight above 0, from the moment it is asked for;
its colour may still be gliding. If no slot has one, the last that spoke still does (ADR 0007).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, cast

from engine import record
from engine.clock import Position
from engine.command import (
    SLOTS,
    Command,
    Freeze,
    Mode,
    NoteOff,
    NoteOn,
    Panic,
    Pick,
    SetChord,
    SetFamilies,
    SetMode,
    SetNotes,
    SetParam,
    SetPrompt,
    SetStyle,
    SetWeight,
)
from engine.errors import OptionError
from engine.glide import Glide
from engine.held import Held
from engine.mix import Mix, Slot
from engine.options import SamplingOptions
from engine.params import PARAMETERS, Value
from engine.prompt_parser import ParsedPrompt
from engine.reading.keys import key_index
from engine.row import Controls, Vector
from engine.spec import (
    FRAME_RATE,
    NO_CHORD,
    NOTE_FREE,
    NOTE_OFF,
    PITCH_CLASSES,
    QUALITY_NAMES,
    TEMPO_MAX_BPM,
    TEMPO_MIN_BPM,
)


class Desk: ...

"""The desk: everything asked so far, as what holds at a frame.

In:  commands with the frame from which they hold, and the place in the song at a frame.
Out: `Controls` for that frame, how to sample, the mode, and what to show in a status line.
Frozen and pure: `apply` makes a new desk, and every answer is a function of the frame, so a frame
that is made again is asked for the same. A desk answers for frames from its last change on; keep
the one before for earlier frames. Runs no model: the style of a prompt comes with the command.

What is set by hand outweighs what a prompt says.
"""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from engine import record
from engine.clock import Position
from engine.command import (
    Command,
    Fill,
    Freeze,
    Mode,
    NoteOff,
    NoteOn,
    Panic,
    Pick,
    Prime,
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
from engine.found import NOTHING, Found
from engine.glide import Glide
from engine.held import Held
from engine.knobs import Knobs
from engine.options import SamplingOptions
from engine.pads import Pads, Playing
from engine.params import PARAMETERS
from engine.reading.keys import key_index
from engine.row import Controls, Harmony, Vector
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


@dataclass(frozen=True, kw_only=True)
class InForce:
    """What a status line shows. None where nothing is asked for."""

    prompts: tuple[Playing, ...]  # the loudest first
    key: str | None
    tempo_bpm: float | None
    seed: int
    mode: Mode


@dataclass(frozen=True, kw_only=True, eq=False)
class Desk:
    """Everything asked so far. A new one has slot 1 picked, and nothing in it."""

    pads: Pads = field(default_factory=Pads)
    knobs: Knobs = field(default_factory=Knobs)
    held: Held = field(default_factory=Held)
    chord: SetChord = field(default_factory=lambda: SetChord(root=None))
    families: SetFamilies = field(default_factory=SetFamilies)  # by hand
    mode: Mode = "play"
    freeze: Freeze = field(default_factory=lambda: Freeze(bars=0))
    is_silenced: bool = False  # by a panic

    def opened(self, seed: int, sampling: SamplingOptions) -> "Desk":
        """The same, with a seed and sampling to go back to when nothing is set by hand."""
        knobs = replace(self.knobs, opened_seed=seed, opened_sampling=sampling)
        return replace(self, knobs=knobs)

    # --- what is asked --------------------------------------------------------------------------

    def apply(
        self, command: Command, frame: int, glide_frames: int = 0, style: Vector | None = None
    ) -> "Desk":
        """Obey a command from a frame on.

        Args:
            command: what is asked.
            frame: the first frame it holds for; not before that of the last command.
            glide_frames: until prompts, weights and numbers have fully arrived; 0 at once.
            style: [STYLE_WIDTH] unit norm of a prompt that has words, and of nothing else.

        Raises:
            OptionError: a style that is missing, not wanted, or no style.
            ShapeError: a style of another width.
        """
        style = _style_of(command, style)
        match command:
            case Fill():
                pads = self.pads.fill(command, style, frame, glide_frames)
                return self._repad(pads, frame, glide_frames)
            case SetWeight():
                weights = {command.index: command.weight}
                pads = self.pads.weigh(weights, frame, glide_frames)
                return self._repad(pads, frame, glide_frames)
            case Pick():
                pads = self.pads.pick(command.index, frame, glide_frames)
                return replace(self._repad(pads, frame, glide_frames), is_silenced=False)
            case SetParam():
                knobs = self.knobs.turn(command.name, command.value, frame, glide_frames)
                return replace(self, knobs=knobs)
            case NoteOn() | NoteOff() | SetNotes():
                return replace(self, held=self._hold(command, frame))
            case SetChord():
                return replace(self, chord=command)
            case SetFamilies():
                return replace(self, families=command)
            case SetMode():
                return self._set_mode(command, frame)
            case Freeze():
                return replace(self, freeze=command)
            case Prime():
                mode: Mode = self.mode if self.mode == "play" else "continue"
                return replace(self, mode=mode, freeze=Freeze(bars=0), is_silenced=False)
            case Panic():
                return replace(self, held=Held(), freeze=Freeze(bars=0), is_silenced=True)
        raise OptionError.of("command", command, "one that the desk knows")

    def _repad(self, pads: Pads, frame: int, frames: int) -> "Desk":
        """Take over the slots, and the tempo of the prompt that speaks now."""
        knobs = self.knobs.say_tempo(pads.said.tempo_bpm, frame, frames)
        return replace(self, pads=pads, knobs=knobs)

    def _hold(self, command: NoteOn | NoteOff | SetNotes, frame: int) -> Held:
        match command:
            case NoteOn(pitch=pitch):
                return self.held.press(pitch, frame)
            case NoteOff(pitch=pitch):
                return self.held.release(pitch, frame)
            case SetNotes(pitches=pitches):
                return self.held.exactly(pitches, frame)

    def _set_mode(self, command: SetMode, frame: int) -> "Desk":
        knobs = self.knobs
        for name in ("call_bars", "response_bars"):
            if (bars := getattr(command, name)) is not None:
                knobs = knobs.turn(name, bars, frame, 0)
        return replace(self, mode=command.mode, knobs=knobs, is_silenced=False)

    # --- what holds -----------------------------------------------------------------------------

    def controls(
        self, frame: int, position: Position | None = None, found: Found = NOTHING
    ) -> Controls:
        """What is asked of a frame.

        Args:
            frame: from the last change on.
            position: where the song is when the frame is heard, which gives tempo and beat; None
                where nobody knows, then the tempo is the one asked for.
            found: in what is heard; holds where nobody asks for a style or a key.
        """
        rest = NOTE_OFF if self.knobs.setting("notes_only") else NOTE_FREE
        number = self.knobs.number
        style = self.pads.mix.style(frame)
        return Controls(
            style=found.style if style is None else style,
            key=key_index(found.key if self.key is None else self.key),
            tempo_bpm=number("tempo", frame) if position is None else _known_tempo(position),
            beat=None if position is None else position.beat,
            beats_per_bar=4 if position is None else position.beats_per_bar,
            notes=self.held.at(frame, rest),
            density=number("density", frame),
            brightness=number("brightness", frame),
            harmony=self._harmony(found),
            **self._steady,
        )

    @cached_property
    def _steady(self) -> dict[str, Any]:
        """The controls that no frame changes."""
        said = self.pads.said
        drums, chord, by_hand = self.knobs.setting("drums"), self.chord, self.families
        is_by_hand = bool(by_hand.asked or by_hand.refused)
        return {
            "chord_root": NO_CHORD if chord.root is None else PITCH_CLASSES.index(chord.root),
            "chord_quality": QUALITY_NAMES.index(chord.quality),
            "drums": said.drums if drums is None else drums,
            "families": by_hand.asked if is_by_hand else said.families,
            "without": by_hand.refused if is_by_hand else said.without,
        }

    @property
    def key(self) -> str | None:
        """One of spec.KEYS, by hand or else as the prompt says."""
        by_hand = self.knobs.setting("key")
        return self.pads.said.key if by_hand is None else str(by_hand)

    def _harmony(self, found: Found) -> Harmony:
        """Who says the chords where none are asked for: to what was heard only a known key fits."""
        if not self.knobs.setting("harmony"):
            return "played"
        is_alone = self.mode == "play" and found.key is None and found.style is None
        return "planned" if is_alone else "in key"

    @property
    def beats_per_bar(self) -> int | None:
        """What the prompt says, for a song without a host; 1..MAX_BEATS_PER_BAR."""
        return self.pads.said.beats_per_bar

    def tempo_bpm(self, frame: int) -> float | None:
        """The tempo asked for, on its way or there; for a song without a host."""
        return self.knobs.number("tempo", frame)

    @property
    def tempo(self) -> Glide | None:
        """How the tempo asked for moves, even in octaves; None if nothing ever asked for one."""
        return self.knobs.glides.get("tempo")

    def sampling(self, frame: int) -> SamplingOptions:
        """How to choose tokens at a frame; guidance None is the bundle's."""
        temperature = self.knobs.number("temperature", frame)
        assert temperature is not None, "it has a default"
        guidance = self.knobs.number("guidance", frame)
        return SamplingOptions(temperature=temperature, guidance=guidance)

    @property
    def seed(self) -> int:
        """Which of all possible takes."""
        return self.knobs.whole("seed")

    @property
    def freeze_bars(self) -> int:
        """How many bars repeat; 0 when none do."""
        return self.freeze.bars

    @property
    def call_bars(self) -> int:
        """Answer mode: how long it listens."""
        return self.knobs.whole("call_bars")

    @property
    def response_bars(self) -> int:
        """Answer mode: how long it answers."""
        return self.knobs.whole("response_bars")

    def gain(self, frame: int) -> float:
        """The factor of the output at a frame's first sample, in a straight line to the next."""
        level_db = self.knobs.number("level", frame)
        assert level_db is not None, "it has a default"
        return 0.0 if level_db <= PARAMETERS["level"].low else float(10.0 ** (level_db / 20.0))

    def glide_frames(self, glide_seconds: float | None) -> int:
        """How many frames an ask glides over; None is the parameter "glide"."""
        seconds = self.knobs.number("glide", 0) if glide_seconds is None else glide_seconds
        return round((seconds or 0.0) * FRAME_RATE)

    def in_force(
        self, frame: int, position: Position | None = None, found: Found = NOTHING
    ) -> InForce:
        """What a status line shows at a frame."""
        return InForce(
            prompts=self.pads.playing(frame),
            key=found.key if self.key is None else self.key,
            tempo_bpm=self.tempo_bpm(frame) if position is None else position.tempo_bpm,
            seed=self.seed,
            mode=self.mode,
        )

    # --- to keep --------------------------------------------------------------------------------

    def to_json(self) -> dict[str, Any]:
        """All of it, exactly."""
        return record.write_fields(self)

    @staticmethod
    def from_json(found: object) -> "Desk":
        """Make a desk from its JSON.

        Raises:
            OptionError: a field is unknown, missing, of another type or out of its range.
            PromptError: a prompt cannot be read.
        """
        return record.read(Desk, found, "desk")


def _known_tempo(position: Position) -> float | None:
    """The song's tempo where the models know it; they never heard others, so nothing is said."""
    is_known = TEMPO_MIN_BPM <= position.tempo_bpm <= TEMPO_MAX_BPM
    return position.tempo_bpm if is_known else None


def _style_of(command: Command, style: Vector | None) -> Vector | None:
    """What goes into a slot: a prompt with words comes with its style, and nothing else does."""
    has_words = isinstance(command, SetPrompt) and bool(command.parsed and command.parsed.text)
    if has_words != (style is not None):
        came, expected = ("no style", "one") if has_words else ("a style", "none")
        raise OptionError(f"command {command.kind!r} came with {came}, expected {expected}.")
    if isinstance(command, SetStyle):
        return command.style
    return None if style is None else record.unit_style(style)

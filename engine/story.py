"""Lay out a story: a story file, or one prompt with its settings, becomes a `Story`.

Cues are placed one after another, because "bar 9" depends on the tempo and meter of the cues before
it. What a cue says itself outweighs what its prompt says ("house, 124 bpm"), and that outweighs
what held before.
"""

from math import ceil
from pathlib import Path
from typing import Final

from engine.errors import OptionError, PromptError, StoryError
from engine.params import PARAMETERS
from engine.prompt_parser import ParsedPrompt, parse
from engine.reading.keys import key_index, key_path
from engine.spec import FRAME_RATE, NO_KEY
from engine.story_file import CueEntry, Moment, StoryFile, read
from engine.tempo import TempoMap, glide_seconds
from engine.timeline import Cue, KeyChange, Meter, Story

MAX_SECONDS: Final = 3600.0
_NEAR_FRAMES: Final = 1e-6  # a mark this close to a frame's start is meant to be there


def load(path: Path | str) -> Story:
    """Read a story file.

    Raises:
        StoryError: it cannot be read or played; names file, cue and field.
    """
    file = read(path)
    try:
        return _lay_out(file, [_parse(number, cue) for number, cue in enumerate(file.cue, 1)])
    except StoryError as exc:
        raise StoryError(f"{path}: {exc}") from exc


def single(
    prompt: ParsedPrompt,
    seconds: float,
    *,
    said: str = "",
    seed: int = 0,
    tempo_bpm: float | None = None,
    key: str | None = None,
    drums: bool | None = None,
    density: float | None = None,
    brightness: float | None = None,
    harmony: bool = True,
) -> Story:
    """One prompt for so many seconds; a setting that is given outweighs what the prompt says.

    Raises:
        OptionError: a setting or seconds out of range.
    """
    given = {
        "seed": seed,
        "tempo": tempo_bpm,
        "key": key,
        "drums": drums,
        "density": density,
        "brightness": brightness,
    }
    for name, value in given.items():
        if value is not None:
            PARAMETERS[name].check(value)
    if not 0 < seconds <= MAX_SECONDS:
        raise OptionError.of("seconds", seconds, f"more than 0, at most {MAX_SECONDS:g}")
    cue = CueEntry(
        at=Moment(0.0, "seconds"),
        prompt=said,
        tempo=tempo_bpm,
        key=key,
        drums=drums,
        density=density,
        brightness=brightness,
    )
    length = Moment(seconds, "seconds")
    return _lay_out(StoryFile(length=length, seed=seed, harmony=harmony, cue=[cue]), [prompt])


def _parse(number: int, cue: CueEntry) -> ParsedPrompt:
    try:
        return parse(cue.prompt)
    except PromptError as exc:
        raise StoryError(f"cue {number}: {exc}") from exc


def _lay_out(file: StoryFile, prompts: list[ParsedPrompt]) -> Story:
    layout = _Layout(file)
    for number, (entry, prompt) in enumerate(zip(file.cue, prompts, strict=True), 1):
        layout.add(number, entry, prompt)
    return layout.finish()


class _Layout:
    """The story up to the last cue added."""

    def __init__(self, file: StoryFile) -> None:
        self._file = file
        self._cues: list[Cue] = []
        self._tempo = TempoMap()
        self._meters = [Meter(0.0, 0.0, 0.0, file.beats_per_bar or 4)]
        self._keys = [KeyChange(0.0, key_index(file.key))]
        if file.tempo is not None:
            self._tempo.change(0.0, file.tempo)

    def add(self, number: int, entry: CueEntry, prompt: ParsedPrompt) -> None:
        """Place the next cue and what it changes.

        Raises:
            StoryError: it comes too early, or its place or glide cannot be worked out.
        """
        second = self._place(entry.at, f"cue {number}: at")
        self._require_order(number, second)
        bpm = prompt.tempo_bpm if entry.tempo is None else entry.tempo
        key = prompt.key if entry.key is None else entry.key
        glide = self._glide_seconds(number, entry, second, bpm, key)
        if isinstance(bpm, float):
            self._tempo.change(
                second, bpm, glide_seconds=glide if self._tempo.bpm_at(second) else 0.0
            )
        self._change_meter(second, entry.beats_per_bar or prompt.beats_per_bar)
        if key not in (None, "hold"):
            self._change_key(second, key_index(key), glide)
        self._cues.append(
            Cue(
                second=second,
                said=entry.prompt,
                prompt=prompt,
                drums=prompt.drums if entry.drums is None else entry.drums,
                density=entry.density,
                brightness=entry.brightness,
                style_glide=self._span(entry.style_glide, second, f"cue {number}: style_glide"),
            )
        )

    def finish(self) -> Story:
        """End the story at its length.

        Raises:
            StoryError: the length does not lie after the last cue, or beyond an hour.
        """
        seconds = self._place(self._file.length, "length")
        last = self._cues[-1].second
        if not last < seconds <= MAX_SECONDS:
            raise StoryError(
                f"length is {seconds:g} s, expected more than the last cue's {last:g} s and at "
                f"most {MAX_SECONDS:g} s."
            )
        return Story(
            seed=self._file.seed,
            seconds=seconds,
            cues=tuple(self._cues),
            tempo=self._tempo,
            meters=tuple(self._meters),
            keys=tuple(self._keys),
            harmony="planned" if self._file.harmony else "played",
        )

    def _require_order(self, number: int, second: float) -> None:
        if number == 1 and second != 0.0:
            raise StoryError(
                f"cue 1: at is {second:g} s, expected 0: the story needs a prompt to begin with."
            )
        if number > 1 and second <= self._cues[-1].second:
            raise StoryError(
                f"cue {number}: at is {second:g} s, expected later than cue {number - 1} at "
                f"{self._cues[-1].second:g} s."
            )

    # --- where -----------------------------------------------------------------------------------

    def _place(self, moment: Moment, what: str) -> float:
        """The second of a moment, on a frame's start if it is within a hair of it."""
        if moment.unit == "seconds":
            second: float | None = moment.amount
        else:
            second = self._tempo.second_at(self._beat_of(moment))
        if second is None:
            raise StoryError(
                f"{what} is in {moment.unit}, expected a tempo before it. Give the story a tempo."
            )
        frames = second * FRAME_RATE
        return round(frames) / FRAME_RATE if abs(frames - round(frames)) < _NEAR_FRAMES else second

    def _beat_of(self, moment: Moment) -> float:
        """Position on the tempo map of a bar or beat counted from the start."""
        if moment.unit == "beats":
            return moment.amount
        meter = self._meters[-1]
        return meter.beat + (moment.amount - meter.bars) * meter.beats_per_bar

    def _span(self, span: Moment | None, second: float, what: str) -> float:
        """Seconds of a span that begins at a second, at the tempi laid out so far."""
        if span is None or span.unit == "seconds":
            return span.amount if span else 0.0
        beat = self._tempo.beat_at(second)
        if beat is None:
            raise StoryError(
                f"{what} is in {span.unit}, expected a tempo before it. Give the story a tempo."
            )
        end = self._tempo.second_at(beat + self._beats(span))
        assert end is not None, "a map with a beat has a tempo"
        return end - second

    def _beats(self, span: Moment) -> float:
        return span.amount * (self._meters[-1].beats_per_bar if span.unit == "bars" else 1)

    # --- what changes ----------------------------------------------------------------------------

    def _glide_seconds(
        self, number: int, entry: CueEntry, second: float, bpm: float | str | None, key: str | None
    ) -> float:
        """Seconds over which tempo and key move at a cue."""
        if entry.glide is None or not entry.glide.amount:
            return 0.0
        now = self._tempo.bpm_at(second)
        moves_tempo = now is not None and isinstance(bpm, float)
        moves_key = self._keys[-1].key != NO_KEY and key not in (None, "hold")
        if not (moves_tempo or moves_key):
            raise StoryError(
                f"cue {number}: glide has nothing to move, expected a tempo or key in this cue "
                "and another before it."
            )
        if entry.glide.unit != "seconds" and now is not None and isinstance(bpm, float):
            return glide_seconds(now, bpm, self._beats(entry.glide))
        return self._span(entry.glide, second, f"cue {number}: glide")

    def _change_meter(self, second: float, beats_per_bar: int | None) -> None:
        """Begin a new bar grid where the beats per bar change; a bar cut short counts as one."""
        old = self._meters[-1]
        if beats_per_bar in (None, old.beats_per_bar):
            return
        beat = self._tempo.beat_at(second) or 0.0
        bars = old.bars + ceil((beat - old.beat) / old.beats_per_bar - 1e-9)
        self._meters.append(Meter(second, beat, bars, beats_per_bar))

    def _change_key(self, second: float, key: int, glide: float) -> None:
        """Change the key at once, or walk the circle of fifths and arrive as the glide ends."""
        self._keys = [change for change in self._keys if change.second < second] or self._keys[:1]
        start = self._keys[-1].key
        if start == NO_KEY or not glide:
            self._keys.append(KeyChange(second, key))
            return
        path = key_path(start, key)
        for index, passing in enumerate(path, 1):
            self._keys.append(KeyChange(self._on_beat(second + glide * index / len(path)), passing))

    def _on_beat(self, second: float) -> float:
        """The nearest beat, or the second itself when there is no tempo."""
        beat = self._tempo.beat_at(second)
        nearest = None if beat is None else self._tempo.second_at(float(round(beat)))
        return second if nearest is None else nearest

"""The voice: what sounds, and what it crosses over from.

Sources: `Sounding` (a line that composes), `Listening` (a line that follows what is heard, silent),
`Looping` (bars of the tape; the line waits), `Resting` (silence; the line waits). A voice is the
source that sounds now and, for some milliseconds, those before it. In: the scene. Out: [C, F].
All of it is immutable: `step` and `cross_to` return new voices.
"""

from dataclasses import dataclass, replace
from functools import cache
from typing import ClassVar, Final, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from engine.crossing import cross, cross_samples
from engine.line import Line, Scene
from engine.listening import level
from engine.listening.level import Level
from engine.modes import Role
from engine.repeat import Repeat

Audio = NDArray[np.float32]

LOST_FRAMES: Final = 32  # an input so far behind has broken off
CATCH_UP_FRAMES: Final = 2  # that a listener without input composes per frame, until it is level


class Source(Protocol):
    """Something that sounds, or is silent, and carries the line on."""

    role: ClassVar[Role]

    @property
    def line(self) -> Line:
        """The line, as it would go on."""
        ...

    def step(self, scene: Scene) -> tuple[Audio, Self]:
        """Make the scene's chunk, [C, F], not to be written to; and the source behind it."""
        ...

    def fading(self) -> "Source":
        """What goes on sounding while another source takes over."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Sounding:
    """New music."""

    line: Line
    role: ClassVar[Role] = "sound"

    def step(self, scene: Scene) -> tuple[Audio, Self]:
        """Compose up to the frame, unheard, and then the frame."""
        line = self.line.compose_to(scene.frame, scene)
        assert line.at == scene.frame, "a line that is ahead of the stream cannot sound"
        sound, line = line.compose(scene)
        return sound, replace(self, line=line)

    def fading(self) -> Source:
        """It plays on."""
        return self


@dataclass(frozen=True, kw_only=True, eq=False)
class Listening:
    """Silent, and all ears. What is silence is not followed but composed, unheard."""

    line: Line
    heard: Level  # of what was followed
    made: Level  # of the same, as the codec plays it
    role: ClassVar[Role] = "listen"

    def step(self, scene: Scene) -> tuple[Audio, Self]:
        """Follow what has been heard meanwhile; without an input, keep level by composing."""
        kept, goal = self.caught_up(scene), self.line.at
        if scene.frame - scene.intake.heard > LOST_FRAMES:
            goal = min(scene.frame + 1, goal + CATCH_UP_FRAMES)
        return _silence(scene), replace(kept, line=kept.line.compose_to(goal, scene))

    def caught_up(self, scene: Scene) -> Self:
        """Follow what is heard so far of the frames before the scene's."""
        line, heard, made = self.line, self.heard, self.made
        while line.at < scene.frame and (found := scene.intake.at(line.at)) is not None:
            if found.is_silent:
                _, line = line.compose(scene)
                continue
            sound, line = line.follow(found.tokens, scene)
            made = level.step(sound, made, scene.audio.rate)
            heard = heard._replace(powers=np.append(heard.powers[1:], found.power))
        return replace(self, line=line, heard=heard, made=made)

    def fading(self) -> Source:
        """It was silent."""
        return Resting(line=self.line)


@dataclass(frozen=True, kw_only=True, eq=False)
class Looping:
    """Bars that were made before; new music waits."""

    line: Line
    repeat: Repeat
    role: ClassVar[Role] = "loop"

    def step(self, scene: Scene) -> tuple[Audio, Self]:
        """Play the tape."""
        repeat = self.repeat.taken(scene.tape, scene.audio)
        return repeat.read(scene.start, scene.tape, scene.audio), replace(self, repeat=repeat)

    def fading(self) -> Source:
        """It plays on."""
        return self


@dataclass(frozen=True, kw_only=True, eq=False)
class Resting:
    """Silence; everything waits."""

    line: Line
    repeat: Repeat | None = None  # to come back to
    role: ClassVar[Role] = "rest"

    def step(self, scene: Scene) -> tuple[Audio, Self]:
        """Be silent."""
        repeat = self.repeat and self.repeat.taken(scene.tape, scene.audio)
        return _silence(scene), replace(self, repeat=repeat)

    def fading(self) -> Source:
        """It was silent."""
        return self


class Entry(NamedTuple):
    """A source, and the output sample from which it takes over from the one before."""

    source: Source
    since: int


@dataclass(frozen=True, eq=False)
class Voice:
    """Sources, oldest first; all but the last are fading."""

    entries: tuple[Entry, ...]

    @classmethod
    def of(cls, source: Source) -> "Voice":
        """A source from the first sample on."""
        return cls((Entry(source, 0),))

    @property
    def source(self) -> Source:
        """What sounds now, or will as soon as the crossing is over."""
        return self.entries[-1].source

    def holding(self, source: Source) -> "Voice":
        """The same with another last source, which goes on where that one was."""
        return Voice((*self.entries[:-1], self.entries[-1]._replace(source=source)))

    def cross_to(self, source: Source, since: int) -> "Voice":
        """Let a source take over at a sample; one that was to take over there or later does not."""
        kept = [entry for entry in self.entries if entry.since < since]
        if not kept:
            return Voice((Entry(source, since),))
        kept[-1] = kept[-1]._replace(source=kept[-1].source.fading())
        return Voice((*kept, Entry(source, since)))

    def step(self, scene: Scene) -> tuple[Audio, "Voice", int]:
        """Make the scene's chunk.

        Returns:
            [C, F], not to be written to; the voice behind it; and how many frames sessions played.
        """
        rate, chunk, played = scene.audio.rate, _silence(scene), 0
        entries: list[Entry] = []
        for source, since in self.entries:
            sound, behind = source.step(scene)
            chunk = cross(chunk, sound, since, scene.start, rate) if entries else sound
            played += behind.line.at - source.line.at
            if since + cross_samples(rate) <= scene.end:
                entries.clear()
            entries.append(Entry(behind, since))
        return chunk, Voice(tuple(entries)), played


@cache
def _zeros(channels: int, samples: int) -> Audio:
    zeros = np.zeros((channels, samples), np.float32)
    zeros.flags.writeable = False
    return zeros


def _silence(scene: Scene) -> Audio:
    return _zeros(scene.audio.channels, scene.audio.frame_samples)

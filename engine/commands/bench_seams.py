"""Take-over seams: a performer hears music and goes on from it on a bar line.

The player is the bundle itself, so nothing else is needed: another performer plays a prompt, and
that sound is heard as an input is, one lead late. No device and no threads: figures of sound, not
of speed. Each seam's loudness step is the level of a bar after it less that of the bar before it,
and its click is measured against the bar lines of the same take.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.ask import Ask, When
from engine.bundle import Bundle
from engine.clock import Transport
from engine.command import SetMode, SetPrompt
from engine.commands.bench_switches import prompts
from engine.crossing import cross
from engine.listening import joint, style
from engine.performer import Performer
from engine.song import SongTempo
from engine.spec import FRAME_MS, FRAME_RATE
from engine.stages import prompt

TEMPI: Final = (97.3, 120.0, 132.0)
HEARD_BARS, MORE_BARS = 6, 3
BEATS: Final = 4
ASKED_SECONDS: Final = 0.5  # before the bar line

Audio = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Seams:
    """What was measured at one lead."""

    lead_ms: float
    step_db: list[float]  # after less before
    own_step_db: list[float]  # the same between bars of what was heard
    click_db: list[float]  # over the 95th percentile of the take's own bar lines


def measure(
    bundle: Bundle,
    *,
    lead_ms: float,
    seams: int,
    progress: Callable[[float], None] = lambda part: None,
) -> Seams:
    """Take over so many times.

    Args:
        bundle: what plays, is heard, and goes on.
        lead_ms: that what is heard is behind what is made.
        seams: how many.
        progress: is told which part of them is done, 0..1.
    """
    found = Seams(lead_ms=lead_ms, step_db=[], own_step_db=[], click_db=[])
    for number, text in enumerate(prompts(seams)):
        tempo = TEMPI[number % len(TEMPI)]
        bar = BEATS * 60.0 / tempo * bundle.audio.rate
        played = _play(bundle, text, tempo, seed=number)
        take, at = go_on(bundle, played, tempo, seed=number, lead_frames=ceil(lead_ms / FRAME_MS))
        _measure(take, at, bar, bundle.audio.rate, found)
        progress((number + 1) / seams)
    return found


def go_on(
    bundle: Bundle, played: Audio, tempo: float, *, seed: int, lead_frames: int
) -> tuple[Audio, int]:
    """Let a performer hear what was played and go on from it on its last bar line.

    Returns:
        [C, N] what was played, and from the seam on the performer; and the sample of the seam.
    """
    size, rate = bundle.audio.frame_samples, bundle.audio.rate
    performer = Performer(bundle, seed=seed)
    performer.set_transport(_song(rate, tempo))
    performer.ask(Ask(id="listen", command=SetMode(mode="listen")))
    frames = ceil((HEARD_BARS + MORE_BARS) * BEATS * 60.0 / tempo * FRAME_RATE)
    asked_at = played.shape[1] // size - round(ASKED_SECONDS * FRAME_RATE)
    window, chunks, at = style.Window(), [], 0
    for frame in range(frames):
        if frame == asked_at:
            if window.is_enough and "style" in bundle.manifest.graphs:
                performer.feel(style.encode(bundle, window))
            ask = Ask(id="go on", command=SetMode(mode="continue"), when=When(kind="bar"))
            performer.ask(ask, since=frame)
        made = performer.make()
        chunks.append(made.chunk)
        at = next((ack.sample for ack in made.acks if ack.id == "go on"), at)
        while performer.heard_frame <= performer.frame - lead_frames - 1:
            heard = played[:, performer.heard_frame * size :][:, :size]
            if heard.shape[1] < size:
                performer.miss(1)
            else:
                performer.hear(heard)
                window = style.hear(heard, window, is_silent=False)
    sound = np.concatenate(chunks, axis=1)
    before = np.zeros_like(sound)
    before[:, : played.shape[1]] = played[:, : sound.shape[1]]
    faded = cross(before, np.zeros_like(sound), at, 0, rate)
    return sound + faded, at


def _play(bundle: Bundle, text: str, tempo: float, *, seed: int) -> Audio:
    """[C, N] some bars of a prompt, and half a bar more than will be heard alone."""
    performer = Performer(bundle, seed=seed)
    performer.set_transport(_song(bundle.audio.rate, tempo))
    command = SetPrompt(index=1, text=text)
    words = command.parsed.text if command.parsed else ""
    performer.ask(Ask(id="play", command=command), prompt.encode(bundle, words) if words else None)
    frames = ceil((HEARD_BARS * BEATS + 0.5) * 60.0 / tempo * FRAME_RATE)
    return np.concatenate([performer.make().chunk for _ in range(frames)], axis=1)


def _song(rate: int, tempo: float) -> Transport:
    return Transport(rate=rate, tempo=SongTempo(tempo))


def _measure(take: Audio, at: int, bar: float, rate: int, found: Seams) -> None:
    """Add the figures of one take."""
    lines = [round(n * bar) for n in range(1, HEARD_BARS + MORE_BARS)]
    own = [line for line in lines if abs(line - at) > bar / 2]
    found.step_db.append(joint.loudness_step_db(take, at, round(bar), rate))
    before = (line for line in own if line < at)
    found.own_step_db.extend(joint.loudness_step_db(take, n, round(bar), rate) for n in before)
    found.click_db.append(joint.click_over_baseline_db(take, at, own, rate))

"""pedalboard, as the ladder holds it: a process of its own, told what a project would tell.

In:  a stage. Out: the host, with prompts and values in the plugin; noise to play to it; and the
judge of whether what came out is whole.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import soundfile

from plugin_host.hosts import preset, sound
from plugin_host.hosts.child import Child
from plugin_host.hosts.stage import Stage
from plugin_host.rung import expect

MODULE: Final = "plugin_host.hosts.pedalboard_child"
PROMPT: Final = "deep house, 122 bpm, bass, warm pads and drums"
MUSIC_RATE: Final = 48_000
START_SECONDS: Final = 0.02  # that a decoder may take to begin


@contextmanager
def host(stage: Stage) -> Iterator[Child]:
    """pedalboard in a process of its own."""
    with Child(MODULE, stage.environment(), stage.folder / "pedalboard.log") as child:
        yield child


def tell(
    stage: Stage, child: Child, prompts: Sequence[str], name: str = "it", **values: object
) -> dict[str, Any]:
    """Give an instance prompts and values, as a project does; what it was told."""
    path = stage.fresh("told", ".vstpreset")
    child.do("save", path=str(path), name=name)
    before = path.read_bytes()
    state = preset.changed(preset.read(before), prompts, **values)
    path.write_bytes(preset.written(before, state))
    child.do("restore", path=str(path), name=name)
    return state


def settle(child: Child) -> None:
    """Process a second, so that the engine is found."""
    child.do("render", rate=MUSIC_RATE, seconds=1.0)


def whole(made: sound.Sound, rate: int, seconds: float, channels: int = 2) -> None:
    """Music from the first sample to the last, without a gap.

    Raises:
        Failed: it is not.
    """
    count = round(rate * seconds)
    expect(made.shape == (channels, count), "the sound's shape", made.shape, (channels, count))
    expect(bool(np.isfinite(made).all()), "the sound", "not finite", "finite")
    expect(sound.loudness(made) > 1e-4, "the loudness", sound.loudness(made), "above 0.0001")
    found = [gap for gap in sound.gaps(made, rate) if gap.start + gap.seconds > START_SECONDS]
    expect(not found, "gaps", sound.listed(found), "none")


def noise_file(stage: Stage, rate: int, seconds: float) -> Path:
    """Noise that is the same each time."""
    path = stage.fresh("noise", ".wav")
    noise = np.random.default_rng(rate).uniform(-0.5, 0.5, (round(rate * seconds), 2))
    soundfile.write(path, noise.astype(np.float32), rate, subtype="FLOAT")
    return path

"""dawdreamer, as a host: a tempo, a song that moves, and automation from block to block.

Run as a program by `hosts.child`. In: jobs. Out: measurements, and sound as WAV files. Always
renders offline; its song moves, but it never says that it plays.
"""

import time
from pathlib import Path
from typing import Any

import dawdreamer
import numpy as np
import soundfile

from plugin_host.hosts.child import work

CURVE_RATE = 100  # points a second


def render(
    plugin: str,
    rate: int,
    seconds: float,
    output: str,
    preset: str = "",
    source: str = "",
    bpm: float = 120.0,
    block: int = 512,
    curves: dict[str, list[float]] | None = None,
) -> dict[str, Any]:
    """Render a song of its own with one instance.

    Args:
        plugin: the .vst3 folder.
        rate: Hz.
        seconds: how long.
        output: WAV file that is written.
        preset: .vstpreset file that it is given first.
        source: WAV file that it hears; silence without.
        bpm: of the song.
        block: samples.
        curves: parameter name -> values from 0 to 1, spread evenly over the time.
    """
    engine = dawdreamer.RenderEngine(rate, block)
    engine.set_bpm(bpm)
    one = engine.make_plugin_processor("it", plugin)
    if preset:
        one.load_vst3_preset(preset)
    for name, values in (curves or {}).items():
        points = np.interp(
            np.linspace(0, 1, round(seconds * CURVE_RATE)), np.linspace(0, 1, len(values)), values
        )
        one.set_automation(_index(one, name), np.repeat(points, rate // CURVE_RATE))
    heard = np.zeros((2, round(rate * seconds)), np.float32)
    if source:
        heard = np.ascontiguousarray(soundfile.read(source, dtype="float32")[0].T)
    playback = engine.make_playback_processor("heard", heard)
    engine.load_graph([(playback, []), (one, ["heard"])])
    begin = time.perf_counter()
    engine.render(seconds)
    wall = time.perf_counter() - begin
    soundfile.write(output, engine.get_audio().T, rate, subtype="FLOAT")
    return {"seconds": wall, "latency_samples": one.get_latency_samples()}


def describe(plugin: str) -> dict[str, Any]:
    """The names of its parameters, in their order."""
    engine = dawdreamer.RenderEngine(48_000, 512)  # an instance does not outlive it
    one = engine.make_plugin_processor("it", plugin)
    return {"names": [row["name"] for row in one.get_parameters_description()]}


def save(plugin: str, preset: str, output: str) -> dict[str, Any]:
    """Give it a preset, and write the state as this host keeps it."""
    engine = dawdreamer.RenderEngine(48_000, 512)
    one = engine.make_plugin_processor("it", plugin)
    one.load_vst3_preset(preset)
    one.save_state(output)
    return {"bytes": Path(output).stat().st_size}


def edit(
    plugin: str, rate: int, seconds: float, output: str, typed: str, again: str
) -> dict[str, Any]:
    """Open the editor until it is closed by hand, render, and open it once more.

    Args:
        plugin: the .vst3 folder.
        rate: Hz.
        seconds: to render.
        output: WAV file that is written.
        typed: file for the state after the first time.
        again: file for the state after the second.
    """
    engine = dawdreamer.RenderEngine(rate, 512)
    one = engine.make_plugin_processor("it", plugin)
    engine.load_graph([(one, [])])
    one.open_editor()
    one.save_state(typed)
    engine.render(seconds)
    soundfile.write(output, engine.get_audio().T, rate, subtype="FLOAT")
    one.open_editor()
    one.save_state(again)
    return {"channels": len(engine.get_audio())}


def _index(one: Any, name: str) -> int:
    names = [row["name"] for row in one.get_parameters_description()]
    return names.index(name)


if __name__ == "__main__":
    work({"render": render, "describe": describe, "save": save, "edit": edit})

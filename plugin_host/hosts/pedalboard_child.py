"""pedalboard, as a host: load the plugin, give it state, have it render, look at it, let it go.

Run as a program by `hosts.child`. In: jobs. Out: measurements, and sound as WAV files. Always
renders offline; says nothing of a song.
"""

import gc
import time
from pathlib import Path
from typing import Any

import numpy as np
import pedalboard
import soundfile

from plugin_host.hosts.child import work
from plugin_host.hosts.sound import Sound

instances: dict[str, Any] = {}


def load(plugin: str, name: str = "it") -> dict[str, Any]:
    """Make an instance."""
    begin = time.perf_counter()
    instances[name] = pedalboard.VST3Plugin(plugin)
    it = instances[name]
    return {
        "seconds": time.perf_counter() - begin,
        "version": it.version,
        "latency_samples": it.reported_latency_samples,
        "parameters": len(it.parameters),
        "is_effect": it.is_effect,
    }


def save(path: str, name: str = "it") -> dict[str, Any]:
    """Write the state as a preset."""
    Path(path).write_bytes(instances[name].preset_data)
    return {}


def restore(path: str, name: str = "it") -> dict[str, Any]:
    """Give it a preset's state."""
    instances[name].preset_data = Path(path).read_bytes()
    return {}


def render(
    rate: int,
    seconds: float,
    output: str = "",
    source: str = "",
    block: int = 512,
    fresh: bool = True,
    channels: int = 2,
    name: str = "it",
) -> dict[str, Any]:
    """Have it process so many seconds of silence, or of a file, in blocks of one size."""
    count = round(rate * seconds)
    heard = np.zeros((channels, count), np.float32)
    if source:
        heard[:] = soundfile.read(source, dtype="float32")[0].T[:channels, :count]
    begin = time.perf_counter()
    made = instances[name].process(heard, rate, buffer_size=block, reset=fresh)
    wall = time.perf_counter() - begin
    _write(output, made, rate)
    return {
        "seconds": wall,
        "frames": made.shape[1],
        "is_input": bool(np.array_equal(made, heard)),
        "peak": float(np.abs(made).max(initial=0.0)),
        "latency_samples": instances[name].reported_latency_samples,
    }


def many_blocks(
    rates: list[int], blocks: int, largest: int, seed: int, a_rate: int = 100, name: str = "it"
) -> dict[str, Any]:
    """Have it process blocks of random sizes at random rates; how many were changed by it."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((2, largest)).astype(np.float32)
    changed = bad = done = samples = 0
    while done < blocks:
        rate = int(rng.choice(rates))
        for index in range(min(a_rate, blocks - done)):
            size = int(rng.integers(1, largest + 1))
            made = instances[name].process(
                noise[:, :size], rate, buffer_size=largest, reset=index == 0
            )
            changed += made.shape != (2, size) or not np.array_equal(made, noise[:, :size])
            bad += not bool(np.isfinite(made).all())
            samples += size
        done += min(a_rate, blocks - done)
    return {"blocks": done, "samples": samples, "changed": changed, "not_finite": bad}


def drop(name: str = "it") -> dict[str, Any]:
    """Let an instance go."""
    begin = time.perf_counter()
    del instances[name]
    gc.collect()  # its parameters point back at it
    return {"seconds": time.perf_counter() - begin}


def _write(path: str, made: Sound, rate: int) -> None:
    if path:
        soundfile.write(path, made.T, rate, subtype="FLOAT")


if __name__ == "__main__":
    work(
        {
            "load": load,
            "save": save,
            "restore": restore,
            "render": render,
            "many_blocks": many_blocks,
            "drop": drop,
        }
    )

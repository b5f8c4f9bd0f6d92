"""The rung of pedalboard: what comes in, comes out, comes back; state, rates, blocks, many
instances.

In:  a stage. Out: figures of each experiment; `Failed` where one is not as promised. pedalboard
always renders offline and has no song, so the plugin makes it wait for the engine.
"""

import time
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from plugin_host import rung
from plugin_host.hosts import pedalboard_loss, preset, sound
from plugin_host.hosts.pedalboard_host import (
    MUSIC_RATE,
    PROMPT,
    host,
    noise_file,
    settle,
    tell,
    whole,
)
from plugin_host.hosts.pedalboard_loss import DROP_SECONDS
from plugin_host.hosts.stage import Stage
from plugin_host.rung import Experiment, Figures, Finding, Rung, expect

if TYPE_CHECKING:
    from plugin_host.ladder import Plan

HOST: Final = "pedalboard"
RATES: Final = (44_100, 48_000, 88_200, 96_000)
BLOCKS: Final = (64, 512, 777, 8192)
FULL: Final = {"blocks": 10_000, "instances": 20}
QUICK: Final = {"blocks": 300, "instances": 3}


def climb(stage: Stage, plan: "Plan", told: Callable[[Finding], None]) -> Rung:
    """Try it, if it is here."""
    try:
        found = version("pedalboard")
    except PackageNotFoundError:
        return rung.skip(HOST, "pedalboard is not installed: pip install pedalboard")
    much = QUICK if plan.is_quick else FULL
    return rung.climb(HOST, found, experiments(stage, **much), told)


def experiments(stage: Stage, *, blocks: int, instances: int) -> list[Experiment]:
    """All of them, the cheap ones first.

    Args:
        stage: where.
        blocks: of random sizes.
        instances: at one time.
    """
    return [
        Experiment("passes its input without an engine", lambda: passes_input(stage)),
        Experiment("serves a mono track", lambda: serves_mono(stage)),
        Experiment("bounces whole, and the same again", lambda: bounces(stage)),
        Experiment("bounces at every rate", lambda: bounces_at_rates(stage)),
        Experiment("comes back as it was saved", lambda: recalls(stage)),
        Experiment("takes blocks of any size", lambda: takes_any_block(stage, blocks)),
        Experiment("plays in many instances", lambda: plays_in_many(stage, instances)),
        Experiment("survives an engine that dies", lambda: pedalboard_loss.survives_death(stage)),
        Experiment(
            "survives an engine that hangs", lambda: pedalboard_loss.survives_hanging(stage)
        ),
        Experiment("plays with another bundle", lambda: pedalboard_loss.plays_with_another(stage)),
    ]


# --- without an engine ----------------------------------------------------------------------------


def passes_input(stage: Stage, rates: Sequence[int] = RATES, block: int = 512) -> Figures:
    """Without an engine all that comes in goes out, bit for bit and at once."""
    waits = []
    with host(stage) as child:
        loaded = child.do("load", plugin=str(stage.vst3))
        expect(loaded["latency_samples"] == 0, "the delay", loaded["latency_samples"], "0 samples")
        for rate in rates:
            noise = noise_file(stage, rate, 1.0)
            done = child.do("render", rate=rate, seconds=1.0, source=str(noise), block=block)
            expect(done["is_input"], f"the output at {rate} Hz", "changed", "the input")
            expect(done["latency_samples"] == 0, "the delay", done["latency_samples"], "0 samples")
            waits.append(done["seconds"])
        dropped = child.do("drop")["seconds"]
    expect(dropped < DROP_SECONDS, "removing it took", f"{dropped:.2f} s", f"{DROP_SECONDS} s")
    return {
        "rates": list(rates),
        "load_seconds": loaded["seconds"],
        "parameters": loaded["parameters"],
        "longest_wait_seconds": max(waits),
        "drop_seconds": dropped,
    }


def serves_mono(stage: Stage) -> Figures:
    """A mono track: without an engine its input comes out, with one the music is whole."""
    with host(stage) as child:
        child.do("load", plugin=str(stage.vst3))
        noise = noise_file(stage, MUSIC_RATE, 1.0)
        done = child.do("render", rate=MUSIC_RATE, seconds=1.0, source=str(noise), channels=1)
        expect(done["is_input"], "the output of a mono track", "changed", "the input")
    output = stage.fresh("mono", ".wav")
    with stage.engine() as _, host(stage) as child:
        child.do("load", plugin=str(stage.vst3))
        tell(stage, child, [PROMPT], seed=5)
        child.do("render", rate=MUSIC_RATE, seconds=2.0, output=str(output), channels=1)
    made, _ = sound.load(output)
    whole(made, MUSIC_RATE, 2.0, channels=1)
    return {"peak": float(np.abs(made).max())}


def takes_any_block(stage: Stage, blocks: int, largest: int = 8192) -> Figures:
    """Blocks of random sizes at random rates, with an engine; only the input is let through.

    With `mix` at 0 every block must come back as it went.
    """
    with stage.engine() as _, host(stage) as child:
        child.do("load", plugin=str(stage.vst3))
        tell(stage, child, [PROMPT], mix=0.0)
        settle(child)
        done = child.do(
            "many_blocks",
            rates=[*RATES, 22_050, 192_000],
            blocks=blocks,
            largest=largest,
            seed=1,
            within=60.0 + blocks / 2,
        )
    expect(done["changed"] == 0, "blocks that came back changed", done["changed"], "0")
    expect(done["not_finite"] == 0, "blocks that are no numbers", done["not_finite"], "0")
    return done


# --- with one -------------------------------------------------------------------------------------


def bounces(stage: Stage, seconds: float = 4.0, blocks: Sequence[int] = BLOCKS) -> Figures:
    """Whole from the first sample, and the same whatever the blocks and however often."""
    made = []
    with stage.engine() as _, host(stage) as child:
        child.do("load", plugin=str(stage.vst3))
        tell(stage, child, [PROMPT], seed=5)
        for block in (*blocks, blocks[0]):
            path = stage.fresh("bounce", ".wav")
            done = child.do(
                "render", rate=MUSIC_RATE, seconds=seconds, output=str(path), block=block
            )
            made.append((sound.load(path)[0], done["seconds"]))
    whole(made[0][0], MUSIC_RATE, seconds)
    for block, (one, other) in zip(blocks, pairwise(made), strict=True):
        apart = sound.difference(one[0], other[0])
        expect(apart == 0.0, f"a bounce after one in blocks of {block}", f"off by {apart}", "equal")
    return {
        "blocks": list(blocks),
        "seconds_of_music": seconds,
        "slowest_seconds": max(wall for _, wall in made),
        "loudness": sound.loudness(made[0][0]),
    }


def bounces_at_rates(stage: Stage, rates: Sequence[int] = RATES, seconds: float = 2.0) -> Figures:
    """Whole at every rate, equally loud and equally long."""
    levels = []
    with stage.engine() as _, host(stage) as child:
        child.do("load", plugin=str(stage.vst3))
        tell(stage, child, [PROMPT], seed=5)
        for rate in rates:
            path = stage.fresh("rate", ".wav")
            child.do("render", rate=rate, seconds=seconds, output=str(path))
            made, got = sound.load(path)
            expect(got == rate, "the rate", got, rate)
            whole(made, rate, seconds)
            levels.append(sound.loudness(made))
    spread = 20 * float(np.log10(max(levels) / min(levels)))
    expect(spread < 1.0, "the spread of loudness over rates", f"{spread:.2f} dB", "under 1 dB")
    return {"rates": list(rates), "spread_db": spread}


def recalls(stage: Stage) -> Figures:
    """A saved project gives the same plugin and music; keys of a later version survive."""
    saved, again = stage.fresh("saved", ".vstpreset"), stage.fresh("again", ".vstpreset")
    first, second = stage.fresh("first", ".wav"), stage.fresh("second", ".wav")
    with stage.engine() as _:
        with host(stage) as child:
            child.do("load", plugin=str(stage.vst3))
            told = tell(stage, child, [PROMPT, "choir"], seed=11, temperature=0.8, key="D minor")
            child.do("render", rate=MUSIC_RATE, seconds=2.0, output=str(first))
            child.do("save", path=str(saved))
        later = {**preset.read(saved.read_bytes()), "a_later_key": {"kept": [1, 2]}}
        saved.write_bytes(preset.written(saved.read_bytes(), later))
        with host(stage) as child:
            child.do("load", plugin=str(stage.vst3))
            child.do("restore", path=str(saved))
            child.do("render", rate=MUSIC_RATE, seconds=2.0, output=str(second))
            child.do("save", path=str(again))
    found = preset.read(again.read_bytes())
    expect(found["prompts"] == told["prompts"], "the prompts", found["prompts"], told["prompts"])
    for name, value in told["values"].items():
        expect(_near(found["values"][name], value), name, found["values"][name], value)
    expect(found.get("a_later_key") == {"kept": [1, 2]}, "an unknown key", "gone", "kept")
    apart = sound.difference(sound.load(first)[0], sound.load(second)[0])
    expect(apart == 0.0, "the music of the reopened project", f"off by {apart}", "equal")
    return {"values": len(told["values"]), "made_with": found.get("made_with", {})}


def plays_in_many(stage: Stage, count: int, seconds: float = 1.0) -> Figures:
    """Many at one time, each with music of its own seed."""
    made = []
    with stage.engine("--sessions", str(count + 1)) as _, host(stage) as child:
        for index in range(count):
            name = str(index)
            child.do("load", plugin=str(stage.vst3), name=name)
            tell(stage, child, [PROMPT], name=name, seed=index)
        begin = time.monotonic()
        for index in range(count):
            path = stage.fresh("many", ".wav")
            child.do("render", rate=MUSIC_RATE, seconds=seconds, output=str(path), name=str(index))
            made.append(sound.load(path)[0])
            whole(made[-1], MUSIC_RATE, seconds)
        wall = time.monotonic() - begin
        drops = [child.do("drop", name=str(index))["seconds"] for index in range(count)]
    same = sum(sound.difference(one, other) == 0.0 for one, other in pairwise(made))
    expect(same == 0, "neighbours that play the same", same, "none")
    expect(max(drops) < DROP_SECONDS, "removing one took", max(drops), f"{DROP_SECONDS} s")
    return {"instances": count, "seconds": wall, "slowest_drop_seconds": max(drops)}


def _near(one: object, other: object) -> bool:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return abs(one - other) < 1e-5
    return one == other

"""The rung of dawdreamer: the song's tempo reaches the engine, and automation reaches the sound.

In:  a stage. Out: figures of each experiment; `Failed` where one is not as promised.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from plugin_host import rung
from plugin_host.hosts import preset, sound
from plugin_host.hosts.child import Child
from plugin_host.hosts.engine import Engine
from plugin_host.hosts.pedalboard_host import MUSIC_RATE, PROMPT, noise_file, whole
from plugin_host.hosts.stage import Stage
from plugin_host.rung import Experiment, Failed, Figures, Finding, Rung, expect

if TYPE_CHECKING:
    from plugin_host.ladder import Plan

HOST: Final = "dawdreamer"
MODULE: Final = "plugin_host.hosts.dawdreamer_child"
TEMPO: Final = 97.5


def climb(stage: Stage, plan: "Plan", told: Callable[[Finding], None]) -> Rung:
    """Try it, if it is here."""
    try:
        found = version("dawdreamer")
    except PackageNotFoundError:
        return rung.skip(HOST, "dawdreamer is not installed: pip install dawdreamer")
    return rung.climb(HOST, found, experiments(stage), told)


def experiments(stage: Stage) -> list[Experiment]:
    """All of them."""
    return [
        Experiment("names its parameters", lambda: names_parameters(stage)),
        Experiment("follows the song's tempo", lambda: follows_tempo(stage)),
        Experiment("obeys automation", lambda: obeys_automation(stage)),
        Experiment("renders the same in any blocks", lambda: renders_alike(stage)),
    ]


def names_parameters(stage: Stage) -> Figures:
    """A host sees the plugin's own parameters, and no junk beside them."""
    with _host(stage) as child:
        names = child.do("describe", plugin=str(stage.vst3))["names"]
    for name in ("Weight 1", "Mix", "Mode", "Seed", "Bypass"):
        expect(name in names, f"the parameter {name}", "not there", "there")
    junk = [name for name in names if name.startswith("MIDI CC")]
    expect(not junk, "parameters for MIDI controllers", len(junk), "none")
    expect(len(set(names)) == len(names), "names given twice", names, "none")
    return {"parameters": len(names)}


def follows_tempo(stage: Stage) -> Figures:
    """The engine's own log says the tempo of the song, from its first beat on."""
    path = stage.fresh("tempo", ".wav")
    with stage.engine() as engine, _host(stage) as child:
        child.do(
            "render",
            plugin=str(stage.vst3),
            preset=str(_preset(stage, seed=5)),
            rate=MUSIC_RATE,
            seconds=4.0,
            bpm=TEMPO,
            output=str(path),
        )
        engine.end()
        songs = [song for song in told_songs(engine) if song.get("bpm")]
    whole(sound.load(path)[0], MUSIC_RATE, 4.0)
    expect(bool(songs), "the engine", "told no song", "the song's tempo")
    tempi = sorted({round(song["bpm"], 3) for song in songs})
    expect(tempi == [TEMPO], "the tempo that the engine was told", tempi, [TEMPO])
    return {"bpm": tempi[0], "told": len(songs)}


def obeys_automation(stage: Stage) -> Figures:
    """`Mix` drawn from 0 to 1 fades the input out, block by block."""
    path, noise = stage.fresh("automation", ".wav"), noise_file(stage, MUSIC_RATE, 4.0)
    with stage.engine() as _, _host(stage) as child:
        child.do(
            "render",
            plugin=str(stage.vst3),
            preset=str(_preset(stage, seed=5, level=-60.0)),
            rate=MUSIC_RATE,
            seconds=4.0,
            source=str(noise),
            curves={"Mix": [0.0, 0.5, 1.0]},
            output=str(path),
        )
    made, heard = sound.load(path)[0], sound.load(noise)[0]
    share = [
        sound.loudness(one) / sound.loudness(other)
        for one, other in zip(_eighths(made), _eighths(heard), strict=True)
    ]
    expect(min(share[:4]) > 0.95, "the input's share before the middle", share[:4], "all of it")
    falls = all(one > other for one, other in zip(share[3:], share[4:], strict=False))
    expect(falls and share[-1] < 0.3, "the input's share after the middle", share[4:], "falling")
    return {"share_by_eighth": share}


def renders_alike(stage: Stage) -> Figures:
    """The same song in blocks of 128 and of 2,048 is the same music."""
    made = []
    with stage.engine() as _, _host(stage) as child:
        for block in (128, 2048):
            path = stage.fresh("blocks", ".wav")
            child.do(
                "render",
                plugin=str(stage.vst3),
                preset=str(_preset(stage, seed=5)),
                rate=MUSIC_RATE,
                seconds=3.0,
                block=block,
                output=str(path),
            )
            made.append(sound.load(path)[0])
    apart = sound.difference(*made)
    expect(apart == 0.0, "blocks of 2,048 beside blocks of 128", f"off by {apart}", "equal")
    return {"blocks": [128, 2048]}


def told_songs(engine: Engine) -> list[dict[str, Any]]:
    """What the engine's takes say of the host's song; the engine has to have ended.

    Raises:
        Failed: it kept no take.
    """
    logs = sorted(engine.takes.glob("*.jsonl"))
    if not logs:
        raise Failed(f"the engine kept no take in {engine.takes}.")
    found = []
    for log in logs:
        for line in log.read_text().splitlines():
            said = json.loads(line)
            found += list(_dicts_with(said, "bpm"))
    return found


def _dicts_with(said: Any, key: str) -> Iterator[dict[str, Any]]:
    if isinstance(said, dict):
        if key in said:
            yield said
        for value in said.values():
            yield from _dicts_with(value, key)
    elif isinstance(said, list):
        for value in said:
            yield from _dicts_with(value, key)


def _preset(stage: Stage, **values: object) -> Path:
    path = stage.fresh("dawdreamer", ".vstpreset")
    path.write_bytes(preset.made(preset.changed(preset.EMPTY, [PROMPT], **values)))
    return path


def _eighths(made: sound.Sound) -> list[sound.Sound]:
    return np.array_split(made, 8, axis=1)


@contextmanager
def _host(stage: Stage) -> Iterator[Child]:
    with Child(MODULE, stage.environment(), stage.folder / "dawdreamer.log") as child:
        yield child

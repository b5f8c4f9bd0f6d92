"""The rung of jalv: the LV2 plugin in real time on a JACK server, with an engine that comes and
goes.

In:  a stage. Out: how often the plugin was late, when its music stopped and when it was back.
"""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from plugin_host import rung
from plugin_host.hosts import jack, lv2_state, preset, sound
from plugin_host.hosts.jack import Jack, Late
from plugin_host.hosts.pedalboard_host import PROMPT
from plugin_host.hosts.stage import Stage
from plugin_host.hosts.stalls import Stalls
from plugin_host.rung import Experiment, Figures, Finding, Rung, expect

if TYPE_CHECKING:
    from plugin_host.ladder import Plan

HOST: Final = "jalv"
RATE: Final = 48_000
PERIOD: Final = 1024  # as the rung of Ardour: 21 ms, that a busy host of machines may be late
CLIENT: Final = "antiphon"
OUTPUTS: Final = (f"{CLIENT}:audio_out_1", f"{CLIENT}:audio_out_2")
DROP_SECONDS: Final = 0.5
LOSS_SECONDS: Final = 5  # that the engine is left lost


def climb(stage: Stage, plan: "Plan", told: Callable[[Finding], None]) -> Rung:
    """Try it, if it is here."""
    if packages := missing():
        return rung.skip(HOST, f"not here: apt-get install {' '.join(packages)}")
    seconds = 10 if plan.is_quick else round(60 * plan.minutes)
    return rung.climb(HOST, _version(), experiments(stage, seconds), told)


def missing() -> list[str]:
    """Name the Debian packages without which this rung cannot be climbed."""
    return jack.missing() + (["jalv"] if shutil.which("jalv") is None else [])


def experiments(stage: Stage, seconds: int) -> list[Experiment]:
    """All of them; the first plays for `seconds`."""
    return [
        Experiment("plays in real time", lambda: plays(stage, seconds)),
        Experiment("plays on through an engine's death", lambda: outlives(stage, is_killed=True)),
        Experiment("plays on through a hanging engine", lambda: outlives(stage, is_killed=False)),
    ]


def plays(stage: Stage, seconds: int, *, is_strict: bool = True) -> Figures:
    """Real time for a while: the plugin is never late, and its music has no gap.

    Args:
        stage: where.
        seconds: how long.
        is_strict: whether lateness fails it; not on a machine that does other things as well.
    """
    path, stalls = stage.fresh("jalv", ".wav"), Stalls()
    with Jack(stage.folder, stage.environment(), rate=RATE, period=PERIOD) as server:
        with stage.engine() as _, _jalv(stage, server, buffer="safe"), stalls.watched():
            _wait_for_music(stage, server)
            begin = time.monotonic()
            server.record(path, seconds, OUTPUTS).finish()
            passed = time.monotonic() - begin
        late = server.late(CLIENT)
    made, rate = sound.load(path)
    found = sound.gaps(made, rate)
    if is_strict:
        _expect_in_time(late, stalls)
        expect(not found, "gaps", f"{sound.listed(found)}; {stalls.figures()}", "none")
    return {
        "seconds_of_music": made.shape[1] / rate,
        "seconds_on_the_wall": passed,
        **late._asdict(),
        **stalls.figures(),
        "gaps": len(found),
        "loudness": sound.loudness(made),
    }


def outlives(stage: Stage, *, is_killed: bool, is_strict: bool = True) -> Figures:
    """The engine is lost for five seconds: the host is never late, and music comes back."""
    path, stalls = stage.fresh("lost", ".wav"), Stalls()
    with Jack(stage.folder, stage.environment(), rate=RATE, period=PERIOD) as server:
        with stage.engine() as first, _jalv(stage, server) as host, stalls.watched():
            _wait_for_music(stage, server)
            recorder = server.record(path, 30, OUTPUTS)
            time.sleep(2.0)
            first.kill() if is_killed else first.hang()
            lost = recorder.samples() / RATE
            time.sleep(LOSS_SECONDS)
            with stage.engine() as _:
                ready = recorder.samples() / RATE
                recorder.finish()
            removed = _end(host)
        late = server.late(CLIENT)
    made, rate = sound.load(path)
    silent, back = _around(made, rate, lost)
    if is_strict:
        _expect_in_time(late, stalls)
    expect(removed < DROP_SECONDS, "removing it took", f"{removed:.2f} s", f"{DROP_SECONDS} s")
    return {
        **late._asdict(),
        **stalls.figures(),
        "music_lasts_seconds": silent - lost,
        "back_after_ready_seconds": back - ready,
        "drop_seconds": removed,
    }


def _expect_in_time(late: Late, stalls: Stalls) -> None:
    excused = stalls.periods(PERIOD / RATE)
    expect(sum(late) <= excused, "periods that it was late for", late, f"{excused} in all")


def _around(made: sound.Sound, rate: int, lost: float) -> tuple[float, float]:
    """When the music stopped after the loss, and when it was back.

    Raises:
        Failed: it did not stop, or did not come back.
    """
    long = [gap for gap in sound.gaps(made, rate, 1.0) if gap.start > lost - 0.5]
    expect(bool(long), "the silence of a lost engine", "not there", "there")
    gap = long[0]
    back = gap.start + gap.seconds
    expect(back < made.shape[1] / rate - 1.0, "the music of the next engine", "not there", "there")
    rest = made[:, round(back * rate) :]
    expect(sound.loudness(rest) > 1e-4, "its loudness", sound.loudness(rest), "above 0.0001")
    return gap.start, back


def _wait_for_music(stage: Stage, server: Jack) -> None:
    """Until a second of what comes out has sound in it."""
    for attempt in range(30):
        path = stage.folder / f"probe-{attempt}.wav"
        server.record(path, 1, OUTPUTS).finish()
        made, _ = sound.load(path)
        path.unlink()
        if float(np.abs(made[:, -RATE // 4 :]).max(initial=0.0)) > 1e-3:
            return
    expect(False, "the plugin's output", "silent for 30 s", "music")


@contextmanager
def _jalv(stage: Stage, server: Jack, **values: object) -> Iterator[subprocess.Popen[bytes]]:
    state = preset.changed(preset.EMPTY, [PROMPT], seed=5, **values)
    folder = lv2_state.write(stage.fresh("state"), state)
    with (stage.folder / "jalv.log").open("a") as log:
        host = subprocess.Popen(
            ["jalv", "-x", "-n", CLIENT, "-l", str(folder), lv2_state.URI],
            env=server.environment,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
        )
    try:
        server.wait_for(OUTPUTS)
        for index, port in enumerate(OUTPUTS, start=1):
            server.connect(port, f"system:playback_{index}")
        yield host
    finally:
        host.kill()
        host.wait()
        if host.stdin is not None:
            host.stdin.close()


def _end(host: subprocess.Popen[bytes]) -> float:
    """Have it end, and so remove the plugin; seconds that it took."""
    begin = time.monotonic()
    host.terminate()
    host.wait(30.0)
    return time.monotonic() - begin


def _version() -> str:
    done = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Version}", "jalv"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() if Path("/usr/bin/dpkg-query").exists() else ""

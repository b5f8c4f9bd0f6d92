"""The rung of Ardour: a real DAW, scripted; exported offline, rolled in real time, played to.

In:  a stage. Out: figures of each experiment; `Failed` where one is not as promised. Beats and
style are only judged where the bundle is one that was trained.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import numpy as np

from plugin_host import rung
from plugin_host.hosts import ardour_session, jack, sound
from plugin_host.hosts.ardour_session import DUMMY, RATE, Session, Stood
from plugin_host.hosts.engine import Engine
from plugin_host.hosts.jack import Jack
from plugin_host.hosts.nearest import is_nearest
from plugin_host.hosts.stage import Stage
from plugin_host.rung import Experiment, Figures, Finding, Rung, expect

if TYPE_CHECKING:
    from plugin_host.ladder import Plan

HOST: Final = "ardour"
BPM: Final = 120.0
BAR_SECONDS: Final = 2.0
PROMPT: Final = "deep house, bass, warm pads and drums"
GRID_MS: Final = 25.0
TOY: Final = "toy"  # a bundle that makes noise; its beats are nowhere
PERIOD: Final = 1024
START_SECONDS: Final = 0.05  # that rolling may begin silent
MOST_FADED: Final = 0.25  # of a tape
RINGING_SECONDS: Final = 0.25  # that a response may ring on into the next call


def climb(stage: Stage, plan: "Plan", told: Callable[[Finding], None]) -> Rung:
    """Try it, if it is here."""
    found = ardour_session.version()
    if not found:
        return rung.skip(HOST, "ardour7-lua is not here: apt-get install ardour")
    seconds = 8.0 if plan.is_quick else 60 * plan.minutes
    return rung.climb(HOST, found, experiments(stage, seconds), told)


def experiments(stage: Stage, seconds: float) -> list[Experiment]:
    """All of them; one rolls for `seconds`."""
    return [
        Experiment("exports four bars on the grid", lambda: exports(stage)),
        Experiment("exports what was heard, bit for bit", lambda: replays(stage)),
        Experiment("exports without an engine, and does not hang", lambda: exports_alone(stage)),
        Experiment("exports on when the engine dies", lambda: exports_through_death(stage)),
        Experiment("answers a track, offline", lambda: answers(stage, is_offline=True)),
        Experiment("answers a track, rolling", lambda: answers(stage, is_offline=False)),
        Experiment("continues a track, offline", lambda: continues(stage)),
        Experiment("rolls in real time on JACK", lambda: rolls(stage, seconds)),
    ]


def exports(stage: Stage, bars: int = 4) -> Figures:
    """A prompt at 120 bpm, exported offline: whole, and its beats on the grid."""
    with stage.engine() as engine:
        session = Session(stage)
        expect(session.latency_samples == 0, "the delay", session.latency_samples, "0 samples")
        session.tell([PROMPT], bpm=BPM, seed=5)
        made, wall = session.export(bars * BAR_SECONDS)
        judged = _judged(stage, engine, made)
    found = sound.gaps(made, RATE)
    expect(not found, "gaps", sound.listed(found), "none")
    return {"seconds_of_music": bars * BAR_SECONDS, "export_seconds": wall, **judged}


def replays(stage: Stage) -> Figures:
    """What was played and recorded is exported again bit for bit, also where there is no engine.

    Each run is another Ardour, so that the project is closed and opened every time.
    """
    with stage.engine() as _:
        session = Session(stage)
        session.tell([PROMPT], bpm=BPM, seed=5, take="record")
        heard, _ = session.roll(2 * BAR_SECONDS, wait=3.0)
        take = session.state().get("take", "")
        expect(bool(take), "the take that the project names", "none", "one")
        session.change(take="replay")
        first, _ = session.export(2 * BAR_SECONDS)
    second, _ = session.export(2 * BAR_SECONDS)
    apart = sound.difference(first, second)
    expect(apart == 0.0, "the export without an engine", sound.where(first, second, RATE), "equal")
    lag, apart, faded = _aligned(heard, first)
    expect(apart == 0.0, "the export beside what was heard", f"off by {apart:.4f}", "equal")
    expect(faded < MOST_FADED, "the part that was not heard", faded, f"under {MOST_FADED}")
    return {"runs_of_ardour": session.tries, "lag_samples": lag, "part_not_heard": faded}


def exports_alone(stage: Stage) -> Figures:
    """Without an engine an export ends, in bounded time, with what came in."""
    session = Session(stage)
    session.tell([PROMPT], bpm=BPM)
    made, wall = session.export(BAR_SECONDS)
    expect(sound.loudness(made) < 1e-6, "the loudness", sound.loudness(made), "silence")
    expect(wall < 30.0, "the export took", f"{wall:.1f} s", "under 30 s")
    return {"export_seconds": wall}


def exports_through_death(stage: Stage) -> Figures:
    """The engine is killed while the host waits for it: the file is whole, its end silent."""
    with stage.engine() as engine:
        session = Session(stage)
        session.tell([PROMPT], bpm=BPM)
        with engine.killed_at(lambda: _heard_bytes(engine) > 1_000_000):
            made, wall = session.export(60.0)
    expect(made.shape == (2, 60 * RATE), "the file's shape", made.shape, (2, 60 * RATE))
    expect(wall < 90.0, "the export took", f"{wall:.1f} s", "under 90 s")
    return {
        "export_seconds": wall,
        "silent_seconds": sum(gap.seconds for gap in sound.gaps(made, RATE)),
    }


def answers(stage: Stage, *, is_offline: bool) -> Figures:
    """A guitar plays a bar, the plugin answers for a bar, on the bar."""
    guitar = plucked(4 * BAR_SECONDS)
    with stage.engine() as _:
        session = Session(stage, region_seconds=4 * BAR_SECONDS)
        session.put_region(guitar)
        session.tell([PROMPT], bpm=BPM, mode="answer", call_bars=1, response_bars=1, mix=1.0)
        if is_offline:
            made, _ = session.export(4 * BAR_SECONDS)
        else:
            made, _ = session.roll(4 * BAR_SECONDS, wait=3.0)
    bars, ringing = _bars(made, 4), round(RINGING_SECONDS * RATE)
    calls = [sound.loudness(bar[:, ringing:]) for bar in bars[0::2]]
    responses = [sound.loudness(bar) for bar in bars[1::2]]
    expect(min(responses) > 1e-4, "the loudness of responses", responses, "above 0.0001")
    expect(
        max(calls) < 0.1 * min(responses), "the loudness of what is made in calls", calls, "little"
    )
    begins = [_begin(bar) for bar in bars[1::2]]
    late = max(abs(begin) for begin in begins)
    expect(late < GRID_MS / 1000.0, "a response began", f"{late:.3f} s late", "within 25 ms")
    return {"calls": calls, "responses": responses, "begin_ms": [1000 * one for one in begins]}


def continues(stage: Stage) -> Figures:
    """A guitar plays two bars and stops; what is made takes over, and has no gap."""
    guitar = plucked(2 * BAR_SECONDS)
    with stage.engine() as _:
        session = Session(stage, region_seconds=2 * BAR_SECONDS)
        session.put_region(guitar)
        session.tell([PROMPT], bpm=BPM, mode="continue")
        made, _ = session.export(4 * BAR_SECONDS)
    levels = [sound.loudness(bar) for bar in _bars(made, 4)]
    expect(min(levels[2:]) > 1e-4, "the loudness of the continuation", levels[2:], "above 0.0001")
    found = [gap for gap in sound.gaps(made, RATE) if gap.start > 2 * BAR_SECONDS - 0.1]
    expect(not found, "gaps", sound.listed(found), "none")
    return {"loudness_by_bar": levels}


def rolls(stage: Stage, seconds: float, *, is_strict: bool = True, buffer: str = "safe") -> Figures:
    """Real time on a JACK server without a card: nobody is late, and there is no gap.

    Args:
        stage: where.
        seconds: how long.
        is_strict: whether lateness fails it; not on a machine that does other things as well.
        buffer: how much is held ready: low, normal or safe; virtual machines stand still for longer
            than normal holds.
    """
    with stage.engine() as engine:
        session = Session(stage)
        session.tell([PROMPT], bpm=BPM, seed=5, buffer=buffer)
        made, figures = _rolled(stage, session, seconds)
        judged = _judged(stage, engine, made)
    found, own = sound.gaps(made, RATE), session.stalls.figures()
    start = found.pop(0).seconds if found and found[0].start == 0.0 else 0.0
    expect(sound.loudness(made) > 1e-4, "the loudness", sound.loudness(made), "above 0.0001")
    if is_strict:
        expect(not found, "gaps", f"{sound.listed(found)}; {own}", "none")
        begun = f"{start:.3f} s; {own}"
        expect(start <= START_SECONDS, "music begins after", begun, f"{START_SECONDS} s")
        excused = session.stalls.periods(PERIOD / RATE)
        expect(figures["xruns"] <= excused, "Ardour's own xruns", figures["xruns"], f"{excused}")
    return {
        "backend": DUMMY[0] if jack.missing() else "JACK",
        "buffer": buffer,
        "start_seconds": start,
        "gaps": len(found),
        **own,
        **figures,
        **judged,
    }


def _rolled(stage: Stage, session: Session, seconds: float) -> tuple[sound.Sound, dict[str, float]]:
    """Roll on JACK, or without it on Ardour's own dummy.

    Two threads of Ardour now and then ask JACK at once while it loads a session; their requests get
    mixed up, and JACK lets it go. Then both begin anew.
    """
    if jack.missing():
        return session.roll(seconds, wait=3.0, backend=DUMMY)
    for _ in range(ardour_session.TRIES - 1):
        with suppress(Stood):
            return _rolled_on_jack(stage, session, seconds)
    return _rolled_on_jack(stage, session, seconds)


def _rolled_on_jack(
    stage: Stage, session: Session, seconds: float
) -> tuple[sound.Sound, dict[str, float]]:
    with Jack(stage.folder, stage.environment(), rate=RATE, period=PERIOD) as server:
        clients = {k: v for k, v in server.environment.items() if k.startswith("JACK")}
        return session.roll(seconds, wait=3.0, backend=("JACK", HOST), **clients)


def plucked(seconds: float) -> sound.Sound:
    """A guitar of a kind, [2, N] at 48 kHz: strings (Karplus-Strong), one each half beat."""
    notes = (110.0, 164.81, 220.0, 261.63, 329.63, 261.63, 220.0, 164.81)
    step = round(RATE * 60.0 / BPM / 2)
    made = np.zeros(round(RATE * seconds) + step, np.float32)
    rng = np.random.default_rng(1)
    for index in range(round(seconds * RATE) // step):
        period = round(RATE / notes[index % len(notes)])
        string = rng.uniform(-1.0, 1.0, period)
        rounds = []
        for _ in range(step // period + 1):
            rounds.append(string)
            string = 0.498 * (string + np.roll(string, 1))
        made[index * step : (index + 1) * step] += 0.3 * np.concatenate(rounds)[:step]
    mono = made[: round(RATE * seconds)]
    return np.stack([mono, mono])


def _heard_bytes(engine: Engine) -> int:
    """The longest input that the engine keeps a take of; of a whole export only after a while."""
    sizes = [path.stat().st_size for path in engine.takes.glob("*.input.wav")]
    return max(sizes, default=0)


def _aligned(heard: sound.Sound, exported: sound.Sound) -> tuple[int, float, float]:
    """By how many samples the tape lies before the export, and how far they are apart then.

    The tape is a track of Ardour's own, which puts what it records where it believes it was played.
    A take has all that came; where it came too late, the tape fades and the export does not. That
    is not counted as apart, but the last figure is how much of the tape it is.
    """
    part = slice(RATE, RATE + RATE // 2)
    size = 1 << 18
    spectrum = np.fft.rfft(exported[0][: 2 * RATE], size)
    match = np.fft.irfft(spectrum * np.conj(np.fft.rfft(heard[0][part], size)), size)
    lag = int(np.argmax(match)) - part.start
    count = min(heard.shape[1], exported.shape[1]) - abs(lag) - part.start
    begin = part.start
    tape = heard[:, begin : begin + count]
    take = exported[:, begin + lag : begin + lag + count]
    is_faded = (tape != take) & (tape * take >= 0.0) & (np.abs(tape) < np.abs(take))
    return lag, sound.difference(np.where(is_faded, take, tape), take), float(is_faded.mean())


def _bars(made: sound.Sound, count: int) -> list[sound.Sound]:
    step = round(BAR_SECONDS * RATE)
    return [made[:, index * step : (index + 1) * step] for index in range(count)]


def _begin(bar: sound.Sound) -> float:
    """Seconds into a bar until it sounds; that is a tenth of its loudness."""
    level = np.abs(bar).max(axis=0)
    return float(np.argmax(level > 0.1 * sound.loudness(bar))) / RATE


def _judged(stage: Stage, engine: Engine, made: sound.Sound) -> dict[str, float]:
    """The music of a bundle that was trained is on the grid, and is what was asked for."""
    if engine.announced["bundle_name"] == TOY:
        return {}
    found = sound.on_grid(made, RATE, BPM)
    expect(abs(found.offset_ms) < GRID_MS, "beats from the grid", found.offset_ms, "within 25 ms")
    return {**found._asdict(), **is_nearest(stage, made, RATE, PROMPT)}

"""Commands and asks as hypothesis draws them: every kind, every allowed value."""

import numpy as np
from hypothesis import strategies as st

from engine.ask import Ask, When
from engine.command import (
    MODES,
    Freeze,
    NoteOff,
    NoteOn,
    Panic,
    Pick,
    Prime,
    SetChord,
    SetFamilies,
    SetHeard,
    SetMode,
    SetNotes,
    SetParam,
    SetPrompt,
    SetStyle,
    SetWeight,
)
from engine.params import PARAMETERS
from engine.row import Vector
from engine.spec import (
    FAMILIES,
    KEYS,
    LEVELS,
    PITCH_CLASSES,
    QUALITY_NAMES,
    STYLE_WIDTH,
    TEMPO_MAX_BPM,
    TEMPO_MIN_BPM,
)

INDICES = st.integers(1, 8)
PITCHES = st.integers(0, 127)
BARS = st.none() | st.integers(1, 64)


def a_style(seed: int) -> Vector:
    """A random style, the same for the same seed."""
    style = np.random.default_rng(seed).standard_normal(STYLE_WIDTH).astype(np.float32)
    return style / np.linalg.norm(style)


def values(name: str) -> st.SearchStrategy[object]:
    """Everything that a parameter may be."""
    row = PARAMETERS[name]
    if row.kind == "number":
        return st.floats(row.low, row.high)
    if row.kind == "integer":
        return st.integers(int(row.low), int(row.high))
    return st.booleans() if row.kind == "switch" else st.sampled_from(row.choices)


PARAMS = st.sampled_from(sorted(PARAMETERS)).flatmap(
    lambda name: st.builds(SetParam, name=st.just(name), value=st.none() | values(name))
)
FAMILY_SETS = st.lists(st.sampled_from(FAMILIES), unique=True).flatmap(
    lambda names: st.integers(0, len(names)).map(
        lambda cut: SetFamilies(asked=tuple(names[:cut]), refused=tuple(names[cut:]))
    )
)
TEXTS = st.sampled_from(
    ["", "  ", "warm tape choir", "house, 124 bpm in F# minor", "Прелюдия ♯ 🎻"]
)
KINDS = {
    "prompt": st.builds(SetPrompt, index=INDICES, text=TEXTS),
    "style": st.builds(
        SetStyle, index=INDICES, style=st.integers(0, 99).map(a_style), said=st.text(max_size=20)
    ),
    "heard": st.builds(SetHeard, index=INDICES),
    "weight": st.builds(SetWeight, index=INDICES, weight=st.floats(-2, 2)),
    "pick": st.builds(Pick, index=INDICES),
    "param": PARAMS,
    "chord": st.builds(
        SetChord,
        root=st.none() | st.sampled_from(PITCH_CLASSES),
        quality=st.sampled_from(QUALITY_NAMES),
    ),
    "notes": st.builds(SetNotes, pitches=st.lists(PITCHES, max_size=12).map(tuple)),
    "note_on": st.builds(NoteOn, pitch=PITCHES),
    "note_off": st.builds(NoteOff, pitch=PITCHES),
    "families": FAMILY_SETS,
    "mode": st.builds(SetMode, mode=st.sampled_from(MODES), call_bars=BARS, response_bars=BARS),
    "freeze": st.builds(Freeze, bars=st.integers(0, 16)),
    "prime": st.builds(
        Prime,
        said=st.text(max_size=20),
        tokens=st.integers(1, 20).map(lambda count: tuple((n,) * LEVELS for n in range(count))),
        loudness_db=st.floats(-120, 18),
        tempo_bpm=st.none() | st.floats(TEMPO_MIN_BPM, TEMPO_MAX_BPM),
        beat=st.floats(-1e6, 1e6),
        key=st.none() | st.sampled_from(KEYS),
        style=st.none() | st.integers(0, 99).map(a_style),
    ),
    "panic": st.builds(Panic),
}
COMMANDS = st.one_of(*KINDS.values())
TIMES = st.one_of(
    st.sampled_from(["now", "beat", "bar"]).map(lambda kind: When(kind=kind)),
    st.builds(When, kind=st.just("phrase"), bars=st.integers(1, 64)),
    st.builds(When, kind=st.just("frame"), frame=st.integers(0, 2**40)),
)
ASKS = st.builds(
    Ask,
    id=st.text(min_size=1, max_size=64),
    command=COMMANDS.filter(lambda command: not isinstance(command, Panic)),
    when=TIMES,
    glide_seconds=st.none() | st.floats(0, 60),
)

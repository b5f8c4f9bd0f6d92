"""Copy rate and echo guard, against a slow and obvious count."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ShapeError
from engine.listening import copies
from engine.listening.copies import RUN_FRAMES, WINDOW_FRAMES, Copies
from engine.spec import COARSE_LEVELS, LEVELS


def frame(semantic: int, coarse: int = 0, rest: int = 7) -> np.ndarray:
    return np.array([semantic, coarse] + [rest] * (LEVELS - 2), np.int64)


def phrase(count: int, seed: int = 0) -> list[np.ndarray]:
    """Frames that hardly ever meet by chance."""
    rng = np.random.default_rng(seed)
    return [frame(*rng.integers(1024, size=2)) for _ in range(count)]


def take(state: Copies, *, heard=(), composed=()) -> Copies:
    """Hear, then compose."""
    for tokens in heard:
        state = copies.hear(tokens, state)
    for tokens in composed:
        state = copies.compose(tokens, state)
    return state


def count_slowly(events: list[tuple[str, int | None]]) -> float:
    """Compare every run of composed frames with every run heard before it."""
    heard: list[tuple[int, int | None]] = []  # when, what
    composed: list[tuple[int, int | None]] = []
    for when, (kind, what) in enumerate(events):
        (heard if kind == "hear" else composed).append((when, what))
    copied = set()
    for i in range(len(composed) - RUN_FRAMES + 1):
        for j in range(len(heard) - RUN_FRAMES + 1):
            pairs = [(composed[i + k], heard[j + k]) for k in range(RUN_FRAMES)]
            if all(c is not None and c == h and late > at for (late, c), (at, h) in pairs):
                copied |= set(range(i, i + RUN_FRAMES))
    window = range(max(0, len(composed) - WINDOW_FRAMES), len(composed))
    counted = [i for i in window if composed[i][1] is not None]
    return sum(i in copied for i in window) / max(len(counted), 1)


events = st.lists(
    st.tuples(
        st.sampled_from(["hear", "compose", "both"]),
        st.one_of(st.none(), st.integers(0, 2)),
        st.integers(1, 20),
    ),
    max_size=14,
)


@given(events)
def test_the_rate_is_what_a_slow_count_finds(stretches):
    """Stretches of one to twenty frames, heard, composed, or both at once as in a live answer."""
    happened: list[tuple[str, int | None]] = []
    for kind, what, count in stretches:
        kinds = ("hear", "compose") if kind == "both" else (kind,)
        for k in range(count):
            value = None if what is None else (what * k) % 7
            happened += [(each, value) for each in kinds]
    state = copies.init_state()
    for kind, value in happened:
        step = copies.hear if kind == "hear" else copies.compose
        state = step(None if value is None else frame(value), state)
    assert copies.rate(state) == pytest.approx(count_slowly(happened))


def test_a_phrase_played_back_counts_from_half_a_second_on():
    call = phrase(60)
    state = take(copies.init_state(), heard=call, composed=call[20 : 20 + RUN_FRAMES - 1])
    assert copies.rate(state) == 0.0
    state = take(state, composed=[call[20 + RUN_FRAMES - 1]])
    assert copies.rate(state) == 1.0  # all twelve, from the first on


def test_the_rate_is_a_share_of_the_last_8_seconds():
    call = phrase(100)
    state = take(copies.init_state(), heard=call, composed=call + phrase(100, seed=1))
    assert copies.rate(state) == 0.5
    state = take(state, composed=phrase(50, seed=2))
    assert copies.rate(state) == 50 / WINDOW_FRAMES


def test_only_what_carries_the_tune_is_compared():
    """Semantic and first coarse token; a copy in another sound is a copy."""
    call = phrase(30)
    again = [frame(*tokens[:2], rest=900) for tokens in call]
    assert copies.rate(take(copies.init_state(), heard=call, composed=again)) == 1.0


def test_what_the_player_repeats_after_the_machine_is_no_copy():
    tune = phrase(40)
    state = copies.init_state()
    for tokens in tune:
        state = copies.compose(tokens, state)
        state = copies.hear(tokens, state)  # a microphone hears the loudspeaker
    assert copies.rate(state) == 0.0


def test_silence_is_copied_from_nobody():
    state = take(copies.init_state(), heard=[None] * 40, composed=[frame(0)] * 40)
    assert copies.rate(state) == 0.0


def test_what_was_heard_two_minutes_ago_is_forgotten():
    """Memory and time per frame are bounded."""
    call = phrase(30)
    state = take(copies.init_state(), heard=call + [None] * (copies.HEARD_FRAMES - 30))
    assert copies.rate(take(state, composed=call)) == 1.0
    state = take(state, heard=[None] * 19)
    assert copies.rate(take(state, composed=call)) == 0.0
    assert [array.shape for array in state] == [array.shape for array in copies.init_state()]


def test_runs_end_where_composing_pauses():
    call = phrase(RUN_FRAMES)
    halves = [*call[:6], None, *call[6:]]
    state = take(copies.init_state(), heard=call, composed=halves)
    assert copies.rate(state) == 0.0


def test_the_guard_warms_coarse_tokens_only():
    call = phrase(100)
    factors = copies.temperature_factors(take(copies.init_state(), heard=call, composed=call))
    assert (factors[1 : 1 + COARSE_LEVELS] > 1.2).all()
    np.testing.assert_array_equal(np.delete(factors, range(1, 1 + COARSE_LEVELS)), 1.0)


def test_the_guard_holds_on_until_copying_is_over():
    """It does not flutter about one threshold: it starts high and ends low."""
    call = phrase(400)
    state = take(copies.init_state(), heard=call, composed=phrase(200, seed=1))
    warm = []
    for tokens in call[:100] + phrase(300, seed=2):
        state = copies.compose(tokens, state)
        warm.append((copies.rate(state), float(copies.temperature_factors(state)[1])))
    rising = [rate for (rate, now), (_, then) in zip(warm[1:], warm) if now > then]
    falling = [rate for (rate, now), (_, then) in zip(warm[1:], warm) if now < then]
    assert min(rising[:5]) > copies.RAISE_ABOVE
    assert max(falling) <= copies.LOWER_BELOW
    assert max(factor for _, factor in warm) == 1.0 + copies.RAISE_LIMIT
    assert warm[-1][1] == 1.0


def test_an_original_player_is_left_alone():
    state = take(copies.init_state(), heard=phrase(200), composed=phrase(200, seed=1))
    np.testing.assert_array_equal(copies.temperature_factors(state), 1.0)


def test_branches_do_not_disturb_each_other():
    call = phrase(50)
    start = take(copies.init_state(), heard=call)
    before = [array.copy() for array in start]
    assert copies.rate(take(start, composed=call)) == 1.0
    for array, copy in zip(start, before, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_tokens_of_another_layout_are_refused():
    with pytest.raises(ShapeError, match=r"tokens has shape \(12,\), expected \(13,\)"):
        copies.hear(np.zeros(12, np.int64), copies.init_state())

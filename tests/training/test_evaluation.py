"""Estimators against sounds whose truth we know: each must find it, and must notice when it
changes."""

import numpy as np
import pytest

from engine.errors import ShapeError
from engine.spec import KEYS
from training.evaluation.beat import beat_phase, steady_beats
from training.evaluation.key import KeyMatch, compare_keys, estimate_key
from training.evaluation.level import measure_drift, measure_level
from training.evaluation.onsets import ANALYSIS_RATE, Onsets, onset_strength, to_mono
from training.evaluation.tempo import (
    FEATURES,
    TempoMatch,
    candidate_tempi,
    compare_tempi,
    estimate_tempo,
    tempo_features,
)

RATE = ANALYSIS_RATE
SECONDS = 16.0


def burst(kind: str, hz: float = 440.0) -> np.ndarray:
    """Half a second of one struck sound."""
    t = np.arange(RATE // 2) / RATE
    noise = np.random.default_rng(1).standard_normal(len(t))
    fade_in = np.minimum(1.0, t / 0.002)
    shapes = {
        "click": 0.5 * noise * np.exp(-200 * t),
        "kick": 0.8 * fade_in * np.sin(2 * np.pi * 60 * t) * np.exp(-20 * t),
        "snare": 0.4 * noise * np.exp(-30 * t),
        "hat": 0.15 * noise * np.exp(-120 * t),
        "tone": 0.5 * fade_in * np.sin(2 * np.pi * hz * t) * np.exp(-12 * t),
    }
    return shapes[kind]


def place(hits: list[tuple[float, np.ndarray]], noise: float = 0.003) -> np.ndarray:
    """Lay sounds at seconds into SECONDS of hiss."""
    count = int(SECONDS * RATE)
    out = noise * np.random.default_rng(2).standard_normal(count + RATE)
    for seconds, sound in hits:
        at = round(seconds * RATE)
        if at < count:
            out[at : at + len(sound)] += sound
    return out[:count].astype(np.float32)


def metronome(bpm: float, kind: str = "click", late_ms: float = 0.0, noise: float = 0.003):
    """One sound per beat, every one late by the same time."""
    beats = np.arange(int(SECONDS * bpm / 60))
    return place([(beat * 60 / bpm + late_ms / 1000, burst(kind)) for beat in beats], noise)


def drum_loop(bpm: float) -> np.ndarray:
    """Kick, snare and hats in eighths."""
    hits = []
    for eighth in range(int(SECONDS * bpm / 30)):
        kinds = ["hat"] + [["kick"], [], ["snare"], []][eighth % 4]
        hits += [(eighth * 30 / bpm, burst(kind)) for kind in kinds]
    return place(hits)


def chord_loop(key: int, noise: float = 0.01) -> np.ndarray:
    """I IV V I of a major key, i iv V i of a minor one, two seconds a chord, eight overtones."""
    tonic, is_minor = key % 12, key >= 12
    out = noise * np.random.default_rng(3).standard_normal(int(SECONDS * RATE))
    t = np.arange(2 * RATE) / RATE
    for index in range(int(SECONDS / 2)):
        step, third = ((0, 4 - is_minor), (5, 4 - is_minor), (7, 4), (0, 4 - is_minor))[index % 4]
        for interval in (-12, 0, third, 7):
            hz = 440.0 * 2 ** ((tonic + step + interval - 21) / 12)
            tone = sum(np.sin(2 * np.pi * hz * h * t) / h for h in range(1, 9))
            out[index * len(t) : (index + 1) * len(t)] += 0.1 * tone * np.exp(-t)
    return out.astype(np.float32)


@pytest.mark.parametrize("bpm", [62.0, 75.0, 90.5, 110.0, 128.0, 140.0, 174.0])
@pytest.mark.parametrize("kind", ["click", "kick", "tone"])
def test_a_metronome_is_timed_to_a_tenth_of_a_percent(bpm, kind):
    """Hits are counted within 4 %, so the estimate itself must be far finer.

    A metronome has no accents, so which of its levels is the beat is left open.
    """
    heard = estimate_tempo(onset_strength(metronome(bpm, kind))).bpm
    level = min((0.5, 1.0, 2.0), key=lambda level: abs(heard / (level * bpm) - 1))
    assert heard == pytest.approx(level * bpm, rel=1e-3)


@pytest.mark.parametrize("bpm", [84.0, 96.0, 105.0, 113.0, 126.0, 150.0])
def test_the_beat_of_a_drum_loop_is_not_its_eighths(bpm):
    """The backbeat, not the busiest sound, says which level is the beat."""
    heard = estimate_tempo(onset_strength(drum_loop(bpm))).bpm
    assert compare_tempi(heard, bpm) is TempoMatch.HIT


def test_how_a_clip_sounds_speaks_for_no_tempo_by_itself():
    """Timbre may tell the metrical level; the tempo itself is read from the onsets alone."""
    grid = candidate_tempi()
    features = tempo_features(onset_strength(drum_loop(96.0)), grid)
    sound = features[:, FEATURES.index("level of band 0") :]
    assert features.shape == (len(grid), len(FEATURES))
    assert np.all(sound == sound[0])
    quieter = tempo_features(onset_strength(0.5 * drum_loop(96.0)), grid)
    assert not np.array_equal(quieter[:, -sound.shape[1] :], sound)


@pytest.mark.parametrize("gain", [0.2, 2.0])
def test_loudness_does_not_move_the_tempo(gain):
    """Takes come at any level."""
    loud, soft = drum_loop(113.0), np.float32(gain) * drum_loop(113.0)
    heard = [estimate_tempo(onset_strength(clip)).bpm for clip in (loud, soft)]
    assert heard[0] == pytest.approx(heard[1], rel=2e-3)


def test_tempi_held_against_other_prompts_miss():
    """A derangement must cost nearly all hits, or the figure measures nothing."""
    asked = [84.0, 96.0, 105.0, 113.0, 126.0, 150.0]
    heard = [estimate_tempo(onset_strength(drum_loop(bpm))).bpm for bpm in asked]
    shifted = asked[1:] + asked[:1]
    assert [compare_tempi(*pair) for pair in zip(heard, asked)] == [TempoMatch.HIT] * 6
    assert TempoMatch.HIT not in [compare_tempi(*pair) for pair in zip(heard, shifted)]


def test_half_and_double_tempo_are_counted_apart():
    """Another metrical level is a smaller mistake than another tempo."""
    assert compare_tempi(60.5, 120.0) is TempoMatch.OCTAVE
    assert compare_tempi(181.0, 120.0) is TempoMatch.OCTAVE
    assert compare_tempi(105.0, 120.0) is TempoMatch.OTHER


@pytest.mark.parametrize("late_ms", [-40.0, 0.0, 25.0, 60.0])
@pytest.mark.parametrize("kind", ["click", "kick", "tone"])
def test_a_late_player_is_late_by_as_many_milliseconds(late_ms, kind):
    """The phase is read against the grid that was asked for, to a few milliseconds."""
    onsets = onset_strength(metronome(100.0, kind, late_ms=late_ms + 600.0))
    phase = beat_phase(onsets, steady_beats(onsets, 100.0), 100.0)
    assert phase.offset_ms == pytest.approx(late_ms, abs=4.0)
    assert phase.coherence > 0.8


def test_another_tempos_grid_finds_no_coherence():
    """Onsets at 100 bpm spread over a grid of 127."""
    onsets = onset_strength(metronome(100.0))
    assert beat_phase(onsets, steady_beats(onsets, 127.0), 127.0).coherence < 0.15


def test_silence_has_the_worst_phase():
    """Nothing to hear must not count as being in time."""
    silent = Onsets(*np.zeros((4, 1600), np.float32), np.zeros((1600, 10), np.float32))
    phase = beat_phase(silent, steady_beats(silent, 120.0), 120.0)
    assert (abs(phase.offset_ms), phase.coherence) == (125.0, 0.0)


@pytest.mark.parametrize("key", range(24), ids=lambda key: KEYS[key])
def test_a_cadence_tells_its_key(key):
    """Major and minor, on every tonic."""
    assert estimate_key(chord_loop(key)).key == key


def test_keys_held_against_other_prompts_miss():
    """The figure falls when the truth is moved."""
    heard = [estimate_key(chord_loop(key)).key for key in (0, 7, 14, 21)]
    matches = [compare_keys(key, asked) for key, asked in zip(heard, (7, 14, 21, 0))]
    assert KeyMatch.SAME not in matches


def test_near_keys_are_named():
    """Relative, parallel and fifth are the mistakes a musician would forgive."""
    c_major, c_minor, a_minor, g_major, f_sharp = 0, 12, 21, 7, 6
    assert compare_keys(a_minor, c_major) is KeyMatch.RELATIVE
    assert compare_keys(c_major, a_minor) is KeyMatch.RELATIVE
    assert compare_keys(c_minor, c_major) is KeyMatch.PARALLEL
    assert compare_keys(g_major, c_major) is KeyMatch.FIFTH
    assert compare_keys(f_sharp, c_major) is KeyMatch.OTHER


@pytest.mark.parametrize("db_per_minute", [-12.0, 0.0, 6.0])
def test_a_fading_tone_drifts_by_what_it_fades(db_per_minute):
    """Ten seconds' means at both ends of a minute lie fifty seconds apart."""
    t = np.arange(60 * RATE) / RATE
    tone = 0.1 * np.sin(2 * np.pi * 220 * t) * 10 ** (db_per_minute * t / 60 / 20)
    drift = measure_drift(tone, RATE)
    assert drift.slope_db_per_minute == pytest.approx(db_per_minute, abs=0.05)
    assert drift.change_db == pytest.approx(db_per_minute * 50 / 60, abs=0.1)


def test_drift_needs_half_a_minute():
    """Ends that overlap would hide a drift."""
    with pytest.raises(ShapeError, match="30 s"):
        measure_drift(np.zeros((1, 20 * RATE)), RATE)


def test_silence_and_flat_tops_are_noticed():
    """Neither a full-scale sine nor a rest is a fault; a square top and a dead clip are."""
    t = np.arange(4 * RATE) / RATE
    sine = 0.99 * np.sin(2 * np.pi * 110 * t)
    assert not measure_level(sine, RATE).is_clipped
    assert measure_level(np.clip(2 * sine, -1, 1), RATE).is_clipped
    assert not measure_level(sine * (t < 3), RATE).is_silent
    assert measure_level(sine * (t < 1), RATE).is_silent


def test_width_is_the_side_against_the_middle():
    t = np.arange(2 * RATE) / RATE
    middle, side = np.sin(2 * np.pi * 440 * t), np.sin(2 * np.pi * 550 * t)
    wide = np.stack([middle + 0.1 * side, middle - 0.1 * side])
    assert measure_level(0.3 * wide, RATE).side_db == pytest.approx(-20.0, abs=0.1)
    assert measure_level(middle, RATE).side_db is None


def test_any_rate_and_channel_count_is_heard_alike():
    """Corpus pieces are 48 kHz stereo, bundles what they say; the estimators must not care."""
    mono = drum_loop(96.0)
    stereo = np.repeat(np.stack([mono, mono]), 2, axis=1)
    heard = estimate_tempo(onset_strength(to_mono(stereo, 2 * RATE))).bpm
    assert heard == pytest.approx(96.0, rel=0.005)


def test_a_short_clip_has_no_tempo():
    """Two seconds are refused rather than guessed."""
    with pytest.raises(ShapeError, match="5 s"):
        estimate_tempo(onset_strength(drum_loop(96.0)[: 2 * RATE]))

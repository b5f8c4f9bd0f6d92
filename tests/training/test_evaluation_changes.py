"""Changes inside and between takes: swaps, turns and long takes, with truths we make ourselves."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="the judge needs torch: pip install 'antiphon[train]'")

from engine.prompt_parser import parse
from engine.spec import FAMILIES, KEYS, AudioFormat
from training.corpus.compose import compose
from training.evaluation.judge import Verdict
from training.evaluation.key import Key
from training.evaluation.marathon import compare, parts
from training.evaluation.prompts import HeldOut, target_of
from training.evaluation.scoring import listen
from training.evaluation.swaps import swaps_of, transposed
from training.evaluation.tempo import Tempo
from training.evaluation.turns import arrival_seconds, judge_turn, seam_of

RATE = 24_000
MONO = AudioFormat(rate=RATE, channels=1)
PROMPTS = np.eye(128, dtype=np.float32)[:2]


class LoudJudge:
    """Finds loud sound like the second prompt and soft sound like the first."""

    def listen(self, mono):
        return Verdict(self.styles(mono)[0], np.zeros(len(FAMILIES), bool), "house")

    def styles(self, mono):
        return PROMPTS[[int(np.sqrt(np.mean(mono**2)) > 0.1)]]

    def read(self, texts):
        return PROMPTS[[len(text) % 2 for text in texts]]


def held(seed: int) -> HeldOut:
    """A held-out piece."""
    piece = compose(seed)
    return HeldOut(piece, target_of(piece))


def noise(seconds: float, size: float, seed: int = 0) -> np.ndarray:
    """Hiss of an RMS: [1, N]."""
    rng = np.random.default_rng(seed)
    return (size * rng.standard_normal((1, round(seconds * RATE)))).astype(np.float32)


def test_a_swap_changes_its_attribute_in_score_and_prompt():
    """What is asked in words is what the edited score plays, and nothing else moves."""
    pieces = [held(seed) for seed in range(20_000_001, 20_000_013)]
    swaps = swaps_of(pieces, 8.0)
    assert {swap.attribute for swap in swaps} == {"tempo", "key", "drums", "family"}
    for swap in swaps:
        before, after = parse(pieces[swap.place].target.prompt), parse(target_of(swap.score).prompt)
        same = {"tempo": before.tempo_bpm == after.tempo_bpm, "key": before.key == after.key}
        for name, is_same in same.items():
            assert is_same is (swap.attribute != name), swap.attribute
        families = {part.family for part in swap.score.parts}
        if swap.attribute == "drums":
            assert (before.drums, after.drums) == (True, False)
            assert "drums" not in families
        if swap.attribute == "family":
            lost = set(pieces[swap.place].target.families) - set(target_of(swap.score).families)
            assert len(lost) == 1
            assert not lost & families


def test_a_swap_is_heard_only_where_it_happened():
    """The estimators' answers before and after decide, and the change has to be the one asked."""
    pieces = [held(20_000_002)]
    by_name = {swap.attribute: swap for swap in swaps_of(pieces, 8.0)}
    base = listen(noise(6.0, 0.1), RATE, LoudJudge(), 6.0)
    before = replace(base, tempo=Tempo(100.0, 0.5), key=Key(KEYS.index("A minor"), 1.0))
    ratio = by_name["tempo"].score.tempos[0][1] / pieces[0].score.tempos[0][1]
    for factor, expected in ((ratio, True), (1.0, False), (1 / ratio, False)):
        after = replace(before, tempo=Tempo(100.0 * factor, 0.5))
        assert by_name["tempo"].is_heard(before, after) is expected
    interval = (by_name["key"].score.keys[0][1] - pieces[0].score.keys[0][1]) % 12
    moved = (before.key.key + interval) % 12 + 12
    for key, expected in ((moved, True), (before.key.key, False), (moved - 12, False)):
        assert by_name["key"].is_heard(before, replace(before, key=Key(key, 1.0))) is expected


def test_transposed_pieces_keep_their_drums():
    """A drum's note number is no pitch."""
    score = held(20_000_002).score
    assert "drums" in {part.family for part in score.parts}
    moved = transposed(score, -3)
    for part, other in zip(score.parts, moved.parts, strict=True):
        step = 0 if part.family == "drums" else -3
        assert [n.pitch + step for n in part.notes] == [n.pitch for n in other.notes]
    assert moved.chords[0].root == (score.chords[0].root - 3) % 12


def test_a_new_style_arrives_when_most_of_a_window_is_new():
    """A jump from soft to loud is heard within a window, a jump a second later a second later."""
    for late in (0.0, 1.0):
        audio = np.concatenate([noise(4.0 + late, 0.02), noise(5.0 - late, 0.5)], 1)
        found = arrival_seconds(audio, RATE, LoudJudge(), 4.0, PROMPTS)
        assert late < found <= late + 0.5
    assert arrival_seconds(noise(9.0, 0.02), RATE, LoudJudge(), 4.0, PROMPTS) is None


def test_a_style_that_only_flashes_has_not_arrived():
    """Three windows in a row are asked for."""
    audio = noise(9.0, 0.02)
    audio[:, 5 * RATE : round(5.05 * RATE)] = 0.9
    assert arrival_seconds(audio, RATE, LoudJudge(), 4.0, PROMPTS) is not None
    judge = LoudJudge()
    flashes = iter([False, True, True] * 20)
    judge.styles = lambda mono: PROMPTS[[int(next(flashes))]]
    assert arrival_seconds(audio, RATE, judge, 4.0, PROMPTS) is None


def test_a_break_at_the_seam_is_heard_as_one():
    """A take that goes on has no seam; a click and a jump of 12 dB have one of their size."""
    seam = seam_of(120.0, 12.0)
    at = seam.frame * MONO.frame_samples
    assert (seam.frame, seam.bar_seconds) == (150, 2.0)
    whole = noise(12.0, 0.1)
    on = judge_turn(whole, MONO, LoudJudge(), seam, PROMPTS)
    broken = np.concatenate([whole[:, :at], 4 * whole[:, at:]], 1)
    broken[:, at] = 3.0
    cut = judge_turn(broken, MONO, LoudJudge(), seam, PROMPTS)
    assert abs(on.step_db) < 1.0
    assert on.click_db < 3.0
    assert cut.step_db == pytest.approx(12.0, abs=1.0)
    assert cut.click_db > on.click_db + 6.0
    assert cut.has_arrived


def test_a_take_that_fades_dulls_and_drags_has_drifted():
    """Each change is measured as the size that it was made."""
    t = np.arange(90 * RATE) / RATE
    clicks = noise(90.0, 1.0)[0] * (np.exp(-60 * (t % 0.5)) * 0.3 + 0.01)
    same = parts(clicks.astype(np.float32))
    assert len(same) == 3
    steady = compare(same[0], same[-1])
    assert steady.loudness_db < 0.5
    assert steady.spectrum_db < 0.5
    assert steady.tempo < 0.01
    fading = parts((clicks * 10 ** (-6 * (t // 30) / 20)).astype(np.float32))
    assert compare(fading[0], fading[-1]).loudness_db == pytest.approx(12.0, abs=0.5)
    assert compare(fading[0], fading[-1]).spectrum_db < 1.0
    dull = np.where(t < 60, clicks, np.convolve(clicks, np.ones(8) / 8, "same"))
    assert compare(*(parts(dull.astype(np.float32))[i] for i in (0, -1))).spectrum_db > 2.0

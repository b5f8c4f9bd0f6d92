"""Distances of sets of clips: nothing between sets of one kind, more for what is further away."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="the judge needs torch: pip install 'antiphon[train]'")

from engine.spec import FRAME_RATE
from training.evaluation import kernel
from training.evaluation.distances import Sets, coded_piece, measure_distances, untrained_take
from training.evaluation.embeddings import mel_statistics
from training.evaluation.frechet import Moments, frechet, shrink
from training.evaluation.onsets import ANALYSIS_RATE
from training.evaluation.table import Interval, Line, bootstrap_clips, line

SIZE = 12


def clips(seed: int, count: int = 30, shift: float = 0.0, windows: int = 8) -> list[np.ndarray]:
    """Clips of windows that have something in common, from one distribution, maybe moved."""
    rng = np.random.default_rng(seed)
    own = rng.standard_normal((count, 1, SIZE))
    return list(0.5 * own + rng.standard_normal((count, windows, SIZE)) + shift)


def gaussian(found: list[np.ndarray]):
    moments = Moments(found)
    return moments.gaussian(np.ones(len(moments)))


def test_frechet_is_what_it_is_for_known_gaussians():
    """Apart by 3 in one of two directions, and twice as wide: 9 + 2 (2 - 1)^2."""
    a = (np.array([0.0, 0.0]), np.eye(2))
    b = (np.array([3.0, 0.0]), 4 * np.eye(2))
    assert frechet(a, b) == pytest.approx(9 + 2 * 1)
    assert frechet(a, a) == pytest.approx(0.0, abs=1e-9)
    turned = np.array([[2.0, 0.9], [0.9, 1.0]])
    assert frechet((a[0], turned), (a[0], turned)) == pytest.approx(0.0, abs=1e-9)


def test_weights_count_clips_as_if_they_came_more_often():
    """The bootstrap's shortcut must be the bootstrap."""
    found = clips(0, count=3)
    weighted = Moments(found).gaussian(np.array([2.0, 0.0, 1.0]))
    repeated = gaussian([found[0], found[0], found[2]])
    for one, other in zip(weighted, repeated, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-9)


def test_few_samples_are_shrunk_and_many_are_not():
    """A covariance of as many samples as dimensions is nearly all noise."""
    rng = np.random.default_rng(0)
    wide = np.diag(np.linspace(1, 20, SIZE))
    few, many = (
        np.cov(rng.multivariate_normal(np.zeros(SIZE), wide, n).T, bias=True) for n in (8, 5000)
    )
    assert np.linalg.norm(shrink(few, 8) - wide) < np.linalg.norm(few - wide)
    assert np.linalg.norm(shrink(many, 5000) - many) < 0.02 * np.linalg.norm(many)
    assert np.trace(shrink(few, 8)) == pytest.approx(np.trace(few))


def test_both_distances_grow_with_what_lies_between():
    """Another draw of the same is near, a moved one further, a far one furthest."""
    width = kernel.bandwidth(clips(0))
    found = {"fad": [], "kad": []}
    for shift in (0.0, 0.5, 1.5):
        other = clips(1, shift=shift)
        found["fad"].append(frechet(gaussian(clips(0)), gaussian(other)))
        pairs = [(clips(0), clips(0)), (other, other), (clips(0), other)]
        kernels = [kernel.pair_means(a, b, width) for a, b in pairs]
        found["kad"].append(kernel.discrepancy(*kernels, np.ones(30), np.ones(30)))
    for values in found.values():
        assert values == sorted(values)
        assert values[1] > 2 * abs(values[0])


def test_the_kernel_distance_has_no_bias():
    """Over many draws of one kind it is nothing, though windows of a clip are alike."""
    found = []
    for seed in range(40):
        a, b = clips(2 * seed, 10), clips(2 * seed + 1, 10)
        kernels = [kernel.pair_means(x, y, 5.0) for x, y in ((a, a), (b, b), (a, b))]
        found.append(kernel.discrepancy(*kernels, np.ones(10), np.ones(10)))
    assert abs(np.mean(found)) < 2.5 * np.std(found) / np.sqrt(len(found))


def test_pair_means_are_means_over_pairs():
    """Clips of unequal length, summed block by block, against the double loop."""
    a, b = [np.ones((2, 3)), np.zeros((1, 3))], [np.full((3, 3), 0.5)]
    slow = [
        [np.mean([np.exp(-np.sum((x - y) ** 2) / 8) for x in p for y in q]) for q in b] for p in a
    ]
    np.testing.assert_allclose(kernel.pair_means(a, b, 2.0), slow)


def test_takes_like_the_pieces_lie_at_the_ceiling_and_noise_at_the_floor():
    """The whole table: rows, lines, and where the takes lie on the way."""
    genres = ["house", "dub"] * 15
    apart = [np.array([1.0 if g == "dub" else -1.0]) for g in genres]
    own, takes, others = (
        [clip + side for clip, side in zip(clips(seed), apart, strict=True)] for seed in (0, 1, 2)
    )
    sets = Sets(own, takes, others, clips(3, shift=4.0))
    table = measure_distances({"log-mel": sets}, genres, genres)
    lines = {one.name: one for one in table.lines}
    assert set(lines) == {"fad_log_mel", "kad_log_mel", "kad_genre_log_mel"}
    for one in lines.values():
        assert abs(one.way) < 0.1
        assert one.generated.low <= one.generated.value <= one.generated.high
    swapped = measure_distances({"log-mel": sets._replace(takes=own[1:] + own[:1])}, genres, genres)
    assert swapped.line("kad_genre_log_mel").way > 0.8, "takes of the wrong genre"
    assert abs(swapped.line("kad_log_mel").way) < 0.1, "which as a whole are the same music"


def test_genres_of_one_clip_have_no_distance_within():
    """Pairs of different clips need two clips."""
    names = [f"genre {index}" for index in range(30)]
    sets = Sets(clips(0), clips(1), clips(2), clips(3))
    table = measure_distances({"log-mel": sets}, names, names)
    assert table.line("kad_genre_log_mel") is None


def test_mel_statistics_tell_tones_from_noise():
    """A second is a window; a tone has one loud band and noise has all."""
    t = np.arange(round(2.6 * ANALYSIS_RATE)) / ANALYSIS_RATE
    tone = mel_statistics((0.3 * np.sin(2 * np.pi * 440 * t)).astype(np.float32))
    noise = mel_statistics(
        (0.1 * np.random.default_rng(0).standard_normal(len(t))).astype(np.float32)
    )
    assert tone.shape == noise.shape == (2, 80)
    assert tone[0, :40].argmax() < 20
    assert noise[0, :40].min() > tone[0, :40].min()


def test_pieces_through_the_codec_have_a_line_of_their_own(toy_bundle):
    """What the codec costs is told apart from what the language model costs."""
    names = [f"genre {index}" for index in range(30)]
    coded = Sets(clips(0), clips(1), clips(2), clips(3, shift=4.0), clips(4, shift=2.0))
    table = measure_distances({"judge": coded}, names, names)
    assert table.line("fad_codec_judge").way > 0.2 > table.line("fad_judge").way
    audio = 0.1 * np.random.default_rng(0).standard_normal((1, 24_000)).astype(np.float32)
    late = sum(toy_bundle.graph(name).spec.latency_samples for name in ("encode", "decode"))
    assert coded_piece(toy_bundle, audio).shape == (1, 24_000 - late)


def test_an_untrained_take_is_as_long_as_asked_and_the_seeds_own(toy_bundle):
    """Random tokens through the bundle's own codec."""
    audio = untrained_take(toy_bundle, 0.4, 3)
    assert audio.shape == (1, round(0.4 * FRAME_RATE) * toy_bundle.audio.frame_samples)
    assert np.array_equal(audio, untrained_take(toy_bundle, 0.4, 3))
    assert not np.array_equal(audio, untrained_take(toy_bundle, 0.4, 4))


def test_the_interval_of_a_distance_is_about_its_value():
    """Resampled sets lie further apart; that bias must not push the interval off its value."""
    a, b = Moments(clips(0)), Moments(clips(1))
    found = bootstrap_clips((30, 30), lambda v, w: frechet(a.gaussian(v), b.gaussian(w)), 60)
    assert found.low < found.value < found.high
    twice = clips(2, count=2)
    pairs = kernel.pair_means(twice, twice, 5.0)

    def distance(v, w):
        return kernel.discrepancy(pairs, pairs, pairs, v, w)

    assert np.isfinite(bootstrap_clips((2, 2), distance, 60)[:3]).all(), "draws of one clip count"


def test_the_way_runs_from_ceiling_to_floor():
    """Nothing at the ceiling, all of it at the floor, whichever is the larger."""
    cell = [Interval(value, value, value, 1) for value in (0.9, 0.3, 0.5)]
    assert Line("a", "a", "%", cell[2], cell[0], cell[1]).way == pytest.approx(2 / 3)
    assert Line("a", "a", "", cell[2], cell[1], cell[0]).way == pytest.approx(1 / 3)
    assert Line("a", "a", "", cell[2], cell[1], cell[1]).way is None
    assert Line("a", "a", "", cell[2]).way is None
    assert line("a", "a", "", [[None, None]]) is None
    assert line("a", "a", "", [[None, 0.5], [None]]).ceiling is None

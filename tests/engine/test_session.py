"""A session: the same take every time, and any moment of it can be kept."""

import numpy as np
import pytest
from safetensors.numpy import load, save

from engine.backends import open_backend
from engine.bundle import Bundle
from engine.errors import BackendError, BundleError, InputError, OptionError, ShapeError
from engine.noise import gumbel
from engine.options import SamplingOptions
from engine.row import Controls, encode_row
from engine.session import Session
from engine.spec import COARSE_LEVELS, CODEBOOK_SIZE, START_TOKEN
from tests.fakes import CUTOFF, LATENCY, TEMPERATURE, write_toy_bundle

UNGUIDED = SamplingOptions(guidance=1.0)
GUIDED = SamplingOptions(guidance=3.0)


def test_the_same_seed_plays_the_same_take(toy_bundle, play):
    first, second = (play(Session(toy_bundle, seed=7), 40) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_another_seed_plays_another_take(toy_bundle, play):
    first, second = (play(Session(toy_bundle, seed=seed), 10) for seed in (7, 8))
    assert np.abs(first - second).max() > 0.01


def test_a_new_session_stands_before_frame_0(toy_bundle, play):
    session = Session(toy_bundle)
    assert session.frame == 0
    assert (session.last_tokens == START_TOKEN).all()
    assert session.latency_samples == LATENCY
    play(session, 3)
    assert session.frame == 3
    assert (session.last_tokens < CODEBOOK_SIZE).all()


@pytest.mark.parametrize("options", [UNGUIDED, GUIDED, SamplingOptions(temperature=0.5)])
def test_a_restored_session_goes_on_bit_for_bit(toy_bundle, play, options):
    """Through a file, in a new session opened otherwise: the project is recalled as it was."""
    session = Session(toy_bundle, seed=7, sampling=options)
    play(session, 13)
    kept = save(session.save())
    went_on = play(session, 20)
    other = Session(toy_bundle, seed=99)
    other.restore(load(kept))
    assert (other.frame, other.seed, other.sampling) == (13, 7, options)
    np.testing.assert_array_equal(play(other, 20), went_on)


def test_what_was_saved_stays_as_it_was(toy_bundle, play):
    session = Session(toy_bundle, seed=7)
    play(session, 5)
    kept = session.save()
    before = {name: array.copy() for name, array in kept.items()}
    play(session, 5)
    for name in kept:
        np.testing.assert_array_equal(kept[name], before[name])


def test_writing_into_a_restored_save_does_not_reach_the_session(toy_bundle, play):
    session = Session(toy_bundle, seed=7)
    play(session, 5)
    kept = session.save()
    expected = play(session, 5)
    session.restore(kept)
    for array in kept.values():
        array[...] = 0
    np.testing.assert_array_equal(play(session, 5), expected)


def test_a_branch_goes_its_own_way(toy_bundle, play, asked):
    """Trying another ending leaves the piece alone."""
    session = Session(toy_bundle, seed=7)
    play(session, 10)
    straight_on = play(session.branch(), 20)
    other = session.branch()
    detour = np.concatenate([other.step(Controls(key=5)) for _ in range(20)], axis=1)
    other.set_sampling(SamplingOptions(temperature=0.0))
    assert session.frame == 10
    np.testing.assert_array_equal(play(session, 20), straight_on)
    assert np.abs(detour - straight_on).max() > 0.01


def test_reset_starts_the_same_take_again(toy_bundle, play):
    session = Session(toy_bundle, seed=7, sampling=GUIDED)
    first = play(session, 10)
    session.set_sampling(SamplingOptions(temperature=0.0))
    play(session, 7)
    session.reset()
    assert (session.frame, session.sampling) == (0, GUIDED)
    np.testing.assert_array_equal(play(session, 10), first)


def test_a_session_is_its_three_graphs_in_a_row(toy_bundle, play, asked):
    """The slow obvious twin: every port and every state written out by hand."""
    observe, choose, decode = (toy_bundle.graph(name) for name in ("observe", "compose", "decode"))
    heard, sound = toy_bundle.initial_state("observe", 2), toy_bundle.initial_state("decode")
    tokens, expected = np.full((1, 13), START_TOKEN), []
    for frame in range(12):
        full = encode_row(asked(frame))
        bare = encode_row(Controls(tempo_bpm=120.0, beat=frame * 0.08))
        told = {"tokens": np.concatenate([tokens, tokens]), "row": np.stack([full, bare])}
        out = observe.run({**told, **heard})
        heard = {name: out[f"{name}.next"] for name in ("memory", "ring", "position")}
        how = {
            "hidden": out["hidden"],
            "weights": np.array([[3.0], [-2.0]], np.float32),
            "noise": gumbel(7, frame),
            "temperature": np.array(TEMPERATURE, np.float32),
            "cutoff": np.array(CUTOFF, np.float32),
        }
        tokens = choose.run(how)["tokens"]
        out = decode.run({"codes": tokens[:, 1:], **sound})
        sound = {name: out[f"{name}.next"] for name in ("overlap", "late")}
        expected.append(out["audio"][0])
    played = play(Session(toy_bundle, seed=7, sampling=GUIDED), 12)
    np.testing.assert_array_equal(played, np.concatenate(expected, axis=1))


def test_the_order_of_frames_matters(toy_bundle):
    """The piece remembers: the same frame asks for other sound after another past."""
    session, other = Session(toy_bundle, seed=7), Session(toy_bundle, seed=7)
    for key in (1, 1, 2):
        session.step(Controls(key=key))
    for key in (2, 1, 1):
        other.step(Controls(key=key))
    assert np.abs(session.step(Controls()) - other.step(Controls())).max() > 1e-3


def test_guidance_1_is_no_guidance(toy_bundle, play):
    """Also in a session that carries the second row: it must count for nothing."""
    without = play(Session(toy_bundle, seed=7, sampling=UNGUIDED), 40)
    idle = play(Session(toy_bundle, seed=7, sampling=UNGUIDED, guidable=True), 40)
    np.testing.assert_allclose(idle, without, atol=1e-5)


def test_guidance_changes_the_music_when_something_is_asked(toy_bundle, play):
    without = play(Session(toy_bundle, seed=7, sampling=UNGUIDED), 10)
    guided = play(Session(toy_bundle, seed=7, sampling=GUIDED), 10)
    assert np.abs(guided - without).max() > 0.01


def test_guidance_has_nothing_to_push_from_when_nothing_is_asked(toy_bundle):
    session = Session(toy_bundle, seed=7, sampling=UNGUIDED)
    guided = Session(toy_bundle, seed=7, sampling=GUIDED)
    for frame in range(20):
        grid = Controls(tempo_bpm=120.0, beat=frame * 0.08)
        np.testing.assert_allclose(guided.step(grid), session.step(grid), atol=1e-5)


def test_guidance_can_be_turned_up_and_down_while_playing(toy_bundle, play):
    session = Session(toy_bundle, seed=7, sampling=UNGUIDED, guidable=True)
    play(session, 10)
    twin = session.branch()
    session.set_sampling(GUIDED)
    assert session.guidance == 3.0
    assert np.abs(play(session, 10) - play(twin, 10)).max() > 0.01
    session.set_sampling(UNGUIDED)
    assert np.isfinite(play(session, 10)).all()


def test_guidance_cannot_be_turned_up_where_nothing_heard_the_start(toy_bundle):
    session = Session(toy_bundle, sampling=UNGUIDED)
    with pytest.raises(OptionError, match=r"guidance is 3\.0, expected 1 .*guidable=True"):
        session.set_sampling(GUIDED)
    with pytest.raises(OptionError):
        session.set_sampling(SamplingOptions())  # the bundle's own guidance is 2


def test_without_a_word_about_guidance_the_bundles_own_is_used(toy_bundle, play):
    session = Session(toy_bundle, seed=7)
    assert session.guidance == 2.0
    told = Session(toy_bundle, seed=7, sampling=SamplingOptions(guidance=2.0))
    np.testing.assert_array_equal(play(session, 10), play(told, 10))


def test_every_frame_gets_its_own_noise_and_the_temperature_that_was_asked(toy_bundle, play):
    """The dice of a frame hang on seed and frame alone; the bundle's temperatures are scaled."""
    given = []

    class Watched:
        spec = toy_bundle.graph("compose").spec

        def run(self, inputs):
            given.append(inputs)
            return toy_bundle.graph("compose").run(inputs)

    session = Session(toy_bundle, seed=7, sampling=SamplingOptions(temperature=0.5, guidance=3.0))
    play(session, 2)
    session._graphs = {**session._graphs, "compose": Watched()}
    play(session, 3)
    for frame, inputs in enumerate(given, start=2):
        np.testing.assert_array_equal(inputs["noise"], gumbel(7, frame))
        np.testing.assert_allclose(inputs["temperature"], np.array(TEMPERATURE) / 2)
        np.testing.assert_allclose(inputs["cutoff"], CUTOFF)
        np.testing.assert_array_equal(inputs["weights"], [[3], [-2]])


def test_where_drums_are_refused_tokens_are_chosen_with_more_care(toy_bundle):
    """In those frames alone; guidance and what else is asked do not matter."""
    given = []

    class Watched:
        spec = toy_bundle.graph("compose").spec

        def run(self, inputs):
            given.append(inputs)
            return toy_bundle.graph("compose").run(inputs)

    session = Session(toy_bundle, seed=7, sampling=SamplingOptions(guidance=1.0))
    session._graphs = {**session._graphs, "compose": Watched()}
    for drums in (None, False, True):
        session.step(Controls(drums=drums))
    usual, careful, again = given
    for name in ("temperature", "cutoff"):
        np.testing.assert_array_equal(usual[name], again[name])
        assert (careful[name] <= usual[name]).all(), name
        assert (careful[name] < usual[name]).any(), name
    fine = slice(1 + COARSE_LEVELS, None)
    assert careful["cutoff"][fine].max() <= 3.0
    np.testing.assert_array_equal(careful["temperature"][fine], usual["temperature"][fine])


def test_at_temperature_0_all_seeds_play_the_same(toy_bundle, play):
    greedy = SamplingOptions(temperature=0.0)
    first, second = (play(Session(toy_bundle, seed=s, sampling=greedy), 10) for s in (1, 2))
    np.testing.assert_array_equal(first, second)


def test_reference_and_onnx_runtime_play_the_same_take(toy_bundle, toy_bundle_path, play):
    slow = Session(Bundle.open(toy_bundle_path, open_backend("reference")), seed=7)
    fast = Session(toy_bundle, seed=7)
    for _ in range(20):
        np.testing.assert_allclose(play(fast, 1), play(slow, 1), atol=1e-5)
        np.testing.assert_array_equal(fast.last_tokens, slow.last_tokens)


@pytest.mark.parametrize("seed", [-1, 2**63, 1.5, True])
def test_a_seed_out_of_range_is_refused(toy_bundle, seed):
    with pytest.raises(OptionError, match="seed is"):
        Session(toy_bundle, seed=seed)


def test_a_frame_that_fails_was_never_played(toy_bundle, play, monkeypatch):
    """The session stands where it stood, and goes on from there."""
    session = Session(toy_bundle, seed=7)
    play(session, 5)
    expected = play(session.branch(), 5)

    class Broken:
        spec = toy_bundle.graph("decode").spec

        def run(self, inputs):
            raise BackendError("decode.onnx failed: out of memory")

    whole = session._graphs
    monkeypatch.setattr(session, "_graphs", {**whole, "decode": Broken()})
    with pytest.raises(BackendError):
        session.step(Controls())
    monkeypatch.setattr(session, "_graphs", whole)
    assert session.frame == 5
    np.testing.assert_array_equal(play(session, 5), expected)


def test_a_session_of_another_bundle_is_refused_with_both_ids(toy_bundle, tmp_path):
    folder = write_toy_bundle(tmp_path / "other", lambda found: found.update(name="other"))
    other = Bundle.open(folder, open_backend("ort", threads=1))
    with pytest.raises(BundleError, match=f"{toy_bundle.id[:12]}, this is {other.id[:12]}"):
        Session(other).restore(Session(toy_bundle).save())


@pytest.mark.parametrize(
    ("name", "value", "error", "match"),
    [
        ("frame", np.array(-1), InputError, "frame or token out of range"),
        ("frame", np.array(1.0), InputError, "frame .* is of float64, expected int64"),
        ("frame", None, InputError, "frame .* is missing"),
        ("seed", np.array(-5), InputError, "seed is -5"),
        ("batch", np.array(3), InputError, "3 rows of state"),
        ("sampling", np.array([np.inf, 2.0]), InputError, "temperature is inf"),
        ("sampling", np.array([1.0]), ShapeError, "sampling"),
        ("tokens", np.full(13, 1025), InputError, "out of range"),
        ("tokens", np.full(12, 5), ShapeError, r"tokens .* has shape \(12,\), expected \(13,\)"),
        ("state/observe/ring", None, InputError, "state/observe/ring .* is missing"),
        ("state/observe/ring", np.zeros((1, 5, 16), np.float32), ShapeError, "state/observe/ring"),
        ("surprise", np.array(1), InputError, "holds surprise"),
    ],
)
def test_a_save_that_no_session_made_is_refused(toy_bundle, play, name, value, error, match):
    """A project file is checked before it is believed, and the session that refuses plays on."""
    session = Session(toy_bundle, seed=7)
    play(session, 3)
    kept = session.save()
    if value is None:
        del kept[name]
    else:
        kept[name] = value
    with pytest.raises(error, match=match):
        session.restore(kept)
    assert session.frame == 3

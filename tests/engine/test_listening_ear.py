"""The ear: what was heard as tokens, whatever a host sends."""

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from engine import seal
from engine.backends import open_backend
from engine.bundle import Bundle
from engine.errors import BackendError, BundleError, ShapeError
from engine.listening.ear import LIMIT, Ear, fit
from engine.spec import LEVELS, AudioFormat
from tests.fakes import FRAME, RATE, write_toy_bundle

MONO, STEREO = AudioFormat(rate=RATE, channels=1), AudioFormat(rate=RATE, channels=2)


def noise(channels: int, frames: int = 1, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((channels, frames * FRAME)) * 0.1).astype(np.float32)


def hear_all(ear: Ear, audio: np.ndarray) -> np.ndarray:
    """[T, LEVELS] of a whole clip."""
    state, rows = ear.init_state(), []
    for start in range(0, audio.shape[1], FRAME):
        tokens, state = ear.hear(audio[:, start : start + FRAME], state)
        rows.append(tokens)
    return np.array(rows)


def test_a_frame_becomes_its_semantic_token_and_then_its_codes(toy_bundle):
    """Against the two graphs run by hand, one frame after another."""
    audio, expected = noise(1, 6), []
    states = {name: toy_bundle.initial_state(name) for name in ("listen", "encode")}
    for start in range(0, audio.shape[1], FRAME):
        row = []
        for name in states:
            frame = audio[None, :, start : start + FRAME]
            out = toy_bundle.graph(name).run({"audio": frame, **states[name]})
            states[name] = {"tail": out["tail.next"]}
            row += out["codes"][0].tolist()
        expected.append(row)
    np.testing.assert_array_equal(hear_all(Ear(toy_bundle), audio), expected)


def test_hearing_goes_on_from_any_state_that_was_kept(toy_bundle):
    ear, audio = Ear(toy_bundle), noise(1, 2)
    _, kept = ear.hear(audio[:, :FRAME], ear.init_state())
    first, _ = ear.hear(audio[:, FRAME:], kept)
    ear.hear(-audio[:, FRAME:], kept)  # another branch
    again, _ = ear.hear(audio[:, FRAME:], kept)
    np.testing.assert_array_equal(first, again)
    assert first.shape == (LEVELS,)


def test_stereo_is_heard_as_its_mean_where_the_bundle_is_mono(toy_bundle):
    ear, audio = Ear(toy_bundle), noise(2, 4)
    np.testing.assert_array_equal(hear_all(ear, audio), hear_all(ear, audio.mean(0)[None]))


def test_mono_sounds_on_both_sides_where_the_bundle_is_stereo():
    audio = noise(1)
    np.testing.assert_array_equal(fit(audio, STEREO).audio, np.repeat(audio, 2, axis=0))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_silence_and_counted(toy_bundle, bad):
    audio = noise(1, 3)
    silenced = audio.copy()
    audio[0, 5:25], silenced[0, 5:25] = bad, 0.0
    assert fit(audio[:, :FRAME], MONO).bad_samples == 20
    ear = Ear(toy_bundle)
    np.testing.assert_array_equal(hear_all(ear, audio), hear_all(ear, silenced))


def test_a_runaway_level_is_cut_so_that_the_ear_recovers():
    fitted = fit(np.full((1, FRAME), 1e30, np.float32), MONO)
    assert fitted.audio.max() == LIMIT
    assert fitted.bad_samples == 0


@pytest.mark.parametrize("shape", [(FRAME,), (1, FRAME - 1), (1, 0), (3, FRAME), (0, FRAME)])
def test_what_is_no_frame_is_refused(toy_bundle, shape):
    ear = Ear(toy_bundle)
    with pytest.raises(ShapeError, match=f"expected \\(1 or 2, {FRAME}\\)"):
        ear.hear(np.zeros(shape, np.float32), ear.init_state())


def test_tokens_out_of_range_are_a_fault_of_the_graph(toy_bundle):
    ear = Ear(toy_bundle)

    class Broken:
        spec = toy_bundle.graph("listen").spec

        def run(self, inputs):
            return {"codes": np.array([[4711]]), "tail.next": inputs["tail"]}

    ear._graphs = {**ear._graphs, "listen": Broken()}
    with pytest.raises(BackendError, match="4711"):
        ear.hear(noise(1), ear.init_state())


def test_a_bundle_that_only_plays_says_that_it_cannot_listen(tmp_path):
    folder = write_toy_bundle(tmp_path / "deaf", lambda found: found["graphs"].pop("listen"))
    state = load_file(folder / "state.safetensors")
    del state["listen/tail"]
    save_file(state, folder / "state.safetensors")
    seal.write(folder)
    with pytest.raises(BundleError, match="has no graph listen"):
        Ear(Bundle.open(folder, open_backend("ort", threads=1)))

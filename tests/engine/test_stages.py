"""Stages: each does its one thing to a frame."""

from dataclasses import replace

import numpy as np
import pytest

from engine.backends import open_backend
from engine.bundle import Bundle
from engine.errors import BundleError, PromptError, ShapeError
from engine.row import SLICES, UNGUIDED, Controls, encode_row
from engine.spec import ACOUSTIC_LEVELS, LEVELS, START_TOKEN, STYLE_WIDTH
from engine.stages import compose, prompt, render, steer
from tests.fakes import write_toy_bundle

ALL_ASKED = Controls(
    style=np.ones(STYLE_WIDTH, np.float32) / np.sqrt(STYLE_WIDTH).astype(np.float32),
    tempo_bpm=90.0,
    beat=3.25,
    key=2,
    chord_root=2,
    notes=np.ones(128, np.uint8),
    drums=True,
    families=("bass",),
    without=("brass",),
    density=0.5,
    brightness=0.5,
    section=1,
)


def test_a_prompt_becomes_a_style_of_unit_length(toy_bundle):
    style = prompt.encode(toy_bundle, "slow reggae")
    assert style.shape == (STYLE_WIDTH,)
    assert np.linalg.norm(style) == pytest.approx(1, abs=1e-5)


def test_another_prompt_is_another_style_and_the_same_is_the_same(toy_bundle):
    first, second = prompt.encode(toy_bundle, "dub"), prompt.encode(toy_bundle, "bud")
    assert np.abs(first - second).max() > 0.01
    assert prompt.encode(toy_bundle, "dub") is first


def test_a_remembered_style_cannot_be_spoilt(toy_bundle):
    with pytest.raises(ValueError, match="read-only"):
        prompt.encode(toy_bundle, "dub")[0] = 5


def test_prompts_beyond_memory_are_embedded_anew(toy_bundle_path, monkeypatch):
    monkeypatch.setattr(prompt, "REMEMBERED", 2)
    bundle = Bundle.open(toy_bundle_path, open_backend("ort", threads=1))
    first = prompt.encode(bundle, "one of many")
    for other in ("two", "three", "four"):
        prompt.encode(bundle, other)
    again = prompt.encode(bundle, "one of many")
    assert again is not first
    np.testing.assert_array_equal(again, first)


def test_a_long_prompt_is_cut_where_training_cut_it(toy_bundle):
    long = "warm tape choir " * 100
    np.testing.assert_array_equal(
        prompt.encode(toy_bundle, long), prompt.encode(toy_bundle, long[:64])
    )


@pytest.mark.parametrize("text", ["", "   ", "\n\t"])
def test_nothing_to_embed_is_refused(toy_bundle, text):
    with pytest.raises(PromptError, match="nothing to embed"):
        prompt.encode(toy_bundle, text)


def test_a_tokenizer_that_is_none_is_a_bundle_error(tmp_path):
    def swap(found):
        found["text"]["tokenizer"] = "LICENSE"

    bundle = Bundle.open(write_toy_bundle(tmp_path / "toy", swap), open_backend("ort", 1))
    with pytest.raises(BundleError, match="LICENSE is no tokenizer"):
        prompt.encode(bundle, "dub")


def test_without_guidance_there_is_one_row_and_it_says_everything():
    np.testing.assert_array_equal(steer.rows(ALL_ASKED, 1), encode_row(ALL_ASKED)[None])
    np.testing.assert_array_equal(steer.weights(1.0, 1), [[1.0]])


def test_guidance_pushes_away_from_the_same_bar_without_the_prompt():
    """The second row keeps the grid, or guidance would fight the host's bars."""
    unplayed = replace(ALL_ASKED, notes=None)
    asked, unasked = steer.rows(unplayed, 2)
    np.testing.assert_array_equal(asked, encode_row(unplayed))
    for name, where in SLICES.items():
        if name in UNGUIDED:
            assert asked[where].any(), name
            assert not unasked[where].any(), name
        else:
            np.testing.assert_array_equal(unasked[where], asked[where])
    assert {"tempo", "meter"}.isdisjoint(UNGUIDED)


def test_guidance_pushes_towards_the_notes_that_are_given():
    asked, unasked = steer.rows(ALL_ASKED, 2)
    notes = SLICES["notes"]
    np.testing.assert_array_equal(asked[notes], steer.EMPHASIS * encode_row(ALL_ASKED)[notes])
    assert not unasked[notes].any()
    others = np.delete(asked, np.r_[notes])
    np.testing.assert_array_equal(others, np.delete(encode_row(ALL_ASKED), np.r_[notes]))


def test_where_drums_are_refused_guidance_pushes_away_from_a_kit_and_towards_the_grid():
    refused = Controls(drums=False, tempo_bpm=90.0, beat=1.25)
    asked, other = steer.rows(refused, 2)
    kit, grid = SLICES["drums"], slice(SLICES["tempo"].start, SLICES["meter"].stop)
    np.testing.assert_array_equal(asked[kit], (0.0, steer.EMPHASIS))
    np.testing.assert_array_equal(other[kit], (1.0, 0.0))
    np.testing.assert_array_equal(other[grid], encode_row(refused)[grid] / 2)
    np.testing.assert_array_equal(asked[grid], encode_row(refused)[grid])
    assert asked[grid].any()
    np.testing.assert_array_equal(steer.rows(refused, 1)[0], encode_row(refused))


@pytest.mark.parametrize("drums", [True, None])
def test_where_drums_are_not_refused_guidance_leaves_them_unsaid(drums):
    asked, other = steer.rows(Controls(drums=drums), 2)
    np.testing.assert_array_equal(asked, encode_row(Controls(drums=drums)))
    assert not other[SLICES["drums"]].any()


@pytest.mark.parametrize("guidance", [1.0, 2.0, 3.5])
def test_the_weights_of_guidance_sum_to_one(guidance):
    weights = steer.weights(guidance, 2)
    assert weights.shape == (2, 1)
    assert weights[0, 0] == guidance
    assert weights.sum() == pytest.approx(1.0)


def test_a_style_of_another_width_is_refused():
    with pytest.raises(ShapeError, match=r"style has shape \(7,\), expected \(128,\)"):
        steer.rows(Controls(style=np.ones(7, np.float32)), 2)


def test_what_was_heard_changes_what_is_chosen(toy_bundle):
    """Observing other tokens, or the same in another order, leads elsewhere."""
    graph, rows = toy_bundle.graph("observe"), steer.rows(ALL_ASKED, 1)
    phrases = ([1, 2, 3], [3, 2, 1], [1, 2, 4])
    hidden = []
    for phrase in phrases:
        state = toy_bundle.initial_state("observe")
        for token in phrase:
            vector, state = compose.observe(graph, np.full(13, token), rows, state)
        hidden.append(vector)
    assert np.abs(hidden[0] - hidden[1]).max() > 1e-3
    assert np.abs(hidden[0] - hidden[2]).max() > 1e-3


def test_before_the_first_frame_stands_the_start_token():
    assert (compose.start_tokens() == START_TOKEN).all()


def test_the_semantic_token_is_not_heard(toy_bundle):
    state = toy_bundle.initial_state("decode")
    tokens = np.arange(1 + ACOUSTIC_LEVELS)
    first, _ = render.render(toy_bundle.graph("decode"), tokens, state)
    tokens[0] = 1000
    second, _ = render.render(toy_bundle.graph("decode"), tokens, state)
    np.testing.assert_array_equal(first, second)
    assert first.shape == (1, 960)


def test_a_level_that_was_left_out_is_left_out_of_the_sound(toy_bundle):
    """`brief` draws the semantic and coarse tokens alone; the decoder is told which are missing."""
    brief, decode = toy_bundle.graph("brief"), toy_bundle.graph("decode")
    choice = compose.Choice(np.ones(LEVELS), np.full(LEVELS, 6.0), np.ones((1, 1)))
    choice = compose.Choice(*(part.astype(np.float32) for part in choice))
    tokens, _ = compose.choose(brief, np.ones((1, 16), np.float32), choice, {}, seed=1, frame=0)
    assert (tokens[:5] < START_TOKEN).all()
    assert (tokens[5:] == START_TOKEN).all()
    told = []

    class Watched:
        spec = decode.spec

        def run(self, inputs):
            told.append(inputs["codes"])
            return decode.run(inputs)

    render.render(Watched(), tokens, toy_bundle.initial_state("decode"))
    np.testing.assert_array_equal(told[0][0], [*tokens[1:5], *[render.LEFT_OUT] * 8])

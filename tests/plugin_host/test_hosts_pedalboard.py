"""pedalboard: the plugin passes, bounces, recalls and survives, with toy engines.

What is expected of each is in `in_pedalboard` and `pedalboard_loss`, which the ladder climbs too.
"""

import pytest

from plugin_host.hosts import in_pedalboard, pedalboard_host, pedalboard_loss, preset, sound
from plugin_host.rung import Failed

pytest.importorskip("pedalboard", reason="pip install pedalboard")
pytestmark = pytest.mark.slow


def test_without_an_engine_what_comes_in_goes_out_bit_for_bit(stage):
    assert in_pedalboard.passes_input(stage, rates=(44_100, 96_000))["parameters"] > 30


def test_a_mono_track_is_passed_and_played_on(stage):
    assert in_pedalboard.serves_mono(stage)["peak"] > 0.0


def test_a_bounce_is_whole_and_the_same_again_in_blocks_of_any_size(stage):
    in_pedalboard.bounces(stage, seconds=2.0, blocks=(64, 777, 8192))


def test_a_bounce_is_whole_at_every_rate(stage):
    in_pedalboard.bounces_at_rates(stage, seconds=1.0)


def test_a_project_comes_back_as_it_was_saved_and_plays_the_same_music(stage):
    made_with = in_pedalboard.recalls(stage)["made_with"]
    assert made_with["bundle_name"] == "toy"


def test_blocks_of_any_size_at_any_rate_come_back_as_they_went(stage):
    assert in_pedalboard.takes_any_block(stage, blocks=200)["blocks"] == 200


def test_instances_side_by_side_play_music_of_their_own(stage):
    in_pedalboard.plays_in_many(stage, count=3, seconds=0.5)


def test_an_engine_that_dies_is_silence_of_the_right_length_and_the_next_one_plays(stage):
    pedalboard_loss.survives_death(stage)


def test_an_engine_that_hangs_is_let_go_of_in_bounded_time(stage):
    pedalboard_loss.survives_hanging(stage)


def test_another_bundle_plays_and_the_project_says_with_which_it_was_made(stage):
    pedalboard_loss.plays_with_another(stage)


def test_music_with_a_hole_is_not_taken_for_whole(stage):
    """The judge itself: silence, half the length, and a gap are each refused."""
    noise = sound.load(pedalboard_host.noise_file(stage, 48_000, 1.0))[0]
    pedalboard_host.whole(noise, 48_000, 1.0)
    holed = noise.copy()
    holed[:, 20_000:21_000] = 0.0
    for wrong in (noise * 0, noise[:, :24_000], holed):
        with pytest.raises(Failed):
            pedalboard_host.whole(wrong, 48_000, 1.0)


def test_a_preset_of_another_plugin_leaves_the_plugin_as_it_was(stage):
    with pedalboard_host.host(stage) as child:
        child.do("load", plugin=str(stage.vst3))
        told = pedalboard_host.tell(stage, child, ["warm choir"], seed=3)
        path = stage.fresh("foreign", ".vstpreset")
        child.do("save", path=str(path))
        path.write_bytes(preset.written(path.read_bytes(), {"product": "another"}))
        child.do("restore", path=str(path))
        child.do("save", path=str(path))
    assert preset.read(path.read_bytes())["prompts"] == told["prompts"]

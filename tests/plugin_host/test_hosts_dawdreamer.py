"""dawdreamer: the song's tempo and automation, with toy engines."""

import pytest

from plugin_host.hosts import in_dawdreamer

pytest.importorskip("dawdreamer", reason="pip install dawdreamer")
pytestmark = pytest.mark.slow


def test_a_host_sees_the_plugins_own_parameters_by_name(stage):
    assert in_dawdreamer.names_parameters(stage)["parameters"] > 30


def test_the_engine_is_told_the_tempo_of_the_song(stage):
    assert in_dawdreamer.follows_tempo(stage)["bpm"] == in_dawdreamer.TEMPO


def test_automation_of_the_mix_is_heard(stage):
    in_dawdreamer.obeys_automation(stage)


def test_blocks_of_128_and_of_2048_render_the_same_music(stage):
    in_dawdreamer.renders_alike(stage)

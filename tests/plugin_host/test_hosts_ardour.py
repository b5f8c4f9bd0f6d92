"""Ardour: exported offline, replayed, answered and continued; rolled on JACK; with toy engines.

Lateness is not judged here, because tests share their machine; `antiphon plugin check` judges it.
"""

import pytest

from plugin_host.hosts import ardour_rung, ardour_session

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not ardour_session.version(), reason="apt-get install ardour"),
]


def test_an_export_has_every_sample_of_four_bars(stage):
    ardour_rung.exports(stage)


def test_what_was_recorded_is_exported_bit_for_bit_also_without_an_engine(stage):
    ardour_rung.replays(stage)


def test_an_export_without_an_engine_ends(stage):
    ardour_rung.exports_alone(stage)


def test_an_export_whose_engine_dies_is_of_the_right_length(stage):
    ardour_rung.exports_through_death(stage)


def test_a_guitar_is_answered_on_the_bar_in_an_export(stage):
    ardour_rung.answers(stage, is_offline=True)


def test_a_guitar_is_answered_while_ardour_rolls(stage):
    ardour_rung.answers(stage, is_offline=False)


def test_a_guitar_is_continued_without_a_gap(stage):
    ardour_rung.continues(stage)


def test_music_is_heard_while_ardour_rolls_on_jack(stage):
    ardour_rung.rolls(stage, 4.0, is_strict=False)

"""jalv: the LV2 plugin on a JACK server, with toy engines that come and go.

Lateness is not judged here, because tests share their machine; `antiphon plugin check` judges it.
"""

import pytest

from plugin_host.hosts import jalv_rung

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        bool(jalv_rung.missing()), reason=f"apt-get install {' '.join(jalv_rung.missing())}"
    ),
]


def test_music_is_heard_in_real_time(stage):
    assert jalv_rung.plays(stage, 3, is_strict=False)["loudness"] > 1e-4


def test_when_the_engine_is_killed_the_next_one_plays(stage):
    jalv_rung.outlives(stage, is_killed=True, is_strict=False)


def test_when_the_engine_hangs_the_next_one_plays(stage):
    jalv_rung.outlives(stage, is_killed=False, is_strict=False)

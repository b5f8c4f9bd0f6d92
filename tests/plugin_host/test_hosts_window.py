"""The editor in a window: what is typed into a prompt stays there and reaches the engine."""

import pytest

from plugin_host.hosts import window_rung

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        bool(window_rung.missing()), reason=f"apt-get install {' '.join(window_rung.missing())}"
    ),
]


def test_a_typed_prompt_with_spaces_reaches_the_engine_whole(stage):
    assert window_rung.takes_typing(stage)["typed"].count(" ") == 3


def test_what_was_typed_is_exported_and_the_editor_opens_again(stage):
    assert window_rung.exports_typing(stage)["typed"] == window_rung.HEARD

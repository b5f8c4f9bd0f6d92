"""The plugin's state as hosts hold it: VST3 presets and LV2 states."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin_host.hosts import lv2_state, preset
from plugin_host.rung import Failed

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(st.text(), JSON))
def test_a_preset_holds_what_was_put_into_it(state):
    assert preset.read(preset.made(state)) == state


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(st.text(), JSON))
def test_another_state_leaves_the_wrappers_own_bytes_as_they_are(state):
    head = preset.made({"before": 1})
    end = b"\0\x01JUCEPrivateData\xff"
    class_id, chunks = preset._chunks(head)
    before = preset._joined(class_id, {b"Comp": chunks[b"Comp"] + end, b"Cont": b"knobs"})
    after = preset.written(before, state)
    assert preset.read(after) == state
    found_id, found = preset._chunks(after)
    assert found_id == preset.CLASS_ID
    assert found[b"Comp"].endswith(end)
    assert found[b"Cont"] == b"knobs"


@pytest.mark.parametrize("broken", [b"", b"VST3", preset.made({})[:-4], b"x" * 100])
def test_a_broken_preset_is_refused_in_words(broken):
    with pytest.raises(Failed, match="preset"):
        preset.read(broken)


def test_prompts_fill_the_first_slots_and_values_join_those_that_were_there():
    state = {"values": {"mix": 0.5, "seed": 1}, "a_later_key": 3}
    found = preset.changed(state, ["choir"], seed=7)
    assert found["prompts"] == ["choir", *[""] * 7]
    assert found["values"] == {"mix": 0.5, "seed": 7}
    assert found["a_later_key"] == 3


@given(st.binary(max_size=300))
def test_juces_base_64_comes_back(data):
    assert lv2_state.decode(lv2_state.encode(data)) == data


def test_an_lv2_state_is_of_this_plugin(tmp_path):
    text = (lv2_state.write(tmp_path / "state", {"a": 1}) / "state.ttl").read_text()
    assert "urn:antiphon:plugin:StateString" in text

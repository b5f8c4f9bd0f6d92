"""bundle.json: what this engine cannot play is refused with the field that says so."""

import json

import pytest

from engine import manifest as manifests
from engine.errors import BundleError
from engine.row import FIELDS
from tests.fakes import manifest


def refused(found, match):
    data = found if isinstance(found, bytes) else json.dumps(found).encode()
    with pytest.raises(BundleError, match=match):
        manifests.parse(data, "bundle.json")


def test_the_toys_manifest_is_understood():
    found = manifests.parse(json.dumps(manifest()).encode(), "bundle.json")
    assert found.audio.rate == 24_000
    assert [port.name for port in found.graphs["observe"].state_inputs] == [
        "memory",
        "ring",
        "position",
    ]


def spoil(path, value):
    """The toy's manifest with one value replaced."""
    found = manifest()
    *way, last = path.split("/")
    place = found
    for step in way:
        place = place[int(step) if step.isdigit() else step]
    place[last] = value
    return found


@pytest.mark.parametrize(
    ("path", "value", "match"),
    [
        ("format", 2, "has format 2, expected 1. Use the version of Antiphon"),
        ("format", None, "has format None"),
        ("family", "other", "family: Input should be 'antiphon'"),
        ("surprise", 1, "surprise: Extra inputs are not permitted"),
        ("audio/rate", 24_001, "audio.rate: .* multiple of 25"),
        ("audio/rate", "24000", "audio.rate: Input should be a valid integer"),
        ("audio/channels", 0, "audio.channels"),
        ("audio/channels", 3, "audio.channels"),
        ("tokens/codebook", 2048, "tokens.codebook"),
        ("sampling/temperature", [1.0] * 12, "sampling.temperature"),
        ("sampling/temperature", [3.0] * 13, "sampling.temperature.0"),
        ("sampling/cutoff", [0.0] * 13, "sampling.cutoff.0"),
        ("sampling/guidance", 0.5, "sampling.guidance"),
        ("text/max_tokens", 0, "text.max_tokens"),
        ("graphs/observe/state", {"memory": "nowhere"}, "memory -> nowhere joins no input"),
        ("graphs/observe/state", {"memory": "ring.next"}, "changes its shape or dtype"),
        ("graphs/observe/inputs/0/name", "token", "graphs.observe.inputs: .*token"),
        ("graphs/observe/inputs/0/dtype", "float16", "graphs.observe.inputs.0.dtype"),
        ("graphs/observe/latency_samples", -1, "graphs.observe.latency_samples"),
        ("graphs/dance", {}, "graphs.dance"),
    ],
)
def test_a_value_that_cannot_be_played_is_refused_by_name(path, value, match):
    refused(spoil(path, value), match)


def test_a_graph_that_no_engine_knows_is_refused():
    found = manifest()
    found["graphs"]["dance"] = found["graphs"]["text"]
    refused(found, "dance is not one of text, style")


@pytest.mark.parametrize("name", ["text", "observe", "compose", "decode"])
def test_a_bundle_without_a_graph_that_plays_is_refused(name):
    found = manifest()
    del found["graphs"][name]
    refused(found, f"graphs: {name} is missing")


def test_another_width_of_a_field_is_refused_by_name():
    refused(spoil("row/style", 65), "row: field style has width 65, expected 129")


def test_a_field_that_this_engine_lacks_is_refused_by_name():
    refused(spoil("row/mood", 4), "row: field mood has width 4, expected None")


def test_fields_in_another_order_are_refused():
    """The order is the row's layout: the same widths elsewhere are other instructions."""
    refused(spoil("row", dict(reversed(FIELDS.items()))), "fields come in the order")


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe", b'{"format": NaN}', b"[" * 100_000])
def test_what_is_not_json_is_refused(data):
    refused(data, "bundle.json is not JSON")


def test_json_that_is_no_object_is_refused():
    refused(b"[1]", "bundle.json holds a list, expected a JSON object")

"""The log: one JSON object a line, of bounded length, whatever is logged."""

import io
import json

from bridge.log import MAX_CHARACTERS, log_to


def test_a_line_is_an_event_with_its_fields():
    stream = io.StringIO()
    log_to(stream)("client came", client="a\nb", count=3, names=["x"], none=None)
    (line,) = stream.getvalue().splitlines()
    found = json.loads(line)
    assert found.pop("at").endswith("Z")
    assert found == {
        "event": "client came", "client": "a\nb", "count": 3, "names": ["x"], "none": None
    }  # fmt: skip


def test_long_texts_are_cut_and_odd_values_are_shown():
    stream = io.StringIO()
    log_to(stream)("fault", trace="x" * 10**6, odd=object())
    found = json.loads(stream.getvalue())
    assert len(found["trace"]) == MAX_CHARACTERS
    assert found["odd"].startswith("<object")

"""A set's prompts in a file."""

import pytest

from engine.errors import InputError
from engine.live import slots_file


def test_a_set_is_read(tmp_path):
    path = tmp_path / "set.toml"
    path.write_text(
        'tempo = 124\nkey = "Am"\nseed = 7\n'
        '[prompts]\n1 = "deep house"\n8 = "90 bpm dub, D minor"\n'
    )
    found = slots_file.read(path)
    assert (found.tempo, found.key, found.seed) == (124.0, "A minor", 7)
    assert found.prompts == {"1": "deep house", "8": "90 bpm dub, D minor"}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("tempo = 124", "prompts"),
        ("[prompts]", "prompts"),
        ("[prompts]\n9 = 'dub'", "slot '9' is not there, expected 1 to 8"),
        ("[prompts]\n1 = 'dub, 900 bpm'", "slot 1.*900"),
        ("[prompts]\n1 = 2", "prompts.1"),
        ("key = 'H'\n[prompts]\n1 = 'dub'", "key.*'H'"),
        ("key = 3\n[prompts]\n1 = 'dub'", "key"),
        ("tempo = 'fast'\n[prompts]\n1 = 'dub'", "tempo"),
        ("temp = 100\n[prompts]\n1 = 'dub'", "temp"),
        ("[prompts", "not TOML"),
    ],
)
def test_a_set_that_cannot_be_played_says_why(tmp_path, text, fault):
    path = tmp_path / "set.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=fault):
        slots_file.read(path)


def test_a_set_that_is_not_there_says_so(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        slots_file.read(tmp_path / "none.toml")

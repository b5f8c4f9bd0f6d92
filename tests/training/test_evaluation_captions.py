"""Captions of a csv: what is read, what is refused, and what is measured on them."""

import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip("torch", reason="the judge needs torch: pip install 'antiphon[train]'")

from engine.errors import InputError
from engine.spec import FAMILIES
from training.evaluate import app
from training.evaluation.caption_file import Split, read_captions
from training.evaluation.caption_report import measure_captions, page_of
from training.evaluation.judge import Verdict
from training.evaluation.studio import Studio

HEADER = (
    "ytid,start_s,end_s,audioset_positive_labels,aspect_list,caption,author_id,"
    "is_balanced_subset,is_audioset_eval\n"
)
ROWS = """a1,30,40,/m/0abc,"['slow', ""80's"", 'soft, low']","A slow piano, 70 bpm.",4,False,True
b2,0,10,/m/0abc,"['loud']","Fierce drums ""live"", no piano.",4,True,True
c3,5,15,/m/0abc,[],"Some words
on two lines in A minor",4,False,False
"""


@pytest.fixture
def file(tmp_path):
    """A csv as MusicCaps has it, quotes, commas and line breaks included."""
    path = tmp_path / "captions.csv"
    path.write_text(HEADER + ROWS)
    return path


def test_captions_are_read_as_they_were_written(file):
    """Quotes within, commas and line breaks are part of the words."""
    found = read_captions(file, Split.ALL, 10)
    assert [one.text for one in found] == [
        "A slow piano, 70 bpm.",
        'Fierce drums "live", no piano.',
        "Some words\non two lines in A minor",
    ]
    assert found[0].clip == "a1 30"
    assert found[0].aspects == ("slow", "80's", "soft, low")
    assert found[2].aspects == ()


def test_splits_are_told_apart(file):
    """Evaluation's captions are those marked so; the limit counts captions of the split."""
    assert [one.clip for one in read_captions(file, Split.EVAL, 10)] == ["a1 30", "b2 0"]
    assert len(read_captions(file, Split.ALL, 2)) == 2
    with pytest.raises(InputError, match=r"holds 1 captions of split train.*--split all"):
        read_captions(file, Split.TRAIN, 10)


def test_what_is_no_caption_file_is_refused_in_words(tmp_path, file):
    """A missing file, other columns, another mark and an empty caption each say what is wrong."""
    with pytest.raises(InputError, match="cannot be read"):
        read_captions(tmp_path / "none.csv", Split.ALL, 5)
    bad = tmp_path / "bad.csv"
    for text, said in (
        ("words,more\na,b\n", "expected \\['caption', 'is_audioset_eval'\\]"),
        (HEADER + ROWS.replace("False,True", "False,maybe"), "line 2: is_audioset_eval is 'maybe'"),
        (HEADER + "a,0,1,,[],,4,False,True\n", "caption is empty"),
        ("", "has the columns \\[\\]"),
    ):
        bad.write_text(text)
        with pytest.raises(InputError, match=said):
            read_captions(bad, Split.EVAL, 5)
    bad.write_bytes(HEADER.encode() + b"\xff\xfe")
    with pytest.raises(InputError, match="no csv in UTF-8"):
        read_captions(bad, Split.EVAL, 5)


def test_the_command_refuses_with_two(tmp_path):
    """A user's mistake is one line and exit status 2, before anything is played."""
    for arguments in (
        ["--captions", str(tmp_path / "none.csv")],
        ["--against", "float"],
        ["--basic", "--group", "given"],
    ):
        found = CliRunner().invoke(app, arguments)
        assert found.exit_code == 2, arguments
        assert found.stderr.startswith("evaluate: ")
        assert "Traceback" not in found.stderr


class KeenJudge:
    """Hears a piano in everything."""

    def listen(self, mono):
        families = np.array([name == "piano" for name in FAMILIES])
        return Verdict(self.styles(mono)[0], families, "house")

    def styles(self, mono):
        loud = int(np.sqrt(np.mean(mono**2)) > 0.1)
        return np.eye(128, dtype=np.float32)[[loud]]

    def read(self, texts):
        return np.eye(128, dtype=np.float32)[[len(text) % 2 for text in texts]]


@pytest.mark.slow
def test_only_what_a_caption_says_is_held_against_a_take(toy_bundle, file, tmp_path, monkeypatch):
    """One caption of two names a tempo, one a family and one drums; cycle and FAD need none."""
    monkeypatch.chdir(tmp_path)  # renderings are kept under the working folder
    studio = Studio(bundle=toy_bundle, judge=KeenJudge(), workers=1)
    table = measure_captions(studio, read_captions(file, Split.EVAL, 2), 6.0)
    clips = {line.name: line.generated.clips for line in table.lines}
    assert (clips["cycle"], clips["cycle_aspects"]) == (2, 2)
    assert (clips["tempo_hit"], clips["families_recall"], clips["drums"]) == (1, 1, 1)
    assert "key_hit" not in clips
    assert table.line("families_recall").generated.value == 1.0
    assert table.line("silent").floor is None
    assert table.line("fad_log_mel").ceiling is not None
    assert "MuLan cycle consistency" in page_of(table, {"bundle": "toy"})

"""Following a host: what was predicted is not news, what was not is, and a jump is a jump."""

import pytest

from engine.clock import HostBlock, Transport
from engine.loop.follow import follow
from engine.song import Loop, Signature, SongTempo, TempoChange

RATE = 48_000


def hosted(**changes) -> Transport:
    return Transport(rate=RATE, tempo=SongTempo(120), **changes)


def says(second: float, quarter: float | None, **changes) -> HostBlock:
    found = {"tempo": SongTempo(120), "quarter": quarter, **changes}
    return HostBlock(sample=round(second * RATE), rate=RATE, **found)


def news(before: Transport, said: HostBlock, *, is_hosted: bool = True):
    return follow(before, said, made_frames=60, is_hosted=is_hosted)


@pytest.mark.parametrize("second", [0.0, 1.0, 2.2])
def test_what_was_predicted_is_no_news(second):
    said = says(second, 2 * second, signature=Signature(), bar_quarter=2 * second // 4 * 4)
    assert news(hosted(), said) is None


def test_a_word_too_little_off_to_be_heard_is_no_news():
    assert news(hosted(), says(1.0, 2.0005)) is None


def test_the_first_word_of_a_host_makes_the_song_the_hosts_even_if_it_changes_nothing():
    """Otherwise a prompt that says 90 bpm would take the song away from it."""
    found = news(hosted(), says(1.0, 2.0), is_hosted=False)
    assert (found.is_hosted, found.jump) == (True, None)


def test_a_host_that_says_no_tempo_leaves_it_to_the_player():
    found = news(hosted(), says(1.0, None, tempo=None, playing=False), is_hosted=False)
    assert (found.is_hosted, found.jump.kind) == (False, "stop")


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (says(1.0, 9.0), "locate"),
        (says(1.0, 2.0, playing=False), "stop"),
        (says(1.0, 2.0, tempo=SongTempo(90)), "tempo"),
        (says(1.0, 2.0, signature=Signature(3, 4)), "meter"),
        (says(1.0, 2.0, loop=Loop(0.0, 2.5)), "loop"),
    ],
)
def test_what_frames_not_heard_yet_are_aimed_wrongly_for_is_a_jump(said, kind):
    found = news(hosted(), said)
    assert found.jump.kind == kind
    assert found.transport == hosted().follow(said)


def test_what_changes_only_later_is_taken_over_in_silence():
    later = SongTempo(120, (TempoChange(40.0, 90.0),))
    found = news(hosted(), says(1.0, 2.0, tempo=later))
    assert (found.jump, found.transport.tempo) == (None, later)


def test_a_host_that_drifts_is_followed_in_small_steps():
    found = news(hosted(), says(1.0, 2.004))
    assert (found.jump, found.transport.quarter) == (None, 2.004)

"""A session outlives its player's connection, and tells everyone what became of their asks."""

import pytest

from bridge.control import Ack, Ask, Changed, Remark, TempoStep, Transport
from bridge.errors import Refusal
from bridge.session import Post, Session
from bridge.wire import Frame, Kind
from engine import HostBlock, Loop, Signature, SongTempo, TempoChange
from tests.bridge.fakes import CountingPlayer

PROMPT = {"kind": "prompt", "index": 1, "text": "warm tape choir"}


@pytest.fixture
def player() -> CountingPlayer:
    return CountingPlayer()


@pytest.fixture
def session(player: CountingPlayer) -> Session:
    session = Session("lead", player, seed=5)
    session.attach(1000)
    return session


def test_an_ask_is_accepted_and_done_and_everyone_is_told(session):
    session.ask(Ask(revision=1, command=PROMPT, when={"kind": "bar"}), "studio", now=0.0)
    done = {"frame": 0, "sample": 1000}
    assert session.take_posts() == [
        Post("studio", Ack(revision=1, change=1, what="accepted")),
        Post("studio", Ack(revision=1, change=1, what="done", **done)),
        Post(None, Changed(change=1, by="studio", command=PROMPT, **done)),
    ]


def test_what_the_engine_refuses_is_refused_in_its_words(session, player):
    player.refuses = "too many requests wait"
    session.ask(Ask(revision=1, command=PROMPT), "studio", now=0.0)
    assert [post.message.what for post in session.take_posts()] == ["accepted", "refused"]


def test_a_replay_is_told_again_where_the_player_counts_now(session):
    session.ask(Ask(revision=1, command=PROMPT), "studio", now=0.0)
    session.take_posts()
    session.park(now=1.0)
    session.attach(50_000)
    session.ask(Ask(revision=1, command=PROMPT), "studio", now=2.0)
    (again,) = session.take_posts()
    assert (again.message.what, again.message.sample) == ("done", 50_000)


def test_a_remark_of_the_engine_goes_to_everyone(session, player):
    player.tell("the prompt worker died and was started again")
    session.turn(now=0.0)
    assert session.take_posts() == [
        Post(None, Remark(text="the prompt worker died and was started again"))
    ]


def test_only_the_player_knows_the_token_and_only_while_it_plays(session):
    token, key = session.token, session.key
    assert session.is_owner(token)
    assert not session.is_owner(None)
    assert not session.is_owner("0" * 32)
    session.park(now=0.0)
    session.attach(0)
    assert not session.is_owner(token)
    assert session.key != key


def test_a_parked_session_sends_nothing_and_goes_on_later(session, player):
    grant = {"kind": Kind.CREDIT, "sequence": 0, "rate": 48_000}
    session.stream.receive(Frame(key=session.key, sample=1000, credit=1100, **grant))
    assert sum(message.samples for message in session.stream.pump()) == 100
    session.stream.receive(Frame(key=session.key, sample=1000, credit=1200, **grant))
    session.park(now=0.0)
    assert list(session.stream.pump()) == []
    session.attach(0)
    session.stream.receive(Frame(key=session.key, sample=0, credit=10, **grant))
    assert next(session.stream.pump()).audio[0, 0] == 100


def test_the_hosts_song_reaches_the_engine_in_its_own_samples(session, player):
    session.follow(
        Transport(
            revision=1, sample=1480, quarter=8.0, bpm=120.0, beats=6, unit=8, bar_quarter=6.0,
            changes=[TempoStep(quarter=16.0, bpm=90.0)], loop=[0.0, 16.0], playing=False,
        )
    )  # fmt: skip
    assert player.said == [
        HostBlock(
            sample=480, rate=48_000, quarter=8.0, signature=Signature(6, 8), bar_quarter=6.0,
            tempo=SongTempo(120.0, (TempoChange(16.0, 90.0),)), loop=Loop(0.0, 16.0), playing=False,
        )
    ]  # fmt: skip


def test_an_older_transport_is_stale(session, player):
    session.follow(Transport(revision=4, sample=2000))
    for revision in (3, 4):
        with pytest.raises(Refusal, match="expected one above 4") as caught:
            session.follow(Transport(revision=revision, sample=1000))
        assert caught.value.code == "stale"
    assert len(player.said) == 1


@pytest.mark.parametrize(
    "nonsense",
    [
        {"loop": [4.0, 4.0]},
        {
            "bpm": 120.0,
            "changes": [TempoStep(quarter=4.0, bpm=90.0), TempoStep(quarter=2.0, bpm=90.0)],
        },
    ],
)
def test_a_song_that_cannot_be_is_refused(session, player, nonsense):
    with pytest.raises(Refusal) as caught:
        session.follow(Transport(revision=1, sample=1000, **nonsense))
    assert caught.value.code == "range"
    assert player.said == []

"""From the asking to the hearing: every ask has a number, one answer at a time, and a moment."""

import pytest

from bridge.changes import Changes
from bridge.control import Ask, read_client
from bridge.errors import Refusal
from bridge.limits import ASK_BURST
from engine import Ack


def prompt(revision: int, text: str = "house", index: int = 1) -> Ask:
    command = {"kind": "prompt", "index": index, "text": text}
    return Ask(revision=revision, command=command)


def seed(revision: int, value: int) -> Ask:
    return Ask(revision=revision, command={"kind": "param", "name": "seed", "value": value})


def said(changes: Changes) -> list[tuple[int, str]]:
    answers, changes.answers = changes.answers, []
    return [(answer.change.number, answer.what) for answer in answers]


def done(number: int, sample: int) -> Ack:
    return Ack(id=str(number), frame=0, sample=sample, what="done")


def test_an_ask_is_accepted_handed_on_and_done():
    changes = Changes(seed=0)
    changes.take(prompt(1), "a")
    assert said(changes) == [(1, "accepted")]
    assert [ask.id for ask in changes.due(0.0)] == ["1"]
    changes.settle(done(1, 960))
    assert said(changes) == [(1, "done")]
    assert changes.book.prompt(1) == "house"


def test_changes_are_numbered_over_all_clients():
    changes = Changes(seed=0)
    changes.take(prompt(1), "a")
    changes.take(prompt(1, index=2), "b")
    assert said(changes) == [(1, "accepted"), (2, "accepted")]


def test_a_replay_is_answered_and_not_done_again():
    changes = Changes(seed=0)
    assert changes.take(prompt(1), "a") is None
    list(changes.due(0.0))
    changes.settle(done(1, 960))
    again = changes.take(prompt(1), "a")
    assert (again.what, again.sample, again.change) == ("done", 960, 1)
    assert list(changes.due(1.0)) == []


def test_the_same_revision_of_another_client_is_no_replay():
    changes = Changes(seed=0)
    assert changes.take(prompt(1), "a") is None
    assert changes.take(prompt(1), "b") is None


def test_out_of_order_revisions_are_stale():
    changes = Changes(seed=0)
    changes.take(prompt(5), "a")
    with pytest.raises(Refusal, match="expected one above 5"):
        changes.take(prompt(4), "a")


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ({}, "a kind"),
        ({"kind": "sing"}, "kind of command is 'sing'"),
        ({"kind": "prompt", "index": 9, "text": "x"}, "prompt index is 9"),
        ({"kind": "param", "name": "density", "value": 2}, "density is 2"),
        ({"kind": "prompt", "index": 1, "text": "x" * 2001}, "2,000"),
    ],
)
def test_what_the_engine_does_not_take_is_refused_with_its_reason(command, reason):
    changes = Changes(seed=0)
    changes.take(Ask(revision=1, command=command), "a")
    assert list(changes.due(0.0)) == []
    answer = changes.answers[-1]
    assert answer.what == "refused"
    assert reason in answer.reason
    assert changes.take(Ask(revision=1, command=command), "a").what == "refused"


def test_not_a_number_is_refused_by_the_engine():
    part = b'{"type":"ask","revision":1,"command":{"kind":"weight","index":1,"weight":NaN}}'
    changes = Changes(seed=0)
    changes.take(read_client(part), "a")
    assert list(changes.due(0.0)) == []
    assert "command weight.weight is nan" in changes.answers[-1].reason


def test_a_time_that_is_no_time_is_refused():
    changes = Changes(seed=0)
    command = prompt(1).command
    changes.take(Ask(revision=1, command=command, when={"kind": "soon"}), "a")
    assert list(changes.due(0.0)) == []
    assert "when.kind is 'soon'" in changes.answers[-1].reason


def test_a_flood_reaches_the_engine_as_a_trickle_and_ends_with_the_last_one():
    changes = Changes(seed=0)
    reached = []
    for number in range(1, 10_001):
        changes.take(prompt(number, text=f"house {number}"), "a")
        reached += changes.due(now=number / 10_000)
    reached += changes.due(now=2.0)
    assert reached[-1].command.text == "house 10000"
    assert len(reached) <= ASK_BURST + 400
    outcomes = [what for _, what in said(changes)]
    assert outcomes.count("replaced") == 10_000 - len(reached)


def test_what_is_in_force_changes_at_the_sample_it_is_heard():
    changes = Changes(seed=7)
    changes.take(seed(1, 11), "a")
    list(changes.due(0.0))
    changes.settle(done(1, 960))
    changes.begin(959)
    assert (changes.newest, changes.seed, changes.next_after(0)) == (0, 7, 960)
    changes.begin(960)
    assert (changes.newest, changes.seed, changes.next_after(0)) == (1, 11, None)


def test_a_moment_that_is_made_anew_moves():
    """After a rewind the engine answers again, with another sample."""
    changes = Changes(seed=0)
    changes.take(prompt(1), "a")
    list(changes.due(0.0))
    changes.settle(done(1, 9600))
    changes.settle(done(1, 4800))
    assert changes.next_after(0) == 4800
    assert [answer.is_first for answer in changes.answers] == [True, True, False]


def test_an_answer_to_nothing_that_was_asked_is_left():
    changes = Changes(seed=0)
    changes.settle(done(99, 0))
    changes.settle(Ack(id="tap", frame=0, sample=0, what="done"))
    assert changes.answers == []

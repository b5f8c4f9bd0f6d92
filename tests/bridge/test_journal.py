"""Revisions only rise; what comes again is answered again and not done again."""

import pytest

from bridge.control import Ack
from bridge.errors import Refusal
from bridge.journal import Journal


def accepted(revision: int) -> Ack:
    return Ack(revision=revision, change=revision, what="accepted")


def test_a_new_revision_is_new_and_may_skip_numbers():
    journal = Journal()
    assert journal.replayed(1, b"a") is None
    journal.enter(1, b"a", accepted(1))
    assert journal.replayed(7, b"b") is None


def test_the_same_again_gets_the_newest_answer():
    journal = Journal()
    journal.enter(1, b"a", accepted(1))
    assert journal.replayed(1, b"a") == accepted(1)
    done = Ack(revision=1, change=1, what="done", frame=5, sample=9600)
    journal.answer(done)
    assert journal.replayed(1, b"a") == done


def test_the_same_revision_with_something_else_in_it_is_a_conflict():
    journal = Journal()
    journal.enter(1, b"a", accepted(1))
    with pytest.raises(Refusal, match=r"revision 1 asked for something else\. Use 2") as caught:
        journal.replayed(1, b"b")
    assert caught.value.code == "conflict"


def test_a_revision_that_was_left_out_or_forgotten_is_stale():
    journal = Journal(entries=2)
    for revision in (2, 3, 4):
        journal.enter(revision, b"a", accepted(revision))
    for revision in (1, 2):
        with pytest.raises(Refusal, match=f"revision is {revision}, expected one above 4") as e:
            journal.replayed(revision, b"a")
        assert e.value.code == "stale"
    journal.answer(accepted(2))  # forgotten: nothing to remember it with
    assert journal.replayed(3, b"a") == accepted(3)

"""The inbox: the newest of a kind wins, prompts wait for their style, every request is answered."""

import threading

import numpy as np
import pytest

from engine.ask import Ask, When
from engine.command import Pick, SetParam, SetPrompt, SetStyle
from engine.errors import OptionError, PromptError
from engine.loop.inbox import MAX_WAITING, Inbox
from engine.loop.prompts import PromptWorker

STYLE = np.eye(1, 128, dtype=np.float32)[0]


def put(inbox: Inbox, name: str, command, when: When = When()) -> None:  # noqa: B008  frozen
    inbox.put(Ask(id=name, command=command, when=when), second=0.0)


def taken(inbox: Inbox) -> list[str]:
    return [entry.ask.id for entry in inbox.take()]


def key(value: str) -> SetParam:
    return SetParam(name="key", value=value)


def words(text: str, index: int = 1) -> SetPrompt:
    return SetPrompt(index=index, text=text)


def test_requests_come_out_once_and_in_order():
    inbox = Inbox()
    put(inbox, "a", key("C major"))
    put(inbox, "b", Pick(index=2))
    assert (taken(inbox), taken(inbox)) == (["a", "b"], [])


def test_of_two_for_the_same_slot_and_time_the_newer_wins_and_the_older_is_told():
    inbox = Inbox()
    put(inbox, "old", key("C major"))
    put(inbox, "other", Pick(index=2))
    put(inbox, "new", key("D minor"))
    assert taken(inbox) == ["other", "new"]
    assert inbox.answers() == [("old", "replaced", "new asks for the same slot at the same time")]
    assert inbox.answers() == []


def test_two_times_are_two_wishes():
    inbox = Inbox()
    put(inbox, "now", key("C major"))
    put(inbox, "later", key("D minor"), When(kind="bar"))
    assert taken(inbox) == ["now", "later"]


def test_a_prompt_with_words_waits_for_its_style():
    inbox = Inbox()
    put(inbox, "prompt", words("tape choir"))
    put(inbox, "numbers", words("124 bpm, no drums", index=2))
    assert taken(inbox) == ["numbers"]
    assert (inbox.next_words(), inbox.next_words()) == ("tape choir", None)
    inbox.give_style(STYLE)
    (entry,) = inbox.take()
    assert entry.ask.id == "prompt"
    assert entry.style is STYLE


def test_a_prompt_that_is_replaced_while_it_is_embedded_never_plays():
    """Otherwise the older one would arrive last, and stay."""
    inbox = Inbox()
    put(inbox, "old", words("tape choir"))
    inbox.next_words()
    put(inbox, "new", SetStyle(index=1, style=STYLE, said="a clip"))
    inbox.give_style(STYLE)
    assert taken(inbox) == ["new"]
    assert [answer.id for answer in inbox.answers()] == ["old"]


def test_a_full_inbox_refuses_what_is_new_and_takes_what_replaces():
    inbox = Inbox()
    for frame in range(MAX_WAITING):
        put(inbox, str(frame), key("C major"), When(kind="frame", frame=frame))
    with pytest.raises(OptionError, match="requests that wait is 513, expected at most 512"):
        put(inbox, "one more", Pick(index=1))
    put(inbox, "again", key("D minor"), When(kind="frame", frame=0))
    assert len(taken(inbox)) == MAX_WAITING


def test_what_waits_at_the_end_is_refused():
    inbox = Inbox()
    put(inbox, "prompt", words("tape choir"))
    put(inbox, "key", key("C major"))
    inbox.give_up("the music has ended")
    assert [(answer.id, answer.what) for answer in inbox.answers()] == [
        ("prompt", "refused"),
        ("key", "refused"),
    ]


# --- the worker -----------------------------------------------------------------------------------


def test_a_prompt_that_cannot_be_embedded_is_refused_with_the_reason():
    def embed(text: str) -> np.ndarray:
        raise PromptError(f"no word of {text!r} is known")

    inbox, done = Inbox(), []
    worker = PromptWorker(inbox, embed, lambda: done.append(True))
    put(inbox, "odd", words("zzz"))
    assert worker.turn()
    assert inbox.answers() == [("odd", "refused", "no word of 'zzz' is known")]
    assert (taken(inbox), done, worker.turn()) == ([], [True], False)


def test_the_worker_embeds_on_its_own_thread_and_ends_when_it_is_told():
    inbox, threads, done = Inbox(), [], threading.Event()

    def embed(text: str) -> np.ndarray:
        threads.append(threading.current_thread().name)
        return STYLE

    worker = PromptWorker(inbox, embed, done.set)
    worker.start()
    put(inbox, "a", words("tape choir"))
    assert done.wait(10)
    worker.stop(5)
    assert (taken(inbox), threads) == (["a"], ["antiphon prompts"])


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_what_killed_the_worker_is_refused_and_a_new_one_works_on():
    inbox, done = Inbox(), threading.Event()

    def embed(text: str) -> np.ndarray:
        if text == "poison":
            raise SystemExit
        return STYLE

    worker = PromptWorker(inbox, embed, done.set)
    put(inbox, "bad", words("poison"))
    put(inbox, "good", words("tape choir", index=2))
    worker.start()
    while worker._thread.is_alive():
        pass
    assert worker.revive() == "the prompt worker died and was started again"
    assert done.wait(10)
    worker.stop(5)
    assert taken(inbox) == ["good"]
    assert [(answer.id, answer.what) for answer in inbox.answers()] == [("bad", "refused")]
    assert worker.revive() == ""

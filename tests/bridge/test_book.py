"""The book tells what is in force, and asked again it restores it."""

import pytest

from bridge.book import Book
from engine import Command


def book_of(*commands: dict[str, object]) -> Book:
    book = Book()
    for command in commands:
        book.enter(Command.from_json(command))
    return book


def test_an_empty_book_is_a_new_session():
    book = Book()
    assert book.commands() == []
    assert [book.weight(index) for index in (1, 2)] == [1.0, 0.0]
    assert (book.prompt(1), book.parameter("temperature")) == ("", 1.0)


def test_the_newest_of_a_slot_is_in_force():
    book = book_of(
        {"kind": "prompt", "index": 1, "text": "house"},
        {"kind": "param", "name": "density", "value": 0.25},
        {"kind": "prompt", "index": 1, "text": "dub"},
    )
    assert book.prompt(1) == "dub"
    assert [found["kind"] for found in book.commands()] == ["param", "prompt"]


def test_a_pick_says_all_weights_and_a_later_weight_says_one():
    book = book_of(
        {"kind": "weight", "index": 2, "weight": 0.5},
        {"kind": "pick", "index": 3},
        {"kind": "weight", "index": 1, "weight": -0.5},
    )
    assert [book.weight(index) for index in (1, 2, 3)] == [-0.5, 0.0, 1.0]
    assert [found["kind"] for found in book.commands()] == ["pick", "weight"]


def test_a_parameter_that_is_not_given_any_more_is_its_default_again():
    book = book_of(
        {"kind": "param", "name": "tempo", "value": 99.0},
        {"kind": "param", "name": "tempo", "value": None},
    )
    assert book.parameter("tempo") is None
    assert book.commands() == []


def test_a_mode_says_its_bars_until_they_are_set_by_hand():
    mode = {"kind": "mode", "mode": "answer", "call_bars": 2}
    bars = {"kind": "param", "name": "call_bars", "value": 8}
    assert book_of(bars, mode).parameter("call_bars") == 2
    assert book_of(mode, bars).parameter("call_bars") == 8
    assert book_of(mode).parameter("response_bars") == 4


@pytest.mark.parametrize(
    "command",
    [
        {"kind": "note_on", "pitch": 60},
        {"kind": "note_off", "pitch": 60},
        {"kind": "freeze", "bars": 4},
        {"kind": "panic"},
    ],
)
def test_what_is_over_is_not_kept(command):
    assert book_of(command).commands() == []

"""However fast asks come, few reach the engine, and the last one always does."""

from bridge.waiting import Waiting, slot_of

NOW, BAR = {"kind": "now"}, {"kind": "bar"}


def prompt(index: int = 1, when: dict[str, object] = NOW) -> tuple[str, ...]:
    return slot_of({"kind": "prompt", "index": index, "text": "house"}, when)


def test_a_lone_ask_goes_at_once():
    waiting = Waiting[int]()
    assert waiting.add(prompt(), 1) is None
    assert list(waiting.due(now=5.0)) == [1]
    assert len(waiting) == 0


def test_of_a_flood_the_newest_gets_through():
    waiting = Waiting[int](per_second=10, burst=2)
    reached, replaced = [], 0
    for number in range(10_000):
        replaced += waiting.add(prompt(), number) is not None
        reached += waiting.due(now=number / 10_000)
    reached += waiting.due(now=1.2)
    assert reached[-1] == 9999
    assert len(reached) <= 2 + 12
    assert len(reached) + replaced == 10_000


def test_slots_do_not_replace_each_other():
    waiting = Waiting[int]()
    for index in range(1, 9):
        assert waiting.add(prompt(index), index) is None
    assert list(waiting.due(now=0.0)) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_a_style_takes_the_place_of_a_prompt():
    waiting = Waiting[int]()
    waiting.add(prompt(2), 1)
    assert waiting.add(slot_of({"kind": "style", "index": 2}, NOW), 2) == 1


def test_now_does_not_replace_what_waits_for_the_bar():
    waiting = Waiting[int]()
    waiting.add(prompt(when=BAR), 1)
    assert waiting.add(prompt(), 2) is None
    assert waiting.add(prompt(when=BAR), 3) == 1


def test_the_newest_of_a_slot_goes_to_the_end_of_the_queue():
    waiting = Waiting[int]()
    for index, number in ((1, 1), (2, 2), (1, 3)):
        waiting.add(prompt(index), number)
    assert list(waiting.due(now=0.0)) == [2, 3]


def test_a_panic_never_waits():
    waiting = Waiting[str](per_second=0.001, burst=1)
    waiting.add(prompt(), "first")
    assert list(waiting.due(now=0.0)) == ["first"]
    waiting.add(prompt(), "second")
    waiting.add(slot_of({"kind": "panic"}, NOW), "panic")
    assert list(waiting.due(now=0.0)) == ["panic"]


def test_what_waits_is_bounded():
    waiting = Waiting[int](capacity=3)
    frames = [prompt(when={"kind": "frame", "frame": number}) for number in range(5)]
    given_up = [waiting.add(slot, number) for number, slot in enumerate(frames)]
    assert given_up == [None, None, None, 0, 1]


def test_what_no_engine_takes_has_a_small_slot_too():
    slot = slot_of({"kind": ["x"] * 999, "index": "y" * 999}, {"kind": {"z": 1}})
    assert all(len(part) <= 32 for part in slot)


def test_a_clock_that_goes_back_gives_nothing_away():
    waiting = Waiting[int](per_second=1, burst=1)
    waiting.add(prompt(), 1)
    assert list(waiting.due(now=100.0)) == [1]
    waiting.add(prompt(), 2)
    assert list(waiting.due(now=1.0)) == []
    assert list(waiting.due(now=2.0)) == [2]

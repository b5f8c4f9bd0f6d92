"""Passages: when a sample left for the host."""

from engine.loop.passages import KEPT, Passages


def test_a_sample_leaves_with_the_block_that_holds_it():
    passages = Passages()
    for block in range(5):
        passages.note(100 * (block + 1), 10.0 + block)
    assert [passages.when(sample) for sample in (0, 99, 100, 499)] == [10.0, 10.0, 11.0, 14.0]
    assert passages.when(500) is None


def test_empty_blocks_carry_nothing():
    passages = Passages()
    for end, second in ((100, 1.0), (100, 2.0), (200, 3.0)):
        passages.note(end, second)
    assert passages.when(100) == 3.0


def test_what_is_long_ago_is_forgotten():
    passages = Passages()
    for block in range(3 * KEPT):
        passages.note(block + 1, float(block))
    assert passages.when(10) is None
    assert passages.when(3 * KEPT - 5) == 3 * KEPT - 5

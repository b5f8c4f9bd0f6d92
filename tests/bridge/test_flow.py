"""Credit bounds what waits for a slow client, and every sample keeps its place."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.flow import Flow, Intake

RATE = 48_000


def test_nothing_is_sent_without_credit():
    assert Flow(RATE).room == 0


def test_credit_is_room_until_it_is_used():
    flow = Flow(RATE, sent=100)
    flow.grant(needed=100, credit=600)
    assert (flow.room, flow.late) == (500, 0)
    flow.sent += 500
    assert flow.room == 0


def test_old_news_takes_nothing_back():
    flow = Flow(RATE)
    flow.grant(needed=300, credit=900)
    flow.grant(needed=100, credit=500)
    assert (flow.needed, flow.credit) == (300, 900)


def test_what_the_client_has_gone_past_is_late():
    flow = Flow(RATE, sent=1000)
    flow.grant(needed=1480, credit=2000)
    assert flow.late == 480
    assert not flow.is_far_behind


def test_a_client_that_is_a_minute_on_is_far_away():
    flow = Flow(RATE)
    flow.grant(needed=60 * RATE, credit=60 * RATE)
    assert flow.is_far_behind


@given(st.lists(st.tuples(st.integers(0, 2**62), st.integers(0, 2**62), st.integers(0, 5000))))
def test_no_credit_lets_more_than_two_seconds_wait(told):
    """Whatever a client says, it is never sent more than two seconds beyond where it stands."""
    flow = Flow(RATE)
    for needed, credit, sent in told:
        flow.grant(needed, credit)
        flow.sent += flow.late
        assert 0 <= flow.room <= 2 * RATE
        flow.sent += min(sent, flow.room)


def test_a_client_that_had_all_it_wanted_is_urgent_when_half_of_it_is_gone():
    flow = Flow(RATE)
    flow.grant(0, 1000)
    assert not flow.is_urgent  # it has only begun to ask
    flow.sent = 1000
    flow.grant(400, 1400)
    assert not flow.is_urgent
    flow.grant(600, 1600)
    assert flow.is_urgent
    flow.grant(600, 1600, is_waited_for=True)
    assert not flow.is_urgent


def test_what_a_client_holds_counts_once_it_had_all_it_wanted():
    flow = Flow(RATE)
    flow.grant(0, 1000)
    flow.sent = 600
    assert flow.cushion == (0, 0)  # it is being filled, and does not run dry
    flow.sent = 1000
    flow.grant(700, 1700)
    assert flow.cushion == (300, 1000)
    flow.grant(1200, 2200)
    assert flow.cushion == (0, 1000)


def test_input_in_order_is_taken_as_it_is():
    intake = Intake()
    assert intake.take(500, 500, 100, end=9999) == (0, 0)
    assert (intake.lost, intake.late) == (0, 0)


def test_a_hole_in_the_input_is_silence_and_counted():
    intake = Intake()
    assert intake.take(0, 64, 64, end=9999) == (64, 0)
    assert intake.lost == 64


def test_input_that_comes_twice_is_dropped_and_counted():
    intake = Intake()
    assert intake.take(100, 50, 100, end=9999) == (0, 50)
    assert intake.take(150, 0, 100, end=9999) == (0, 100)
    assert intake.late == 150


def test_input_from_the_future_is_not_taken():
    intake = Intake()
    assert intake.take(0, 9990, 64, end=9999) == (0, 64)
    assert intake.lost == 64


def test_input_that_never_comes_is_given_up():
    intake = Intake()
    assert intake.give_up(fed=100, place=350) == 250
    assert intake.give_up(fed=350, place=300) == 0
    assert intake.lost == 250


@given(st.lists(st.tuples(st.integers(-(2**62), 2**62), st.integers(0, 16_384))))
def test_no_input_makes_a_long_silence(blocks):
    intake, fed = Intake(), 0
    for place, count in blocks:
        taken = intake.take(fed, place, count, end=100_000)
        assert 0 <= taken.silence <= 100_000
        assert 0 <= taken.drop <= count
        fed += taken.silence + count - taken.drop
        assert fed <= 100_000

"""Lines are delivered when the scheduler has stored them, and one message of a run is on its way at a time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.window import ANSWER_S, ASK_AGAIN_S, ASK_SOON_S, FOREIGN_AGAIN_S, Window
from chain.wire import Ack


def test_sending_begins_after_what_the_scheduler_has() -> None:
    window = Window({"a/1": 7})
    assert window.stored("a/1") == 7
    assert window.stored("b/1") == -1


def test_what_was_sent_is_not_yet_delivered() -> None:
    window = Window({})
    window.sent("a/1", 0.0)
    assert window.stored("a/1") == -1
    assert not window.may_send("a/1", 1.0)
    assert window.may_send("b/1", 1.0)
    window.take(Ack(cursors={"a/1": 4}), 1.0)
    assert window.stored("a/1") == 4
    assert window.may_send("a/1", 1.0)


def test_a_run_whose_claim_is_not_known_yet_is_tried_again_later() -> None:
    window = Window({})
    window.sent("a/1", 0.0)
    window.take(Ack(later=["a/1"]), 1.0)
    assert not window.may_send("a/1", 1.0)
    assert window.next_try(1.0) == 1.0 + ASK_SOON_S
    assert window.may_send("a/1", 1.0 + ASK_SOON_S)
    for _ in range(20):
        window.take(Ack(later=["a/1"]), 2.0)
    assert window.next_try(2.0) == 2.0 + ASK_AGAIN_S
    window.sent("a/1", 5.0)
    window.take(Ack(cursors={"a/1": 0}), 5.0)
    assert window.next_try(5.0) == float("inf")


def test_what_was_put_off_goes_out_when_the_scheduler_has_seen_the_chain_touch_its_job() -> None:
    window = Window({})
    for run in ("a/1", "b/1"):
        window.sent(run, 0.0)
    window.take(Ack(later=["a/1", "b/1"]), 1.0)
    window.wake("a")
    assert window.may_send("a/1", 1.0)
    assert not window.may_send("b/1", 1.0)


def test_a_run_that_is_anothers_is_let_be_until_a_reorganisation_may_have_given_it_back() -> None:
    window = Window({})
    window.sent("a/1", 0.0)
    window.take(Ack(foreign=["a/1"]), 1.0)
    assert not window.may_send("a/1", FOREIGN_AGAIN_S)
    assert window.is_foreign("a/1")
    assert not window.lost(1000.0)
    assert window.may_send("a/1", 1.0 + FOREIGN_AGAIN_S)
    window.sent("a/1", 20.0)
    window.take(Ack(cursors={"a/1": 3}), 21.0)
    assert not window.is_foreign("a/1")
    assert window.stored("a/1") == 3


def test_an_answer_that_never_comes_is_noticed() -> None:
    window = Window({})
    window.sent("a/1", 0.0)
    assert not window.lost(ANSWER_S)
    assert window.lost(ANSWER_S + 1)


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 5), st.integers(0, 5)), max_size=60))
def test_whatever_is_taken_or_lost_no_line_is_skipped(
    steps: list[tuple[bool, int, int]],
) -> None:
    """The scheduler stores some of each message, or the connection breaks and a new one begins at its cursor."""
    there: list[int] = []
    window = Window({})
    for breaks, size, taken in steps:
        first = window.stored("a/1") + 1
        sent = list(range(first, first + size))
        there += [seq for seq in sent[:taken] if seq == len(there)]
        if breaks:
            window = Window({"a/1": len(there) - 1})
        else:
            window.sent("a/1", 0.0)
            window.take(Ack(cursors={"a/1": len(there) - 1}), 0.0)
    assert there == list(range(len(there)))
    assert window.stored("a/1") == len(there) - 1

"""Lines are delivered when the scheduler has stored them, and are sent again from where it has none."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.link.window import (
    ANSWER_S,
    ASK_AGAIN_S,
    ASK_SOON_S,
    FLYING_MOST,
    FOREIGN_AGAIN_S,
    Window,
)
from chain.wire import Ack


def test_sending_begins_after_what_the_scheduler_has() -> None:
    window = Window({"a/1": 7})
    assert window.stored("a/1") == 7
    assert window.stored("b/1") == -1


def test_what_was_sent_is_not_yet_delivered() -> None:
    window = Window({})
    window.sent("a/1", 4, 0.0)
    assert window.stored("a/1") == -1
    assert window.reached("a/1") == 4
    assert window.is_flying("a/1")
    window.take(Ack(cursors={"a/1": 4}), 1.0)
    assert window.stored("a/1") == window.reached("a/1") == 4
    assert not window.is_flying("a/1")


def test_so_many_messages_of_a_run_are_on_their_way_and_no_more() -> None:
    window = Window({})
    for number in range(FLYING_MOST):
        assert window.may_send("a/1", 1.0)
        window.sent("a/1", number, 1.0)
    assert not window.may_send("a/1", 1.0)
    assert window.may_send("b/1", 1.0)
    window.take(Ack(cursors={"a/1": 1}), 1.0)
    assert window.may_send("a/1", 1.0)
    assert window.reached("a/1") == FLYING_MOST - 1


def test_what_was_sent_after_a_gap_is_sent_again() -> None:
    window = Window({})
    window.sent("a/1", 4, 0.0)
    window.sent("a/1", 9, 0.0)
    window.take(
        Ack(later=["a/1"]), 1.0
    )  # the first was not taken, and the second came when the claim was known
    window.take(Ack(cursors={"a/1": -1}), 1.0)
    assert window.reached("a/1") == -1
    assert window.may_send("a/1", 1.0)
    window.sent("a/1", 9, 2.0)
    window.sent("a/1", 14, 2.0)
    window.take(Ack(cursors={"a/1": 9}), 3.0)
    window.take(Ack(cursors={"a/1": 9}), 3.0)
    assert window.reached("a/1") == 14
    assert window.is_flying("a/1")


def test_a_run_whose_claim_is_not_known_yet_is_tried_again_later() -> None:
    window = Window({})
    window.sent("a/1", 4, 0.0)
    window.take(Ack(later=["a/1"]), 1.0)
    assert not window.may_send("a/1", 1.0)
    assert window.next_try(1.0) == 1.0 + ASK_SOON_S
    assert window.may_send("a/1", 1.0 + ASK_SOON_S)
    for _ in range(20):
        window.take(Ack(later=["a/1"]), 2.0)
    assert window.next_try(2.0) == 2.0 + ASK_AGAIN_S
    window.sent("a/1", 0, 5.0)
    window.take(Ack(cursors={"a/1": 0}), 5.0)
    assert window.next_try(5.0) == float("inf")


def test_what_was_put_off_goes_out_when_the_scheduler_has_seen_the_chain_touch_its_job() -> None:
    window = Window({})
    for run in ("a/1", "b/1"):
        window.sent(run, 4, 0.0)
    window.take(Ack(later=["a/1", "b/1"]), 1.0)
    window.wake("a")
    assert window.may_send("a/1", 1.0)
    assert not window.may_send("b/1", 1.0)


def test_a_run_that_is_anothers_is_let_be_until_a_reorganisation_may_have_given_it_back() -> None:
    window = Window({})
    window.sent("a/1", 4, 0.0)
    window.take(Ack(foreign=["a/1"]), 1.0)
    assert not window.may_send("a/1", FOREIGN_AGAIN_S)
    assert window.is_foreign("a/1")
    assert not window.lost(1000.0)
    assert window.may_send("a/1", 1.0 + FOREIGN_AGAIN_S)
    window.sent("a/1", 3, 20.0)
    window.take(Ack(cursors={"a/1": 3}), 21.0)
    assert not window.is_foreign("a/1")
    assert window.stored("a/1") == 3


def test_an_answer_that_never_comes_is_noticed() -> None:
    window = Window({})
    window.sent("a/1", 4, 0.0)
    assert not window.lost(ANSWER_S)
    assert window.lost(ANSWER_S + 1)


Step = tuple[str, int, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["send", "arrive", "breaks", "unknown"]),
        st.integers(1, 5),
        st.integers(1, 3),
    ),
    max_size=60,
)


@given(STEPS)
def test_whatever_is_taken_or_lost_no_line_is_skipped(steps: list[Step]) -> None:
    """The scheduler takes messages in order, some together, nothing from behind a gap, and now and then knows no
    claim; or the connection breaks and a new one begins at its cursor."""
    there: list[int] = []
    window, flying = Window({}), list[list[int]]()
    for what, size, together in steps:
        if what == "breaks":
            window, flying = Window({"a/1": len(there) - 1}), []
        elif what == "send" and window.may_send("a/1", 0.0):
            first = window.reached("a/1") + 1
            flying.append(list(range(first, first + size)))
            window.sent("a/1", first + size - 1, 0.0)
        elif what == "unknown" and flying:
            flying.pop(0)
            window.take(Ack(later=["a/1"]), -ASK_AGAIN_S)
        elif what == "arrive" and flying:
            for message in flying[:together]:
                there += (
                    [seq for seq in message if seq >= len(there)]
                    if message[0] <= len(there)
                    else []
                )
            del flying[:together]
            window.take(Ack(cursors={"a/1": len(there) - 1}), 0.0)
    assert there == list(range(len(there)))
    assert window.stored("a/1") <= len(there) - 1
    for (
        message
    ) in flying:  # what is still on its way arrives, and then everything that is asked for
        there += [seq for seq in message if seq >= len(there)] if message[0] <= len(there) else []
        window.take(Ack(cursors={"a/1": len(there) - 1}), 0.0)
    assert window.reached("a/1") == window.stored("a/1") == len(there) - 1

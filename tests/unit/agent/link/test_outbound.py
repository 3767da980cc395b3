"""Agents come back soon, to each scheduler in turn, and not all at once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.link.outbound import FIRST_PAUSE_S, LONGEST_PAUSE_S, pause_s


def test_every_scheduler_is_tried_soon_before_any_is_tried_again() -> None:
    assert [pause_s(n, 3, 0, 0.5) for n in (1, 2, 3)] == [FIRST_PAUSE_S] * 3
    assert pause_s(4, 3, 0, 0.5) == 2 * FIRST_PAUSE_S


@given(st.integers(1, 10**6), st.integers(1, 5), st.floats(0, 1))
def test_a_pause_is_never_long_and_never_nothing(failures: int, copies: int, chance: float) -> None:
    pause = pause_s(failures, copies, 0, chance)
    assert FIRST_PAUSE_S / 2 <= pause <= 1.5 * LONGEST_PAUSE_S


def test_agents_that_were_lost_together_come_back_apart() -> None:
    assert pause_s(1, 1, 0, 0.0) < pause_s(1, 1, 0, 1.0)


def test_a_scheduler_that_asks_for_patience_gets_it() -> None:
    assert pause_s(1, 1, 60, 0.5) == 60

"""Every token that was earned is pending, waiting to be withdrawn, or withdrawn: once."""

from __future__ import annotations

from agent.pay.earnings import Earnings, earnings_of
from agent.runs.look import Seen
from chain.job import Rates, RunState
from tests.unit.agent.builders import on_chain


def seen(run: RunState, earned: int, final: int, released: int) -> Seen:
    chain = on_chain(run=run, earned=earned, final=final, released=released)
    return Seen(chain, Rates(0, 0, 0, 0), 10**6, 0)


def test_nothing_is_nothing() -> None:
    assert earnings_of(0, [None], 0) == Earnings(0, 0, 0, 0)


def test_runs_that_are_not_settled_count_on_top_of_those_that_are() -> None:
    live = seen(RunState.LIVE, earned=100, final=60, released=20)
    settled = seen(RunState.SETTLED, earned=50, final=50, released=50)  # in the chain's sum already
    found = earnings_of(250, [live, settled], 5)
    assert found == Earnings(earned=350, pending=40, withdrawable=45, withdrawn=265)
    assert found.pending + found.withdrawable + found.withdrawn == found.earned

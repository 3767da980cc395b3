"""The laws of a job's money, for any numbers; that they are the contract's too is tests/integration's business."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.job import (
    MAX_AMOUNT,
    MAX_RATE,
    ZERO_ADDRESS,
    Job,
    JobState,
    Rates,
    Resources,
    Run,
    Usage,
    cost,
    earned,
    final_earned,
    max_cost,
    state_of,
    usage_cap,
)

U32, U64 = st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)
RATE = st.integers(0, MAX_RATE)
RATES = st.builds(Rates, RATE, RATE, RATE, RATE)
USAGE = st.builds(Usage, U64, U64, U64, U64)
RESOURCES = st.builds(Resources, U32, U32, U32)
RUN = Run(
    provider=ZERO_ADDRESS,
    started_at=0,
    reported_at=0,
    rate_card=1,
    settled=False,
    usage=Usage(),
    earned_before=0,
    earned_previous=0,
    withdrawn=0,
    frozen=False,
    ruled=False,
)
JOB = Job(100, Resources(1, 1), deadline=1000, duration=600, attempt=1, state=JobState.OPEN)


@given(USAGE, RATES)
def test_each_metric_is_paid_for_by_itself(usage: Usage, rates: Rates) -> None:
    alone = [
        replace(Usage(), **{name: getattr(usage, name)})
        for name in ("cpu_ms", "memory_mib_s", "egress_kib", "wall_s")
    ]
    assert cost(usage, rates) == sum(cost(part, rates) for part in alone)


@given(RESOURCES, RATES, st.integers(0, 10**6), st.integers(0, 10**6))
def test_more_time_never_costs_less_and_the_cap_is_the_most(
    resources: Resources, rates: Rates, seconds: int, more: int
) -> None:
    assert max_cost(resources, rates, seconds + more) >= max_cost(resources, rates, seconds)
    assert max_cost(resources, rates, seconds) == cost(usage_cap(resources, seconds), rates)
    assert usage_cap(resources, seconds).wall_s == seconds


@given(USAGE, RATES, st.integers(0, MAX_AMOUNT))
def test_nobody_earns_more_than_the_deposit(usage: Usage, rates: Rates, deposit: int) -> None:
    assert earned(replace(RUN, usage=usage), rates, deposit) <= deposit


def test_a_ruling_is_what_was_earned_and_all_of_it_is_final() -> None:
    ruled = replace(RUN, usage=Usage(wall_s=100), earned_previous=7, ruled=True)
    assert earned(ruled, Rates(0, 0, 0, 1), MAX_AMOUNT) == 7
    assert final_earned(ruled, 7, 10, 0) == 7


def test_what_is_frozen_stays_as_it_was_whatever_time_passes() -> None:
    frozen = replace(RUN, earned_before=3, earned_previous=5, frozen=True)
    assert {final_earned(frozen, 9, 10, now) for now in (0, 10, 10**9)} == {3}


@dataclass
class Reported:
    """A run that reports as the contract books it, with every report remembered."""

    window: int
    run: Run = RUN
    total: int = 0
    told: tuple[tuple[int, int], ...] = ()  # (time, earned in all)

    def report(self, now: int, more: int) -> None:
        epochs = now // self.window - self.run.reported_at // self.window
        before, previous = self.run.earned_before, self.run.earned_previous
        if epochs == 1:
            before, previous = previous, self.total
        elif epochs >= 2:
            before = previous = self.total
        self.run = replace(
            self.run, reported_at=now, earned_before=before, earned_previous=previous
        )
        self.total += more
        self.told += ((now, self.total),)


STEPS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 100)), min_size=1, max_size=30)


@given(st.integers(1, 20), STEPS, st.integers(0, 60))
def test_every_amount_is_final_between_one_window_and_two_after_it_was_reported(
    window: int, steps: list[tuple[int, int]], wait: int
) -> None:
    reported, now = Reported(window), 0
    for pause, more in steps:
        now += pause
        reported.report(now, more)
    now += wait
    final = final_earned(reported.run, reported.total, window, now)
    due = max((total for at, total in reported.told if at + 2 * window <= now), default=0)
    allowed = max((total for at, total in reported.told if at + window <= now), default=0)
    assert due <= final <= allowed


@given(st.integers(1, 20), STEPS, st.integers(0, 60), st.integers(0, 60))
def test_what_is_final_never_becomes_less(
    window: int, steps: list[tuple[int, int]], wait: int, more: int
) -> None:
    reported, now, seen = Reported(window), 0, 0
    for pause, amount in steps:
        now += pause
        reported.report(now, amount)
        final = final_earned(reported.run, reported.total, window, now)
        assert final >= seen
        seen = final
    early = final_earned(reported.run, reported.total, window, now + wait)
    assert seen <= early <= final_earned(reported.run, reported.total, window, now + wait + more)


@pytest.mark.parametrize(
    ("stored", "earned_now", "now", "derived"),
    [
        (JobState.OPEN, 0, 1000, JobState.OPEN),
        (JobState.OPEN, 0, 1001, JobState.ENDED),
        (JobState.RUNNING, 99, 999, JobState.RUNNING),
        (JobState.RUNNING, 99, 1000, JobState.ENDED),
        (JobState.RUNNING, 100, 0, JobState.ENDED),
        (JobState.ENDED, 0, 0, JobState.ENDED),
        (JobState.DISPUTED, 100, 2000, JobState.DISPUTED),
        (JobState.CLOSED, 0, 2000, JobState.CLOSED),
        (JobState.ABSENT, 100, 2000, JobState.ABSENT),
    ],
)
def test_time_and_money_alone_end_what_is_open_or_running(
    stored: JobState, earned_now: int, now: int, derived: JobState
) -> None:
    assert state_of(replace(JOB, state=stored), earned_now, now) is derived


@given(RATES, RATES)
def test_rates_within_a_limit_never_cost_more_than_it(rates: Rates, limit: Rates) -> None:
    usage = Usage(3, 5, 7, 11)
    assert rates.within(rates)
    assert not rates.within(limit) or cost(usage, rates) <= cost(usage, limit)

"""The laws of a job's money, for any numbers; that they are the contract's too is tests/integration's business."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.job import (
    MAX_AMOUNT,
    MAX_RATE,
    MAX_RESERVE,
    Job,
    JobState,
    Parameters,
    Rates,
    Resources,
    Run,
    RunState,
    Usage,
    cost,
    earned,
    final_earned,
    max_cost,
    seconds_to_cover,
    state_of,
    usage_cap,
)

U24, U64 = st.integers(0, MAX_RESERVE), st.integers(0, 2**64 - 1)
RATE = st.integers(0, MAX_RATE)
RATES = st.builds(Rates, RATE, RATE, RATE, RATE)
USAGE = st.builds(Usage, U64, U64, U64, U64)
RESOURCES = st.builds(Resources, U24, U24, U24)
RUN = Run(earned=0, previous=0, released=0, reported_at=0, state=RunState.LIVE)
JOB = Job(
    deposit=100,
    resources=Resources(1, 1),
    deadline=1000,
    duration=600,
    rate_card=1,
    attempt=1,
    state=JobState.OPEN,
    settled=False,
)
RULES = Parameters(
    window=60,
    lapse_after=120,
    settle_grace=30,
    bond_per_unit=1,
    dispute_bond=1,
    ruling_time=600,
    unbond_time=800,
    lapses_per_slash=3,
)
CLOSES = 1140  # the epoch of the last second of grace, 1030, begins at 1020; two windows later


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
    assert earned(usage, rates, deposit) <= deposit


def test_all_that_is_left_after_a_ruling_is_final() -> None:
    ruled = replace(RUN, earned=7, previous=3, state=RunState.RULED)
    assert {final_earned(ruled, 10, now) for now in (0, 10, 10**9)} == {7}


def test_what_is_frozen_stays_as_it_was_whatever_time_passes() -> None:
    frozen = replace(RUN, earned=9, previous=3, state=RunState.FROZEN)
    assert {final_earned(frozen, 10, now) for now in (0, 10, 10**9)} == {3}


@dataclass
class Reported:
    """A run that reports as the contract books it, with every report remembered."""

    window: int
    run: Run = RUN
    told: tuple[tuple[int, int], ...] = ()  # (time, earned in all)

    def report(self, now: int, more: int) -> None:
        run = self.run
        if now // self.window != run.reported_at // self.window:
            final = final_earned(run, self.window, now)
            run = replace(run, previous=run.earned, released=final)
        self.run = replace(run, reported_at=now, earned=run.earned + more)
        self.told += ((now, self.run.earned),)


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
    final = final_earned(reported.run, window, now)
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
        final = final_earned(reported.run, window, now)
        assert final >= seen
        seen = final
    early = final_earned(reported.run, window, now + wait)
    assert seen <= early <= final_earned(reported.run, window, now + wait + more)


@pytest.mark.parametrize(
    ("job", "now", "derived"),
    [
        (JOB, 1000, JobState.OPEN),
        (JOB, 1001, JobState.ENDED),
        (replace(JOB, state=JobState.RUNNING), 999, JobState.RUNNING),
        (replace(JOB, state=JobState.RUNNING), 1000, JobState.ENDED),
        (replace(JOB, state=JobState.ENDED), 10**6, JobState.ENDED),
        (replace(JOB, state=JobState.ENDED, settled=True), 10**6, JobState.ENDED),
        (replace(JOB, state=JobState.ENDED, deposit=0), 10**6, JobState.ENDED),
        (replace(JOB, state=JobState.ENDED, deposit=0, settled=True), CLOSES - 1, JobState.ENDED),
        (replace(JOB, state=JobState.ENDED, deposit=0, settled=True), CLOSES, JobState.CLOSED),
        (replace(JOB, state=JobState.DISPUTED), 10**6, JobState.DISPUTED),
        (replace(JOB, state=JobState.CLOSED), 2000, JobState.CLOSED),
        (replace(JOB, state=JobState.ABSENT), 2000, JobState.ABSENT),
    ],
)
def test_time_alone_ends_what_waits_or_runs_and_closes_what_is_settled_and_paid(
    job: Job, now: int, derived: JobState
) -> None:
    assert state_of(job, now, RULES) is derived


@given(RESOURCES, USAGE)
def test_after_the_seconds_that_cover_it_no_usage_is_capped(
    resources: Resources, usage: Usage
) -> None:
    covered = usage_cap(resources, seconds_to_cover(resources, usage))
    for name in ("cpu_ms", "memory_mib_s", "egress_kib"):
        if getattr(usage_cap(resources, 1), name):
            assert getattr(usage, name) <= getattr(covered, name)


@given(RATES, RATES)
def test_rates_within_a_limit_never_cost_more_than_it(rates: Rates, limit: Rates) -> None:
    usage = Usage(3, 5, 7, 11)
    assert rates.within(rates)
    assert not rates.within(limit) or cost(usage, rates) <= cost(usage, limit)

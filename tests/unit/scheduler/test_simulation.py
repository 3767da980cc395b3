"""Whatever fails, and whenever: every job ends, no job runs twice at once, and nothing but the rules ends one."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from chain.job import JobState
from scheduler.rows.facts import JobFacts
from tests.unit.scheduler.builders import ESCROW
from tests.unit.scheduler.market_model import Model

SEEDS = range(60)
STEPS = 20_000  # at most; each is a second
JOBS, MACHINES = 6, 3


def simulated(seed: int) -> Model:
    model = Model(Random(seed))
    model.open_market(JOBS, MACHINES)
    for _ in range(STEPS):
        model.step()
        for job_id in model.jobs:
            assert model.live(job_id) <= 1, f"seed {seed}: {job_id[-2:]} runs twice at {model.now}"
        if model.is_over:
            return model
    raise AssertionError(f"seed {seed}: {[job for job in model.jobs.values() if job.deposit]}")


def how_it_ended(job: JobFacts) -> str:
    if job.ended_why:
        return job.ended_why
    run = job.current
    if run is None:
        return "unclaimed"
    return "done" if run.exit_code == 0 else "cut short"


@pytest.mark.parametrize("seed", SEEDS)
def test_every_job_ends_and_none_runs_twice(seed: int) -> None:
    model = simulated(seed)
    assert all(job.deposit == 0 for job in model.jobs.values())


def test_the_simulation_meets_every_way_to_end() -> None:
    """A model in which nothing ever went wrong would prove nothing."""
    ends: Counter[str] = Counter()
    acts: Counter[str] = Counter()
    seconds = 0
    for seed in SEEDS:
        model = simulated(seed)
        ends.update(how_it_ended(job) for job in model.jobs.values())
        acts.update(act.split()[0] for act in model.acts)
        seconds += model.now - min(job.posted_at for job in model.jobs.values())
        for job in model.jobs.values():
            assert job.state_at(model.now, ESCROW) in (JobState.ENDED, JobState.CLOSED)
    assert set(ends) == {"done", "cut short", "unclaimed", "declined"}
    assert min(acts["Lapse"], acts["Refund"], acts["Decline"]) > 10
    assert seconds > 10_000

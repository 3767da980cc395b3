"""The hand's plan comes from its seed alone, and asks for as much as it was told to."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from tests.chaos.plan import MAX_DEPTH, REORG_APART_S, make_plan

SEEDS = range(12)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_same_seed_gives_the_same_plan(seed: int) -> None:
    assert make_plan(seed, 60, 40, 5, 2) == make_plan(seed, 60, 40, 5, 2)
    assert make_plan(seed, 60, 40, 5, 2) != make_plan(seed + 1, 60, 40, 5, 2)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("schedulers", [1, 2])
def test_all_that_was_asked_for_is_in_it_and_five_of_each_kind_of_kill(
    seed: int, schedulers: int
) -> None:
    plan = make_plan(seed, 60, 40, 5, schedulers)
    kinds = Counter(strike.counts_as for strike in plan.strikes if strike.counts_as)
    assert kinds.total() == 40
    assert set(kinds) == {"scheduler", "agent", "ipfs", "chain"}
    assert min(kinds.values()) >= 5
    assert len(plan.jobs) == 60
    assert {job.kind for job in plan.jobs} >= {"broken", "homeless", "service", "cancelled"}
    targets = {strike.target for strike in plan.strikes}
    assert {f"scheduler-{number + 1}" for number in range(schedulers)} <= targets


@pytest.mark.parametrize("seed", SEEDS)
def test_reorganisations_are_of_every_depth_and_do_not_add_up(seed: int) -> None:
    reorgs = [one for one in make_plan(seed, 60, 40, 5, 1).strikes if one.kind == "reorg"]
    assert {one.depth for one in reorgs} == set(range(1, MAX_DEPTH + 1))
    assert all(later.at_s - earlier.at_s >= REORG_APART_S for earlier, later in pairwise(reorgs))


@pytest.mark.parametrize("jobs", [1, 6, 60, 100])
def test_small_storms_have_as_many_jobs_as_asked_for_too(jobs: int) -> None:
    assert len(make_plan(3, jobs, 4, 1, 1).jobs) == jobs

"""A suspicion goes to court while there is something to freeze, and a watched job is looked at again and again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chain.job import JobState
from scheduler.decide.reconcile import Dispute, Lapse, Seen, Suspicion, Wait, decide
from tests.unit.scheduler.builders import AGENT, NOW, RULES, a_job, a_running_job

SUSPICION = Suspicion(1, AGENT, "its own meter showed less", NOW + 10)
SUSPECTED = Seen(synced=True, suspicion=SUSPICION)


@pytest.mark.parametrize("state", [JobState.RUNNING, JobState.ENDED])
def test_reports_that_do_not_fit_are_disputed_while_they_are_not_final(state: JobState) -> None:
    job = a_running_job(state=state)
    step = decide(job, SUSPECTED, RULES, NOW)
    assert step == Dispute(job.job_id, 1, AGENT, "its own meter showed less")
    assert not isinstance(decide(job, SUSPECTED, RULES, NOW + 10), Dispute)


def test_a_lapsed_attempts_reports_are_disputed_while_the_next_waits_to_be_placed() -> None:
    assert isinstance(decide(a_job(attempt=2), SUSPECTED, RULES, NOW), Dispute)


def test_nobody_is_disputed_by_a_scheduler_that_has_not_read_the_chain_to_its_end() -> None:
    assert isinstance(decide(a_running_job(), replace(SUSPECTED, synced=False), RULES, NOW), Wait)


def test_a_watched_job_is_looked_at_again_in_time_and_its_other_acts_wait_for_nothing() -> None:
    watched = Seen(synced=True, watch_at=NOW + 15)
    step = decide(a_running_job(), watched, RULES, NOW)
    assert isinstance(step, Wait)
    assert step.until == NOW + 15
    assert isinstance(decide(a_running_job(NOW - 63), watched, RULES, NOW), Lapse)

"""A job's events as facts: one pure fold, so that rows can be rebuilt from an empty database.

It mirrors what `DRaaSEscrow` stores, step by step. States that time alone brings, `Closed` among them, are not here:
`JobFacts.state_at` adds them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chain import events as ev
from chain.job import JobState
from scheduler.rows.facts import JobFacts, RunFacts

ALARM = "events do not fit each other; this job is left alone"
TRANSITIONS: dict[type, frozenset[JobState]] = {
    ev.JobToppedUp: frozenset({JobState.OPEN, JobState.RUNNING}),
    ev.JobClaimed: frozenset({JobState.OPEN}),
    ev.JobCompleted: frozenset({JobState.RUNNING, JobState.ENDED}),
    ev.JobCancelled: frozenset({JobState.OPEN, JobState.RUNNING}),
    ev.JobDeclined: frozenset({JobState.OPEN}),
    ev.JobLapsed: frozenset({JobState.RUNNING}),
    ev.JobSettled: frozenset({JobState.RUNNING, JobState.ENDED}),
}
LAST_ATTEMPT = 255


def fold(facts: JobFacts | None, event: ev.Event) -> JobFacts | None:
    """The facts after one more event of the same job; an impossible step raises the alarm on that job only."""
    if isinstance(event, ev.JobPosted):
        return _posted(event)
    if facts is None or facts.alarm:
        return facts
    allowed = TRANSITIONS.get(type(event))
    if (allowed is not None and facts.state not in allowed) or not _fits(facts, event):
        return replace(facts, alarm=f"{type(event).__name__} in state {facts.state.name}: {ALARM}")
    return _step(facts, event)


def _fits(facts: JobFacts, event: ev.Event) -> bool:  # noqa: PLR0911 - one case an event
    """Whether an event's own figures are those that all events before it lead to: where they are not, one was lost."""
    run = facts.run(event.attempt) if hasattr(event, "attempt") else None
    match event:
        case ev.UsageReported() | ev.JobCompleted():
            return run is not None and run.earned <= getattr(event, "earned", run.earned)
        case ev.JobLapsed() | ev.JobSettled():
            return run is not None and run.earned == event.earned
        case ev.JobClaimed():
            return event.attempt == facts.attempt
        case ev.Withdrawn() | ev.Released():
            return run is not None and run.released + event.amount <= run.earned
        case ev.JobDisputed():
            return run is not None
        case ev.DisputeRuled():
            return run is not None and run.dispute_id == str(event.dispute_id)
        case ev.Refunded(amount=amount):
            return amount == facts.deposit
        case ev.JobCancelled(refunded=refunded):
            return refunded == (facts.deposit if facts.state is JobState.OPEN else 0)
        case _:
            return True


def _posted(event: ev.JobPosted) -> JobFacts:
    return JobFacts(
        job_id=event.job_id,
        terms=event.terms,
        posted_at=event.at.timestamp,
        posted_block=event.at.block_number,
        posted_index=event.at.log_index,
        claim_by=event.claim_by,
        deposited=event.deposit,
        deposit=event.deposit,
        deadline=event.claim_by,
        duration=event.terms.duration,
    )


def _step(facts: JobFacts, event: ev.Event) -> JobFacts:  # noqa: C901, PLR0911, PLR0912 - one case an event
    match event:
        case ev.JobToppedUp(amount=amount):
            return replace(
                facts, deposit=facts.deposit + amount, deposited=facts.deposited + amount
            )
        case ev.JobClaimed():
            return _claimed(facts, event)
        case ev.UsageReported():
            return _reported(facts, event)
        case ev.JobCompleted():
            return _completed(facts, event)
        case ev.JobCancelled(refunded=refunded):
            why = "cancelled by the consumer"
            if facts.state is JobState.OPEN:
                return _emptied(replace(facts, ended_why=why), refunded)
            return _ended(replace(facts, ended_why=why), event.at.timestamp)
        case ev.JobDeclined(reason=reason):
            return replace(facts, ended_why=reason)  # `Refunded` follows
        case ev.JobLapsed():
            return _lapsed(facts, event)
        case ev.JobSettled():
            return _settled(facts, event.at.timestamp)
        case ev.Refunded(amount=amount):
            return _emptied(facts, amount)
        case ev.Withdrawn() | ev.Released():
            return _released(facts, event.attempt, event.amount)
        case ev.JobDisputed():
            return _disputed(facts, event)
        case ev.Ruling():
            return _judged(facts, event)
        case ev.DisputeRuled():
            return _ruled(facts, event)
        case _:
            return facts


def _claimed(facts: JobFacts, event: ev.JobClaimed) -> JobFacts:
    now = event.at.timestamp
    run = RunFacts(
        attempt=event.attempt,
        provider=event.provider,
        rate_card=event.rate_card,
        image=event.image,
        started_at=now,
        reported_at=now,
    )
    others = tuple(other for other in facts.runs if other.attempt != event.attempt)
    return replace(
        facts,
        state=JobState.RUNNING,
        deadline=event.deadline,
        duration=event.deadline - now,
        rate_card=event.rate_card,
        attempt=event.attempt,
        runs=(*others, run),
    )


def _reported(facts: JobFacts, event: ev.UsageReported) -> JobFacts:
    now = event.at.timestamp
    told = _with_run(facts, event.attempt, usage=event.usage, earned=event.earned, reported_at=now)
    spent = event.earned == facts.deposit and facts.state is JobState.RUNNING
    return _ended(told, now) if spent else told


def _completed(facts: JobFacts, event: ev.JobCompleted) -> JobFacts:
    told = _with_run(
        facts, facts.attempt, exit_code=event.exit_code, result_cid=event.result_cid or None
    )
    why = facts.ended_why or f"finished with exit code {event.exit_code}"
    return replace(_settled(told, event.at.timestamp), ended_why=why)


def _ended(facts: JobFacts, now: int) -> JobFacts:
    """The current attempt ends now, if it has not ended before; `deadline - duration` stays its start."""
    early = max(0, facts.deadline - now)
    return replace(
        facts,
        state=JobState.ENDED,
        deadline=facts.deadline - early,
        duration=facts.duration - early,
    )


def _settled(facts: JobFacts, now: int) -> JobFacts:
    """The current attempt ends, and what it earned leaves the deposit."""
    unspent = facts.unspent
    ended = _ended(_with_run(facts, facts.attempt, settled=True), now)
    return replace(ended, settled=True, deposit=unspent)


def _emptied(facts: JobFacts, refunded: int) -> JobFacts:
    """All that was left has gone to the consumer. A job that was waiting to run is closed by it."""
    return replace(
        facts,
        deposit=0,
        refunded=facts.refunded + refunded,
        state=JobState.CLOSED if facts.state is JobState.OPEN else JobState.ENDED,
    )


def _lapsed(facts: JobFacts, event: ev.JobLapsed) -> JobFacts:
    run = facts.current
    left = facts.deadline - (run.reported_at if run else facts.deadline)
    settled = _settled(facts, event.at.timestamp)
    if event.attempt == LAST_ATTEMPT:
        return replace(settled, ended_why="its agents fell silent too often")
    return replace(
        settled,
        state=JobState.OPEN,
        settled=False,
        duration=left,
        attempt=event.attempt + 1,
        deadline=event.claim_by,
    )


def _released(facts: JobFacts, attempt: int, amount: int) -> JobFacts:
    run = facts.run(attempt)
    return _with_run(facts, attempt, released=(run.released if run else 0) + amount)


def _disputed(facts: JobFacts, event: ev.JobDisputed) -> JobFacts:
    run = facts.run(event.attempt)
    live = run is not None and not run.settled
    stopped = _settled(facts, event.at.timestamp) if live else facts
    disputed = _with_run(stopped, event.attempt, dispute_id=str(event.dispute_id))
    if event.attempt != facts.attempt:
        return disputed
    return replace(disputed, state=JobState.DISPUTED, ended_why="disputed")


def _judged(facts: JobFacts, event: ev.Ruling) -> JobFacts:
    runs = tuple(
        replace(run, ruling=event.ruling) if run.dispute_id == str(event.dispute_id) else run
        for run in facts.runs
    )
    return replace(facts, runs=runs)


def _ruled(facts: JobFacts, event: ev.DisputeRuled) -> JobFacts:
    run = facts.run(event.attempt)
    earned = (run.earned if run else 0) - event.to_consumer
    ruled = _with_run(facts, event.attempt, earned=earned)
    if event.attempt != facts.attempt:
        return ruled
    return replace(
        ruled,
        state=JobState.ENDED,
        deposit=facts.deposit - event.costs,
        ended_why="ruled after a dispute",
    )


def _with_run(facts: JobFacts, attempt: int, **changes: Any) -> JobFacts:
    runs = tuple(replace(run, **changes) if run.attempt == attempt else run for run in facts.runs)
    return replace(facts, runs=runs)

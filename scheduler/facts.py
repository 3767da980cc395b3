"""A job as its events tell it: one pure fold, so that rows can be rebuilt from an empty database.

The fold mirrors what `DRaaSEscrow` stores. States that time alone brings are not here: `chain.job.state_of`
adds them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from chain import events as ev
from chain.job import Address, Digest, Job, JobId, JobState, JobTerms, Usage, state_of

ALARM = "events do not fit each other; this job is left alone"


@dataclass(frozen=True, slots=True)
class RunFacts:
    """One stint of a job on one provider, as accepted by the contract. Amounts in base units."""

    attempt: int
    provider: Address
    rate_card: int
    image: Digest
    started_at: int
    reported_at: int
    usage: Usage = field(default_factory=Usage)
    earned: int = 0
    withdrawn: int = 0
    settled: bool = False
    exit_code: int | None = None
    result_cid: str | None = None


@dataclass(frozen=True, slots=True)
class JobFacts:
    """All that the chain says of one job. `deposit` is what the contract holds for the current attempt."""

    job_id: JobId
    terms: JobTerms
    posted_at: int
    posted_block: int
    posted_index: int
    claim_by: int
    deposited: int
    deposit: int
    deadline: int
    duration: int
    attempt: int = 1
    state: JobState = JobState.OPEN
    refunded: int = 0
    ended_why: str = ""
    alarm: str = ""
    runs: tuple[RunFacts, ...] = ()

    def run(self, attempt: int) -> RunFacts | None:
        """The stint of that number, when there was one."""
        return next((run for run in self.runs if run.attempt == attempt), None)

    @property
    def current(self) -> RunFacts | None:
        """The current attempt's run."""
        return self.run(self.attempt)

    @property
    def earned(self) -> int:
        """What the current attempt has earned."""
        run = self.current
        return run.earned if run else 0

    def state_at(self, now: int) -> JobState:
        """The state at chain time `now`, exactly as the contract's `stateOf` derives it."""
        stored = Job(
            deposit=self.deposit,
            resources=self.terms.resources,
            deadline=self.deadline,
            duration=self.duration,
            attempt=self.attempt,
            state=self.state,
        )
        return state_of(stored, self.earned, now)


TRANSITIONS: dict[type, frozenset[JobState]] = {
    ev.JobToppedUp: frozenset({JobState.OPEN, JobState.RUNNING}),
    ev.JobClaimed: frozenset({JobState.OPEN}),
    ev.JobCompleted: frozenset({JobState.RUNNING, JobState.ENDED}),
    ev.JobCancelled: frozenset({JobState.OPEN, JobState.RUNNING}),
    ev.JobDeclined: frozenset({JobState.OPEN}),
    ev.JobLapsed: frozenset({JobState.RUNNING}),
}


def fold(facts: JobFacts | None, event: ev.Event) -> JobFacts | None:
    """The facts after one more event of the same job; an impossible step raises the alarm on that job only."""
    if isinstance(event, ev.JobPosted):
        return _posted(event)
    if facts is None or facts.alarm:
        return facts
    allowed = TRANSITIONS.get(type(event))
    if allowed is not None and facts.state not in allowed:
        return replace(facts, alarm=f"{type(event).__name__} in state {facts.state.name}: {ALARM}")
    return _closed_when_empty(_step(facts, event), event.at.timestamp)


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
    now = event.at.timestamp
    match event:
        case ev.JobToppedUp(amount=amount):
            return replace(
                facts, deposit=facts.deposit + amount, deposited=facts.deposited + amount
            )
        case ev.JobClaimed():
            return _claimed(facts, event)
        case ev.UsageReported(attempt=attempt, usage=usage, earned=earned):
            return _with_run(facts, attempt, usage=usage, earned=earned, reported_at=now)
        case ev.JobCompleted():
            ended = _with_run(
                facts,
                facts.attempt,
                settled=True,
                reported_at=now,
                exit_code=event.exit_code,
                result_cid=event.result_cid or None,
            )
            why = f"finished with exit code {event.exit_code}"
            return replace(
                ended,
                state=JobState.ENDED,
                deadline=min(facts.deadline, now),
                ended_why=facts.ended_why or why,
            )
        case ev.JobCancelled():
            state = JobState.CLOSED if facts.state is JobState.OPEN else JobState.ENDED
            return replace(
                facts, state=state, deadline=event.deadline, ended_why="cancelled by the consumer"
            )
        case ev.JobDeclined(reason=reason):
            return replace(facts, state=JobState.CLOSED, ended_why=reason)
        case ev.JobLapsed():
            return _lapsed(facts, event)
        case ev.Refunded(amount=amount):
            return replace(
                facts, refunded=facts.refunded + amount, deposit=max(0, facts.deposit - amount)
            )
        case ev.Withdrawn(attempt=attempt, amount=amount):
            run = facts.run(attempt)
            return _with_run(facts, attempt, withdrawn=(run.withdrawn if run else 0) + amount)
        case ev.JobDisputed(attempt=attempt):
            disputed = _with_run(facts, attempt, settled=True)
            if attempt != facts.attempt:
                return disputed
            deadline = min(facts.deadline, now)
            return replace(
                disputed, state=JobState.DISPUTED, deadline=deadline, ended_why="disputed"
            )
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
        attempt=event.attempt,
        runs=(*others, run),
    )


def _lapsed(facts: JobFacts, event: ev.JobLapsed) -> JobFacts:
    run = facts.run(event.attempt)
    ran = run.reported_at - run.started_at if run else 0
    settled = _with_run(facts, event.attempt, settled=True, earned=event.earned)
    return replace(
        settled,
        state=JobState.OPEN,
        deposit=facts.deposit - event.earned,
        duration=facts.duration - ran,
        attempt=event.attempt + 1,
        deadline=event.claim_by,
    )


def _ruled(facts: JobFacts, event: ev.DisputeRuled) -> JobFacts:
    run = facts.run(event.attempt)
    earned = (run.earned if run else 0) - event.to_consumer
    ruled = _with_run(facts, event.attempt, earned=earned, settled=True)
    if event.attempt != facts.attempt:
        return ruled
    return replace(ruled, state=JobState.ENDED, ended_why="ruled after a dispute")


def _with_run(facts: JobFacts, attempt: int, **changes: object) -> JobFacts:
    runs = tuple(
        replace(run, **changes) if run.attempt == attempt else run  # type: ignore[arg-type]
        for run in facts.runs
    )
    return replace(facts, runs=runs)


def _closed_when_empty(facts: JobFacts, now: int) -> JobFacts:
    """An ended job with nothing unspent and nothing left to withdraw is closed."""
    run = facts.current
    left = run.earned - run.withdrawn if run else 0
    spent = facts.deposit <= facts.earned
    if facts.state_at(now) is JobState.ENDED and spent and left == 0 and facts.alarm == "":
        return replace(facts, state=JobState.CLOSED)
    return facts

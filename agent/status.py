"""A run's record as the scheduler is told of it. Pure."""

from __future__ import annotations

from agent.record import RunRecord
from chain.convert import usage_body
from chain.job import Usage
from chain.wire import RunPhase, RunStatus


def status_of(record: RunRecord, phase: RunPhase, usage: Usage, why: str) -> RunStatus:
    """Where a run stands, for the scheduler.

    Args:
        why: what it waits for, where the record has nothing weightier to say.
    """
    ended = record.exit
    told = (ended.why if ended is not None else "") or record.refused or why or record.settled_why
    return RunStatus(
        job_id=record.job_id,
        attempt=record.attempt,
        phase=phase,
        why=told[:2000],
        usage=usage_body(usage),
        exit_code=ended.code if ended is not None else None,
    )

"""A run's record as the scheduler is told of it. Pure."""

from __future__ import annotations

from agent.record import RunRecord
from chain.convert import usage_body
from chain.job import Usage
from chain.wire import RunPhase, RunStatus


def status_of(record: RunRecord, phase: RunPhase, usage: Usage, why: str) -> RunStatus:
    """Where a run stands, for the scheduler.

    Args:
        why: what it waits for, while the program has not ended.
    """
    ended = record.exit
    # Once the program has ended, only how it ended counts: what the agent still waits for would hide it.
    told = ended.why if ended is not None else record.refused or why or record.settled_why
    return RunStatus(
        job_id=record.job_id,
        attempt=record.attempt,
        phase=phase,
        why=told[:2000],
        usage=usage_body(usage),
        exit_code=ended.code if ended is not None else None,
    )

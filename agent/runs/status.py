"""A run's record as the scheduler is told of it."""

from __future__ import annotations

from agent.container.host import JobContainer
from agent.runs.record import RunRecord
from chain.convert import usage_body
from chain.folder import MIB
from chain.wire import RunPhase, RunStatus


def status_of(record: RunRecord, phase: RunPhase, kept: JobContainer, why: str) -> RunStatus:
    """Where a run stands, for the scheduler.

    Args:
        kept: the run's meter and output, and whether its port answers.
        why: what it waits for, while the program has not ended.
    """
    ended = record.exit
    # Once the program has ended, only how it ended counts: what the agent still waits for would hide it.
    ill = kept.ill_why if kept.health == "unhealthy" else ""
    told = ended.why if ended is not None else record.refused or why or record.settled_why or ill
    return RunStatus(
        job_id=record.job_id,
        attempt=record.attempt,
        phase=phase,
        why=told[:2000],
        usage=usage_body(kept.meter.usage),
        memory_mib=kept.meter.totals.memory_bytes // MIB,
        exit_code=ended.code if ended is not None else None,
        ledger=kept.meter.head,
        lines=kept.spool.length,
        evidence=kept.meter.evidence,
        ready=kept.ready and phase == "running" and kept.health in ("", "healthy"),
        runtime=record.runtime,
        health=kept.health,
        restarts=record.starts.count,
        outcome=record.outcome,
    )


def news_of(status: RunStatus) -> tuple[object, ...]:
    """What of a status is told at once when it changes; the rest goes with the next heartbeat."""
    return status.phase, status.why, status.health, status.restarts, status.ready, status.outcome

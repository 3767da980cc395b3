"""What happens to a job off-chain, and why it waits, failed or ended: for the consumer to read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from sqlalchemy import ColumnElement, Text, and_, not_, or_, select, type_coerce

from chain.api import Phase, State
from chain.job import JobState
from chain.wire import RunStatus
from scheduler.rows import tables as t

WAITING = ("fetching", "building", "placing", "assigned", "failed")
DISPUTING = "disputing"  # noted of a job whose reports do not fit, until they are ruled upon
UNDER_DISPUTE = (JobState.RUNNING, JobState.DISPUTED)
UNDER_WAY = ("running", "stopping", "completing", "finished")  # of a run on its agent


def phase_of(state: JobState, noted: str, status: RunStatus | None) -> Phase:
    """The phase of a job.

    Args:
        state: at this moment.
        noted: what the scheduler's own row says; "" when there is none.
        status: where the current attempt stands on its agent, as last told.
    """
    match state:
        case JobState.OPEN:
            return cast(Phase, noted) if noted in WAITING else "fetching"
        case JobState.RUNNING:
            return "running" if status is not None and status.phase in UNDER_WAY else "claimed"
        case JobState.CLOSED:
            return "closed"
        case _:
            return "ended"


@dataclass(frozen=True, slots=True)
class Ended:
    """What tells why a job ended. Amounts in base units.

    Args:
        claimed: somebody runs or ran the current attempt.
        exit_code: of the current attempt, once it completed.
        unspent: what of the deposit the current attempt has not earned.
    """

    alarm: str
    ended_why: str
    claimed: bool
    exit_code: int | None
    unspent: int
    refunded: int


def why_of(
    job: Ended, state: JobState, noted: str, status: RunStatus | None, *, disputing: bool = False
) -> str:
    """What the consumer should know: why it waits, failed or ended, or is disputed by its watcher."""
    if job.alarm:
        return job.alarm
    if state is JobState.OPEN or (disputing and state in UNDER_DISPUTE):
        return noted
    told = status.why if status is not None and status.phase != "refused" else ""
    if state is JobState.RUNNING:
        return told
    if not job.claimed and not job.ended_why:
        return f"nobody claimed it in time: {noted}" if noted else "nobody claimed it in time"
    if job.exit_code is not None and told:
        return told
    if job.ended_why:
        return job.ended_why
    if job.claimed and job.unspent == 0 and job.refunded == 0:
        return "the deposit is used up"
    return "the time that was asked for is used up"


def noted_of(state: JobState, phase: str, why: str, degraded: str) -> str:
    """What the scheduler's own row says of a job: what it does or waits for, and what is out of order."""
    told = "; ".join(dict.fromkeys(part for part in (why, degraded) if part))
    if phase == DISPUTING:
        return f"disputed by its watcher: {told}" if state in UNDER_DISPUTE else ""
    return told


def states_of(phase: Phase) -> set[State]:
    """In which states a job of this phase can be."""
    if phase in WAITING:
        return {"Open"}
    if phase == "closed":
        return {"Closed"}
    return {"Ended", "Disputed"} if phase == "ended" else {"Running"}


def in_phase(phase: Phase) -> list[ColumnElement[bool]]:
    """Conditions on `jobs` which, within the states of the phase, say that it is this one."""
    w, r, c = t.work.c, t.run_status.c, t.jobs.c
    if phase in ("ended", "closed"):
        return []
    if phase in WAITING:
        others = [one for one in WAITING if one != "fetching"]
        phases = others if phase == "fetching" else [phase]
        noted = select(w.job_id).where(w.job_id == c.job_id, w.phase.in_(phases)).exists()
        return [not_(noted) if phase == "fetching" else noted]
    # the status is JSON, whose texts have their quotes escaped: no text in it looks like this key
    told = or_(*(type_coerce(r.status, Text).like(f'%"phase":"{one}"%') for one in UNDER_WAY))
    mine = and_(r.job_id == c.job_id, r.attempt == c.attempt)
    under_way = select(r.job_id).where(mine, told).exists()
    return [under_way if phase == "running" else not_(under_way)]

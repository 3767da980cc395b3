"""States that time brings, as conditions over rows: what `chain.job.state_of` says of one job, for all jobs at once.

Each state is a union of parts, and each part is a range of one index, so that a page of a list costs the same
however many jobs were stored. A property test holds the two equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, not_

from chain.api import State
from chain.job import Job, JobState, Parameters, Resources, state_of
from scheduler import tables as t
from scheduler.tables import DONE, UNDONE

STATE_NAMES: dict[JobState, State] = {
    JobState.OPEN: "Open",
    JobState.RUNNING: "Running",
    JobState.ENDED: "Ended",
    JobState.DISPUTED: "Disputed",
    JobState.CLOSED: "Closed",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """What states are derived by: chain time in seconds, and the escrow's rules."""

    now: int
    rules: Parameters

    @property
    def closed_before(self) -> int:
        """An ended job that holds nothing any more is Closed when its deadline was before this second: the inverse of
        `chain.job.closes_at`."""
        window = self.rules.window
        return (self.now // window - 1) * window - self.rules.settle_grace


def parts_of(state: State, at: Moment) -> list[ColumnElement[bool]]:
    """Conditions on `jobs` that exclude each other and together are this state."""
    c = t.jobs.c
    closed = c.deadline < at.closed_before
    match state:
        case "Open":
            return [and_(c.state == JobState.OPEN, c.deadline >= at.now)]
        case "Running":
            return [and_(c.state == JobState.RUNNING, c.deadline > at.now)]
        case "Ended":
            return [
                and_(c.state == JobState.OPEN, c.deadline < at.now),
                and_(c.state == JobState.RUNNING, c.deadline <= at.now),
                UNDONE,
                and_(DONE, not_(closed)),
            ]
        case "Disputed":
            return [c.state == JobState.DISPUTED]
        case "Closed":
            return [c.state == JobState.CLOSED, and_(DONE, closed)]


def state_of_row(row: Row[Any], at: Moment) -> JobState:
    """The state of a row of `jobs` that has what states follow from."""
    stored = Job(
        deposit=row.deposit,
        resources=Resources(0, 0),
        deadline=row.deadline,
        duration=0,
        rate_card=0,
        attempt=row.attempt,
        state=row.state,
        settled=row.settled,
    )
    return state_of(stored, at.now, at.rules)

"""States that time brings, as conditions over rows: what `chain.job.state_of` says of one job, for all jobs at once.

Each state is a union of parts, and each part is a range of one index, so that a page of a list costs the same
however many jobs were stored. A property test holds the two equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from sqlalchemy import ColumnElement, Row, and_

from chain.api import State
from chain.job import JobState, Parameters, state_of
from scheduler.rows import tables as t

STATE_NAMES: dict[JobState, State] = {
    JobState.OPEN: "Open",
    JobState.RUNNING: "Running",
    JobState.ENDED: "Ended",
    JobState.DISPUTED: "Disputed",
    JobState.CLOSED: "Closed",
}


class Standing(IntEnum):
    """Where a job stands by its stored facts: as `JobState`, with one kind of Ended told from the others."""

    OPEN = 1
    RUNNING = 2
    ENDED = 3
    DISPUTED = 4
    CLOSED = 5
    PARTED = 6  # ended, and nothing is held for it any more: time alone makes it Closed


def standing_of(state: JobState, deposit: int, *, settled: bool) -> Standing:
    """The standing of a job with these facts."""
    if state is JobState.ENDED and settled and deposit == 0:
        return Standing.PARTED
    return Standing(int(state))


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


@dataclass(frozen=True, slots=True)
class Part:
    """Jobs of one standing whose deadline is within bounds (seconds; both belong to it).

    Args:
        few: they are the last ones of a time: it is cheaper to look for these and sort them than the other way round.
    """

    standing: Standing
    least: int | None = None
    most: int | None = None
    few: bool = False

    def where(self) -> ColumnElement[bool]:
        """As a condition on `jobs`."""
        return self._with(t.jobs.c.deadline)

    def newest_first(self) -> tuple[ColumnElement[bool], list[ColumnElement[Any]]]:
        """As a condition and an order, written so that a database reads them from the index that suits: it does not
        use one for what is reckoned with."""
        c = t.jobs.c
        if self.few:
            return self.where(), [(c.posted_block + 0).desc(), (c.posted_index + 0).desc()]
        return self._with(c.deadline + 0), [c.posted_block.desc(), c.posted_index.desc()]

    def _with(self, deadline: ColumnElement[int]) -> ColumnElement[bool]:
        found = [t.jobs.c.standing == int(self.standing)]
        if self.least is not None:
            found.append(deadline >= self.least)
        if self.most is not None:
            found.append(deadline <= self.most)
        return and_(*found)


def parts_of(state: State, at: Moment) -> list[Part]:
    """Parts that exclude each other and together are this state."""
    match state:
        case "Open":
            return [Part(Standing.OPEN, least=at.now)]
        case "Running":
            return [Part(Standing.RUNNING, least=at.now + 1)]
        case "Ended":
            return [
                Part(Standing.OPEN, most=at.now - 1, few=True),
                Part(Standing.RUNNING, most=at.now, few=True),
                Part(Standing.ENDED),
                Part(Standing.PARTED, least=at.closed_before, few=True),
            ]
        case "Disputed":
            return [Part(Standing.DISPUTED)]
        case "Closed":
            return [Part(Standing.CLOSED), Part(Standing.PARTED, most=at.closed_before - 1)]


def state_of_row(row: Row[Any], at: Moment) -> JobState:
    """The state of a row of `jobs` that has what states follow from."""
    return state_of(row, at.now, at.rules)

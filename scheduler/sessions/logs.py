"""What containers printed, read on from any position. `scheduler.sessions.lines` stores it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from chain.errors import InvalidInput
from chain.job import JobId
from scheduler.rows import tables as t
from scheduler.rows.database import Store

_POSITION = re.compile(r"^(\d{1,3})-(\d{1,18})$")


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A line's place among all of its job."""

    attempt: int
    seq: int

    def __str__(self) -> str:
        return f"{self.attempt}-{self.seq}"


START = Position(0, -1)


def parse_position(text: str | None) -> Position:
    """A position as given in `after` or `Last-Event-ID`; the start when there is none.

    Raises:
        InvalidInput: it is not one of ours.
    """
    if not text:
        return START
    match = _POSITION.match(text)
    if match is None:
        raise InvalidInput(
            f"{text[:40]!r} is not a log position.", "Give back the id of the last line you have."
        )
    return Position(int(match[1]), int(match[2]))


@dataclass(frozen=True, slots=True)
class StoredLine:
    """One line with its place."""

    at: Position
    at_ms: int
    stream: str
    text: str


class Logs:
    """The log lines of all jobs."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def read(self, job_id: JobId, after: Position, limit: int = 500) -> list[StoredLine]:
        """The next lines after a position, over all attempts."""
        c = t.log_lines.c
        beyond = or_(c.attempt > after.attempt, and_(c.attempt == after.attempt, c.seq > after.seq))
        query = (
            select(t.log_lines)
            .where(c.job_id == job_id, beyond)
            .order_by(c.attempt, c.seq)
            .limit(limit)
        )
        async with self._store.read() as tx:
            rows = (await tx.execute(query)).all()
        return [StoredLine(Position(r.attempt, r.seq), r.at_ms, r.stream, r.text) for r in rows]


async def bytes_kept(tx: AsyncConnection) -> int:
    """Of all logs."""
    return int((await tx.execute(select(func.sum(t.log_cursors.c.bytes)))).scalar() or 0)

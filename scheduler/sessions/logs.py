"""What containers printed, read on from any position. `scheduler.sessions.lines` stores it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, func, literal, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from chain import printed
from chain.errors import InvalidInput
from chain.instruments import counter
from chain.job import JobId
from scheduler.rows import tables as t
from scheduler.rows.database import Store

CHUNKS_A_READ, BYTES_A_READ = 200, 1024**2
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


@dataclass(frozen=True, slots=True)
class Packed:
    """Lines of one attempt that follow each other.

    Args:
        first: the place of the first.
        body: packed as in `chain.printed`.
    """

    first: Position
    lines: int
    body: bytes

    @property
    def last(self) -> Position:
        """The place of the last."""
        return Position(self.first.attempt, self.first.seq + self.lines - 1)


class Logs:
    """The log lines of all jobs."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.reads = counter("draas_log_reads_total", "Reads of stored lines, for all readers.")

    async def packed(self, job_id: JobId, after: Position) -> list[Packed]:
        """The next lines after a position, over all attempts: about `BYTES_A_READ` of them, at least one."""
        self.reads.inc()
        c = t.log_chunks.c
        of_attempt = and_(c.job_id == job_id, c.attempt == after.attempt, c.first <= after.seq + 1)
        holds_it = select(func.coalesce(func.max(c.first), 0)).where(of_attempt).scalar_subquery()
        place, mine = tuple_(c.attempt, c.first), c.job_id == job_id
        heads = (
            select(c.attempt, c.first, c.lines, c.size)
            .where(mine, place >= tuple_(literal(after.attempt), holds_it))
            .order_by(c.attempt, c.first)
            .limit(CHUNKS_A_READ)
        )
        async with self._store.read() as tx:
            found = [row for row in await tx.execute(heads) if _last(row) > after]
            part = _fitting(found)
            if not part:
                return []
            first, last = (
                tuple_(literal(r.attempt), literal(r.first)) for r in (part[0], part[-1])
            )
            bodies = select(c.attempt, c.first, c.lines, c.body).where(
                mine, place.between(first, last)
            )
            rows = (await tx.execute(bodies.order_by(c.attempt, c.first))).all()
        return [_beyond(row, after) for row in rows]

    async def before_last(self, job_id: JobId, count: int) -> Position:
        """The position after which there are so many lines, or fewer when there are not so many."""
        c = t.log_chunks.c
        heads = select(c.attempt, c.first, c.lines).where(c.job_id == job_id)
        heads = heads.order_by(c.attempt.desc(), c.first.desc())
        async with self._store.read() as tx:
            async for row in await tx.stream(heads):
                if row.lines > count or not count:
                    return Position(row.attempt, row.first + row.lines - 1 - count)
                count -= row.lines
        return START

    async def read(self, job_id: JobId, after: Position, limit: int = 500) -> list[StoredLine]:
        """The next lines after a position, over all attempts."""
        lines: list[StoredLine] = []
        while len(lines) < limit:
            found = await self.packed(job_id, after)
            if not found:
                break
            for part in found:
                after = part.last
                lines += [
                    StoredLine(Position(after.attempt, seq), one.at_ms, one.stream, one.text)
                    for seq, one in enumerate(printed.unpack(part.body.decode()), part.first.seq)
                ]
        return lines[:limit]


def _last(row: Any) -> Position:
    return Position(row.attempt, row.first + row.lines - 1)


def _fitting(rows: Sequence[Any]) -> Sequence[Any]:
    """As many as may be read at once, but at least one."""
    size = count = 0
    for row in rows:
        size += row.size
        if count and size > BYTES_A_READ:
            break
        count += 1
    return rows[:count]


def _beyond(row: Any, after: Position) -> Packed:
    """A chunk, without the lines up to that position."""
    known = after.seq + 1 - row.first if row.attempt == after.attempt else 0
    known = max(0, known)
    body = printed.after(bytes(row.body), known)
    return Packed(Position(row.attempt, row.first + known), row.lines - known, body)


async def bytes_kept(tx: AsyncConnection) -> int:
    """Of all logs."""
    return int((await tx.execute(select(func.sum(t.log_cursors.c.bytes)))).scalar() or 0)

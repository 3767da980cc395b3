"""What containers print: stored in order without gaps, up to a limit a job, and read on from any position."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from chain.errors import InvalidInput
from chain.instruments import counter
from chain.job import JobId
from chain.trace import mark
from chain.wire import LogLine
from scheduler import tables as t
from scheduler.signals import Signals
from scheduler.store import Store, insert_new, upsert

LINE_OVERHEAD = 64  # bytes that a stored line costs beside its text
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

    def __init__(self, store: Store, signals: Signals, max_bytes: int) -> None:
        self._store = store
        self._signals = signals
        self._max_bytes = max_bytes
        self.lines = counter("draas_log_lines_total", "Log lines of containers taken.")

    async def append(self, job_id: JobId, attempt: int, lines: Sequence[LogLine]) -> int | None:
        """Store what is new of these lines.

        Returns:
            None when all is well, else the sequence number that was expected: there is a gap before the lines,
            and nothing was stored.
        """
        async with self._store.write() as tx:
            next_seq, used, full = first, *_ = await _cursor(tx, job_id, attempt)
            for line in sorted(lines, key=lambda one: one.seq):
                if line.seq < next_seq:
                    continue
                if line.seq > next_seq:
                    await _save_cursor(tx, job_id, attempt, (next_seq, used, full))
                    return next_seq
                size = len(line.text.encode()) + LINE_OVERHEAD
                if not full and used + size > self._max_bytes:
                    line, full = self._last_line(line), True
                    await _insert(tx, job_id, attempt, line)
                elif not full:
                    await _insert(tx, job_id, attempt, line)
                    used += size
                next_seq += 1
            await _save_cursor(tx, job_id, attempt, (next_seq, used, full))
        self.lines.inc(next_seq - first)
        if first == 0 < next_seq:
            mark("first_log_line.kept", job_id, attempt, min(line.at_ms for line in lines))
        self._signals.notify(f"logs/{job_id}")
        return None

    def _last_line(self, line: LogLine) -> LogLine:
        text = (
            f"The log limit of {self._max_bytes // 1024} KiB is reached; later lines are not kept."
        )
        return line.model_copy(update={"stream": "notice", "text": text})

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

    async def cursors(self, provider: str) -> dict[str, int]:
        """For each run of a provider, "jobId/attempt" -> the last sequence number stored."""
        c = t.log_cursors.c
        o, r = t.offers.c, t.runs.c
        offered = select(o.job_id, o.attempt).where(o.provider == provider)
        claimed = select(r.job_id, r.attempt).where(r.provider == provider)
        known = offered.union(claimed).subquery()
        same = and_(c.job_id == known.c.job_id, c.attempt == known.c.attempt)
        async with self._store.read() as tx:
            rows = (
                await tx.execute(select(c.job_id, c.attempt, c.next_seq).join(known, same))
            ).all()
        return {f"{row.job_id}/{row.attempt}": row.next_seq - 1 for row in rows}

    async def count(self) -> int:
        """Bytes of all logs that are kept."""
        async with self._store.read() as tx:
            return int((await tx.execute(select(func.sum(t.log_cursors.c.bytes)))).scalar() or 0)


async def _cursor(tx: AsyncConnection, job_id: JobId, attempt: int) -> tuple[int, int, bool]:
    c = t.log_cursors.c
    mine = and_(c.job_id == job_id, c.attempt == attempt)
    row = (await tx.execute(select(t.log_cursors).where(mine))).first()
    return (0, 0, False) if row is None else (row.next_seq, row.bytes, row.full)


async def _save_cursor(
    tx: AsyncConnection, job_id: JobId, attempt: int, cursor: tuple[int, int, bool]
) -> None:
    next_seq, used, full = cursor
    values: dict[str, Any] = {"job_id": job_id, "attempt": attempt}
    await upsert(tx, t.log_cursors, values | {"next_seq": next_seq, "bytes": used, "full": full})


async def _insert(tx: AsyncConnection, job_id: JobId, attempt: int, line: LogLine) -> None:
    values: dict[str, Any] = {"job_id": job_id, "attempt": attempt, "seq": line.seq}
    values |= {
        "at_ms": line.at_ms,
        "stream": line.stream,
        "text": line.text.replace("\x00", "\ufffd"),
    }
    await insert_new(tx, t.log_lines, values)

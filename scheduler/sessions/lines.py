"""Log lines come in: in order without gaps, each once, up to a limit a run; many runs in one transaction.

An agent numbers its lines from 0 within an attempt. When a reorganisation gives an attempt to another agent, that
one's lines follow what is stored already: nothing that was delivered goes, and nothing new is taken for old. Lines are
stored together as they came, packed (`chain.printed`), and numbered by the first of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from chain import printed
from chain.job import Address
from scheduler.rows import tables as t
from scheduler.rows.batch import insert_all, parts, upsert_all
from scheduler.sessions.session import RunId

_CURSORS = (
    select(t.log_cursors)
    .where(t.log_cursors.c.job_id.in_(bindparam("jobs", expanding=True)))
    .order_by(t.log_cursors.c.job_id, t.log_cursors.c.attempt)
)
_LOCKED = _CURSORS.with_for_update()


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far the log of one attempt is stored.

    Args:
        provider: whose lines come in.
        base: how many lines were stored before this provider's first.
        next_seq: how many numbers are used in all.
        used: bytes that count against the limit.
        full: the limit is reached; later numbers are passed over.
    """

    provider: str
    base: int = 0
    next_seq: int = 0
    used: int = 0
    full: bool = False

    @property
    def told(self) -> int:
        """The last line stored, by its provider's own number; -1: none."""
        return self.next_seq - self.base - 1

    def taken_by(self, provider: str) -> Cursor:
        """The same when this provider's lines come in."""
        if provider == self.provider:
            return self
        return replace(self, provider=provider, base=self.next_seq)


@dataclass(frozen=True)
class Chunk:
    """Lines of one run, as its provider sent them: packed, and the number of the first."""

    provider: Address
    run: RunId
    first: int
    body: str

    @cached_property
    def lines(self) -> int:
        """How many."""
        return self.body.count("\n")


@dataclass(frozen=True, slots=True)
class Kept:
    """What is stored of what is new in a chunk, by the numbers of its log; nothing once the log is full."""

    first: int
    lines: int
    body: bytes


def take(cursor: Cursor, chunk: Chunk, limit: int) -> tuple[Kept | None, Cursor]:
    """What is new of these lines and to be stored, and the cursor after them. Nothing is taken from behind a gap.

    Args:
        limit: bytes that the log may have.
    """
    lines = chunk.lines
    known = cursor.next_seq - (cursor.base + chunk.first)
    if not 0 <= known < lines:
        return None, cursor
    after = replace(cursor, next_seq=cursor.next_seq + lines - known)
    if cursor.full:
        return Kept(cursor.next_seq, 0, b""), after
    body, lines = printed.after(chunk.body.encode(errors="replace"), known), lines - known
    size = printed.weight(body, lines)
    if cursor.used + size > limit:
        kept, lines = printed.within(body, limit - cursor.used)
        stamp = int(body[len(kept) :][: printed.STAMP])
        text = f"The log limit of {limit // 1024} KiB is reached; later lines are not kept."
        body, size = (
            kept + printed.record(stamp, "notice", text).encode(),
            printed.weight(kept, lines),
        )
        lines, after = lines + 1, replace(after, full=True)
    return Kept(cursor.next_seq, lines, body), replace(after, used=cursor.used + size)


async def store_lines(
    tx: AsyncConnection, chunks: Sequence[Chunk], limit: int
) -> tuple[dict[RunId, int], list[Kept | None]]:
    """Store what is new of these lines.

    Returns:
        For each run, the last line that is stored, by its provider's number; and for each chunk what was new of it.
    """
    cursors = await _locked(tx, chunks)
    new: list[Kept | None] = []
    rows: list[dict[str, Any]] = []
    for chunk in chunks:
        cursor = cursors[chunk.run].taken_by(chunk.provider)
        kept, cursors[chunk.run] = take(cursor, chunk, limit)
        new.append(kept)
        if kept is not None and kept.lines:
            rows.append(_chunk_row(chunk.run, kept))
    await insert_all(tx, t.log_chunks, rows)
    await upsert_all(tx, t.log_cursors, [_row(run, cursors[run]) for run in sorted(cursors)])
    return {run: cursor.told for run, cursor in cursors.items()}, new


async def cursors_of(
    tx: AsyncConnection, provider: Address, runs: Sequence[RunId]
) -> dict[RunId, int]:
    """Of those of these runs of which lines of this provider are stored, the last one."""
    found = await _read(tx, runs, lock=False)
    return {run: cursor.told for run, cursor in found.items() if cursor.provider == provider}


async def _locked(tx: AsyncConnection, chunks: Sequence[Chunk]) -> dict[RunId, Cursor]:
    """The cursors, made where there are none, and kept from other copies until the transaction ends."""
    first = {chunk.run: Cursor(chunk.provider) for chunk in chunks}
    known = await _read(tx, list(first), lock=True)
    if missing := sorted(first.keys() - known):
        await insert_all(tx, t.log_cursors, [_row(run, first[run]) for run in missing])
        known |= await _read(tx, missing, lock=True)
    return known


async def _read(tx: AsyncConnection, runs: Sequence[RunId], *, lock: bool) -> dict[RunId, Cursor]:
    wanted, found = set(runs), {}
    for part in parts(sorted({job for job, _ in wanted})):
        for row in await tx.execute(_LOCKED if lock else _CURSORS, {"jobs": part}):
            if (row.job_id, row.attempt) in wanted:
                found[row.job_id, row.attempt] = Cursor(
                    row.provider, row.base, row.next_seq, row.bytes, row.full
                )
    return found


def _row(run: RunId, cursor: Cursor) -> dict[str, Any]:
    return {
        "job_id": run[0],
        "attempt": run[1],
        "provider": cursor.provider,
        "base": cursor.base,
        "next_seq": cursor.next_seq,
        "bytes": cursor.used,
        "full": cursor.full,
    }


def _chunk_row(run: RunId, kept: Kept) -> dict[str, Any]:
    return {
        "job_id": run[0],
        "attempt": run[1],
        "first": kept.first,
        "lines": kept.lines,
        "size": len(kept.body),
        "body": kept.body,
    }

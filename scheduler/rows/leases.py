"""Leases on rows: which process works on a job or builds a bundle now, when several share one database.

A lease is an owner, an end, and for jobs an epoch that rises each time one is taken. Whoever was frozen or cut off
beyond its lease finds its owner and epoch gone and writes nothing. Ends are Unix milliseconds; a process is named
once, at its start, so two of them never share a name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, case, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chain.errors import Conflict
from chain.job import Cid, JobId
from scheduler.rows import tables as t
from scheduler.rows.batch import insert_new, parts

FREE: dict[str, Any] = {"lease_owner": None, "lease_until_ms": 0}
_w, _b = t.work.c, t.builds.c


class LeaseLost(Conflict):
    """Another process owns the row by now; what was found out here is dropped."""

    def __init__(self, what: str) -> None:
        super().__init__(f"The lease on {what[:12]} is another's by now.")


@dataclass(frozen=True, slots=True)
class Lease:
    """One process's right to work on a job."""

    job_id: JobId
    owner: str
    epoch: int

    @property
    def mine(self) -> ColumnElement[bool]:
        """The job's row, as long as the lease on it holds."""
        owned = and_(_w.lease_owner == self.owner, _w.lease_epoch == self.epoch)
        return and_(_w.job_id == self.job_id, owned)


async def take_due(
    tx: AsyncConnection,
    owner: str,
    moment: tuple[int, int, int],
    limit: int,
    without: Collection[JobId] = (),
) -> list[Lease]:
    """Take up to `limit` jobs that are due and nobody else works on, the longest waiting first.

    What others are just taking is passed over, not waited for. A due job stays due under its lease, so that it is
    taken again when the lease runs out; `due_at` leaves 0, so that an event meanwhile is told from the one before.

    Args:
        tx: a transaction that writes.
        owner: the process.
        moment: chain time, this machine's time in ms, and the lease's end in ms.
        limit: of jobs.
        without: jobs that are under way in this very process.
    """
    now, now_ms, until_ms = moment
    free = _w.lease_until_ms < now_ms
    due = select(_w.job_id).where(_w.due_at <= now, free, _w.job_id.not_in(without))
    picked = due.order_by(_w.due_at).limit(limit).with_for_update(skip_locked=True).cte("picked")
    values = {"lease_owner": owner, "lease_until_ms": until_ms, "due_at": max(1, now)}
    taken = (
        update(t.work)
        .where(_w.job_id.in_(select(picked.c.job_id)))
        .values(**values, lease_epoch=_w.lease_epoch + 1)
        .returning(_w.job_id, _w.lease_epoch)
    )
    return [Lease(JobId(row.job_id), owner, row.lease_epoch) for row in await tx.execute(taken)]


async def renew(tx: AsyncConnection, leases: Iterable[Lease], until_ms: int) -> set[Lease]:
    """Hold these leases of one owner until then; returns those that are still held."""
    by_job = {lease.job_id: lease for lease in leases}
    owners = {lease.owner for lease in by_job.values()}
    still = update(t.work).where(_w.job_id.in_(by_job), _w.lease_owner.in_(owners))
    still = still.values(lease_until_ms=until_ms).returning(_w.job_id, _w.lease_epoch)
    found = {(JobId(row.job_id), row.lease_epoch) for row in await tx.execute(still)}
    return {one for one in by_job.values() if (one.job_id, one.epoch) in found}


async def hold(tx: AsyncConnection, lease: Lease) -> None:
    """Keep the lease to the end of this transaction, which then may write what the step found.

    Raises:
        LeaseLost: it is another's by now.
    """
    mine = select(_w.job_id).where(lease.mine).with_for_update()
    if (await tx.execute(mine)).first() is None:
        raise LeaseLost(lease.job_id)


async def note(tx: AsyncConnection, lease: Lease, values: dict[str, Any]) -> None:
    """Write to the job's work row.

    Raises:
        LeaseLost: the lease is another's by now.
    """
    noted = update(t.work).where(lease.mine).values(**values).returning(_w.job_id)
    if (await tx.execute(noted)).first() is None:
        raise LeaseLost(lease.job_id)


async def finish(tx: AsyncConnection, lease: Lease, due_at: int, values: dict[str, Any]) -> None:
    """Write to the job's work row and give the lease back. An event that came meanwhile has made the job due at
    once, and wins over `due_at`.

    Raises:
        LeaseLost: the lease is another's by now.
    """
    due = case((_w.due_at == 0, 0), else_=due_at)
    await note(tx, lease, FREE | {"due_at": due} | values)


async def wake(tx: AsyncConnection, job_ids: Iterable[JobId]) -> None:
    """Make jobs due at once; those of other schedulers have no row here."""
    for part in parts(sorted(job_ids)):
        await tx.execute(update(t.work).where(_w.job_id.in_(part)).values(due_at=0))


async def release_all(tx: AsyncConnection, owner: str) -> None:
    """Give back every lease of a process that ends."""
    await tx.execute(update(t.work).where(_w.lease_owner == owner).values(**FREE))
    await tx.execute(update(t.builds).where(_b.lease_owner == owner).values(**FREE))


# ---- builds -----------------------------------------------------------------------------------------------------


async def take_build(tx: AsyncConnection, cid: Cid, owner: str, now_ms: int, until_ms: int) -> bool:
    """Take the build of a bundle, whose row is made if there is none; says whether it is ours now."""
    blank = {"cid": cid, "image_name": "", "why": "", "tries": 0, "log": "", "lease_until_ms": 0}
    await insert_new(tx, t.builds, blank)
    free = or_(_b.lease_until_ms < now_ms, _b.lease_owner == owner)
    mine = update(t.builds).where(_b.cid == cid, free)
    mine = mine.values(lease_owner=owner, lease_until_ms=until_ms).returning(_b.cid)
    return (await tx.execute(mine)).first() is not None


async def renew_build(
    tx: AsyncConnection, cid: Cid, owner: str, until_ms: int, log: str = ""
) -> bool:
    """Hold it until then, and note the log so far; says whether it is still ours."""
    mine = update(t.builds).where(_b.cid == cid, _b.lease_owner == owner)
    values = {"lease_until_ms": until_ms} | ({"log": log} if log else {})
    mine = mine.values(**values).returning(_b.cid)
    return (await tx.execute(mine)).first() is not None


async def finish_build(
    tx: AsyncConnection, cid: Cid, owner: str, values: dict[str, Any] | None = None
) -> None:
    """Write what came of it and give the lease back.

    Raises:
        LeaseLost: it is another's by now.
    """
    mine = update(t.builds).where(_b.cid == cid, _b.lease_owner == owner)
    mine = mine.values(**FREE, **(values or {})).returning(_b.cid)
    if (await tx.execute(mine)).first() is None:
        raise LeaseLost(cid)

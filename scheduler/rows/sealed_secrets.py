"""The secrets of jobs as rows: sealed to this scheduler, never open. They go when their job needs them no more."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    LargeBinary,
    String,
    Table,
    and_,
    delete,
    exists,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from chain.job import JobId
from scheduler.rows import tables as t
from scheduler.rows.batch import upsert
from scheduler.rows.columns import Json
from scheduler.rows.states import Standing

SWEPT_AT_ONCE = 500
_OVER = (Standing.ENDED, Standing.PARTED, Standing.CLOSED)

sealed_secrets = Table(
    "sealed_secrets",
    t.metadata,
    Column("job_id", String(66), primary_key=True),
    Column("names", Json(list[str]), nullable=False),  # what the secrets are called; no value
    Column("at_ms", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)
_c = sealed_secrets.c


@dataclass(frozen=True, slots=True)
class Kept:
    """The secrets of one job."""

    names: frozenset[str]
    sealed: bytes


async def keep_secrets(tx: AsyncConnection, job_id: JobId, kept: Kept, now_ms: int) -> None:
    """Keep a job's secrets, in the place of those given before."""
    row = {"job_id": job_id, "names": sorted(kept.names), "at_ms": now_ms, "sealed": kept.sealed}
    await upsert(tx, sealed_secrets, row)


async def secret_names(tx: AsyncConnection, job_id: JobId) -> frozenset[str]:
    """What the secrets that are kept of a job are called."""
    names = (await tx.execute(select(_c.names).where(_c.job_id == job_id))).scalar()
    return frozenset(names or ())


async def sealed_of(tx: AsyncConnection, job_id: JobId) -> bytes | None:
    """A job's secrets, sealed; None when none are kept."""
    found: bytes | None = (await tx.execute(select(_c.sealed).where(_c.job_id == job_id))).scalar()
    return found


async def drop_secrets(tx: AsyncConnection, ended_before: int, older_ms: int) -> int:
    """Forget those that nobody can need any more; how many.

    Args:
        ended_before: of jobs whose last run was over before this second of chain time.
        older_ms: of jobs that the chain no longer knows: those given before this Unix millisecond.
    """
    j = t.jobs.c
    over = and_(j.standing.in_(_OVER), j.deadline < ended_before)
    needless = or_(
        exists().where(j.job_id == _c.job_id, over),
        and_(_c.at_ms < older_ms, ~exists().where(j.job_id == _c.job_id)),
    )
    gone = select(_c.job_id).where(needless).limit(SWEPT_AT_ONCE)
    done = await tx.execute(delete(sealed_secrets).where(_c.job_id.in_(gone)))
    return int(done.rowcount)

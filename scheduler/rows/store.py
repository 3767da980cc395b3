"""What the rows are asked: jobs, agents, builds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from chain.errors import Conflict
from chain.group import member_of
from chain.job import Address, Cid, Digest, JobId, Rates
from chain.manifest import Manifest
from scheduler.rows import tables as t
from scheduler.rows.batch import insert_new
from scheduler.rows.database import Store
from scheduler.rows.facts import JobFacts, RunFacts
from scheduler.rows.states import standing_of

MAX_CID = 128  # characters of a column
RUN_FIELDS = tuple(RunFacts.__dataclass_fields__)
JOB_FIELDS = tuple(name for name in JobFacts.__dataclass_fields__ if name != "runs")


# ---- which chain ------------------------------------------------------------------------------------------------


async def bind_chain(store: Store, chain_id: int, genesis: str, escrow: str) -> None:
    """Tie an empty database to a chain, or check that it belongs to this one.

    Raises:
        Conflict: the rows are of another chain or another escrow.
    """
    async with store.write() as tx:
        values = {"id": 1, "chain_id": chain_id, "genesis": genesis, "escrow": escrow}
        await insert_new(tx, t.chain_state, values)
        row = (await tx.execute(select(t.chain_state))).one()
    if (row.chain_id, row.genesis, row.escrow) != (chain_id, genesis, escrow):
        raise Conflict(
            f"The database knows chain {row.chain_id} (genesis {row.genesis[:10]}, escrow {row.escrow}), but the "
            f"node has chain {chain_id} (genesis {genesis[:10]}, escrow {escrow}).",
            "Point RPC_URL at the chain it knows, or use an empty database.",
        )


# ---- jobs -------------------------------------------------------------------------------------------------------


def _key(cid: Cid) -> str:
    """The CID as jobs are found by it. On-chain it may be any text of any length, which no index takes; such a job is
    found by its id alone."""
    return cid if len(cid) <= MAX_CID and cid.isascii() and cid.isprintable() else ""


def job_row(facts: JobFacts) -> dict[str, Any]:
    """A job's facts, but for its runs, as a row."""
    values: dict[str, Any] = {name: getattr(facts, name) for name in JOB_FIELDS}
    terms = facts.terms
    values |= {"consumer": terms.consumer, "scheduler": terms.scheduler, "cid": _key(terms.cid)}
    values["member"] = terms.salt if member_of(terms.salt) else None
    return values | {"standing": standing_of(facts.state, facts.deposit, settled=facts.settled)}


def run_row(job_id: JobId, run: RunFacts) -> dict[str, Any]:
    """A run's facts as a row."""
    return {name: getattr(run, name) for name in RUN_FIELDS} | {"job_id": job_id}


async def load_job(tx: AsyncConnection, job_id: JobId) -> JobFacts | None:
    """A job's facts; None when no such job was posted as far as is known here."""
    found = await load_jobs(tx, [job_id])
    return found[0] if found else None


async def load_jobs(tx: AsyncConnection, job_ids: Sequence[JobId]) -> list[JobFacts]:
    """The facts of these jobs, in the order asked for; unknown ones are left out."""
    job_rows = (await tx.execute(select(t.jobs).where(t.jobs.c.job_id.in_(job_ids)))).all()
    ordered = select(t.runs).where(t.runs.c.job_id.in_(job_ids)).order_by(t.runs.c.attempt)
    by_job: dict[str, list[RunFacts]] = {}
    for row in await tx.execute(ordered):
        by_job.setdefault(row.job_id, []).append(
            RunFacts(**{n: getattr(row, n) for n in RUN_FIELDS})
        )
    found = {row.job_id: _job(row, by_job.get(row.job_id, [])) for row in job_rows}
    return [found[job_id] for job_id in job_ids if job_id in found]


def _job(row: Row[Any], found: list[RunFacts]) -> JobFacts:
    return JobFacts(**{name: getattr(row, name) for name in JOB_FIELDS}, runs=tuple(found))


async def rates_of(tx: AsyncConnection, provider: Address, rate_card: int) -> Rates | None:
    """The rates of one card; None when it is not known."""
    mine = and_(t.rate_cards.c.provider == provider, t.rate_cards.c.rate_card == rate_card)
    rates: Rates | None = (await tx.execute(select(t.rate_cards.c.rates).where(mine))).scalar()
    return rates


# ---- agents ------------------------------------------------------------------------------------------------------


def oldest_live_ms(now_ms: int, heartbeat_s: int) -> int:
    """An agent heard from before this is not live."""
    return now_ms - silence_ms(heartbeat_s)


def silence_ms(heartbeat_s: int) -> int:
    """For how long an agent may say nothing and be live: three heartbeats and two seconds."""
    return 1000 * (3 * heartbeat_s + 2)


def is_live(oldest_ms: int) -> ColumnElement[bool]:
    """Of `agents` rows: some scheduler has a session with it, and has heard from it since `oldest_ms`."""
    return and_(t.agents.c.session_at.is_not(None), t.agents.c.last_seen_ms >= oldest_ms)


async def live_agents(
    tx: AsyncConnection, now_ms: int, heartbeat_s: int, only: Address | None = None
) -> Sequence[Row[Any]]:
    """The rows of the agents that some scheduler has a session with and has heard within three heartbeats.

    Args:
        only: look at this agent alone.
    """
    live = is_live(oldest_live_ms(now_ms, heartbeat_s))
    query = select(t.agents).where(live).order_by(t.agents.c.agent)
    if only is not None:
        query = query.where(t.agents.c.agent == only)
    return (await tx.execute(query)).all()


# ---- builds -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BuildRow:
    """What is known about building one bundle, but for its log; `sealed_for`: whose it is, where it is private."""

    cid: Cid
    digest: Digest | None = None
    image_name: str = ""
    manifest: Manifest | None = None
    refused: str | None = None
    postponed_until: int | None = None
    why: str = ""
    tries: int = 0
    lease_owner: str | None = None
    lease_until_ms: int = 0
    private: bool = False
    sealed_for: Address | None = None


async def load_build(tx: AsyncConnection, cid: Cid) -> BuildRow | None:
    """The build of this bundle; None when it was never begun."""
    wanted = [t.builds.c[name] for name in BuildRow.__dataclass_fields__]
    row = (await tx.execute(select(*wanted).where(t.builds.c.cid == cid))).first()
    return None if row is None else BuildRow(**row._mapping)


def gpus_free(row: Row[Any]) -> int:
    """The GPUs that no run holds on this agent, as it last told."""
    return min(int(row.gpus), row.heartbeat.gpus_free) if row.heartbeat else int(row.gpus)

"""What the rows are asked: jobs, work, room on agents, builds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chain.errors import Conflict
from chain.job import Address, Cid, Digest, JobId, JobState, Rates, Resources, units_of
from chain.manifest import Manifest
from scheduler.rows import tables as t
from scheduler.rows.database import Store, insert_new, open_store, upsert
from scheduler.rows.facts import JobFacts, RunFacts
from scheduler.rows.states import standing_of

__all__ = ["Store", "insert_new", "open_store", "upsert"]

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
    return values | {"standing": standing_of(facts.state, facts.deposit, settled=facts.settled)}


def run_row(job_id: JobId, run: RunFacts) -> dict[str, Any]:
    """A run's facts as a row."""
    return {name: getattr(run, name) for name in RUN_FIELDS} | {"job_id": job_id}


async def save_job(tx: AsyncConnection, facts: JobFacts) -> None:
    """Write a job's facts and those of its runs."""
    await upsert(tx, t.jobs, job_row(facts))
    for run in facts.runs:
        await upsert(tx, t.runs, run_row(facts.job_id, run))


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


# ---- work -------------------------------------------------------------------------------------------------------


async def wake_job(tx: AsyncConnection, job_id: JobId) -> None:
    """Make a job due at once. Does nothing for jobs of other schedulers."""
    await tx.execute(update(t.work).where(t.work.c.job_id == job_id).values(due_at=0))


@dataclass(frozen=True, slots=True)
class Reservation:
    """Room that a job holds on an agent."""

    provider: Address
    job_id: JobId
    resources: Resources
    claimed: bool  # by a run; else only offered


async def reservations(tx: AsyncConnection, now: int) -> list[Reservation]:
    """What offered and running jobs hold: offers that can still be used, and runs that are not settled."""
    offered = (
        select(t.offers.c.provider, t.jobs.c.job_id, t.jobs.c.terms)
        .join(t.jobs, t.jobs.c.job_id == t.offers.c.job_id)
        .where(t.offers.c.answer != "refused", t.offers.c.deadline >= now)
        .where(t.jobs.c.state == JobState.OPEN, t.jobs.c.attempt == t.offers.c.attempt)
    )
    running = (
        select(t.runs.c.provider, t.jobs.c.job_id, t.jobs.c.terms)
        .join(t.jobs, t.jobs.c.job_id == t.runs.c.job_id)
        .where(t.runs.c.settled.is_(False), t.jobs.c.attempt == t.runs.c.attempt)
        .where(t.jobs.c.state == JobState.RUNNING, t.jobs.c.deadline >= now)
    )
    return [
        Reservation(row.provider, row.job_id, row.terms.resources, claimed)
        for claimed, query in ((False, offered), (True, running))
        for row in await tx.execute(query)
    ]


async def bonds_held(tx: AsyncConnection) -> dict[Address, int]:
    """Units of bonded capacity that each provider's runs hold on-chain: until they are settled, whoever placed them."""
    live = (
        select(t.runs.c.provider, t.jobs.c.terms)
        .join(t.jobs, t.jobs.c.job_id == t.runs.c.job_id)
        .where(t.runs.c.settled.is_(False))
    )
    held: dict[Address, int] = {}
    for row in await tx.execute(live):
        held[row.provider] = held.get(row.provider, 0) + units_of(row.terms.resources)
    return held


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


async def live_agents(tx: AsyncConnection, now_ms: int, heartbeat_s: int) -> Sequence[Row[Any]]:
    """The rows of the agents that some scheduler has a session with and has heard within three heartbeats."""
    live = is_live(oldest_live_ms(now_ms, heartbeat_s))
    return (await tx.execute(select(t.agents).where(live).order_by(t.agents.c.agent))).all()


# ---- builds -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BuildRow:
    """What is known about building one bundle."""

    cid: Cid
    digest: Digest | None = None
    image_name: str = ""
    manifest: Manifest | None = None
    refused: str | None = None
    postponed_until: int | None = None
    why: str = ""
    tries: int = 0
    log: str = ""


async def load_build(tx: AsyncConnection, cid: Cid) -> BuildRow | None:
    """The build of this bundle; None when it was never begun."""
    row = (await tx.execute(select(t.builds).where(t.builds.c.cid == cid))).first()
    if row is None:
        return None
    return BuildRow(**{name: getattr(row, name) for name in BuildRow.__dataclass_fields__})


async def save_build(tx: AsyncConnection, build: BuildRow) -> None:
    """Write all of it."""
    values = asdict(build) | {"manifest": build.manifest, "lease_until_ms": 0}
    await upsert(tx, t.builds, values)

"""One deployment as the API shows it. Its state is what the contract would say at this moment."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, and_, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from chain.api import (
    Deployment,
    DeploymentSummary,
    Endpoint,
    OutcomeAnswer,
    RunBody,
    TransactionBody,
    TransactionPage,
)
from chain.convert import rates_body, terms_body, usage_body
from chain.errors import InvalidInput, NotFound
from chain.job import JobId, Rates
from chain.wire import RatesBody, RunStatus, UsageBody
from scheduler.api.listing import SHOWN, summaries
from scheduler.ingress.places import Places, endpoints_of
from scheduler.rows import tables as t
from scheduler.rows.database import Store
from scheduler.rows.facts import JobFacts, RunFacts
from scheduler.rows.states import Moment
from scheduler.rows.store import load_job
from scheduler.rows.turns import shown_events

NO_RATES = RatesBody(cpu_ms="0", memory_mib_s="0", egress_kib="0", wall_s="0")
_CURSOR = re.compile(r"([0-9]{1,18})-([0-9]{1,9})")


async def show_deployment(
    store: Store,
    at: Moment,
    job_id: JobId,
    degraded: Mapping[str, str] | None = None,
    places: Places | None = None,
) -> Deployment:
    """One deployment.

    Args:
        degraded: what does not answer this scheduler at present.
        places: where services are reached; None where nobody asks.

    Raises:
        NotFound: no such job was posted, as far as this scheduler has read the chain.
    """
    async with store.read() as tx:
        job = await load_job(tx, job_id)
        if job is None:
            raise unknown(job_id)
        row = (await tx.execute(select(*SHOWN).where(t.jobs.c.job_id == job_id))).one()
        (summary,) = await summaries(tx, [row], at)
        over = summary.state in ("Ended", "Closed")
        return Deployment(
            **dict(summary),
            terms=terms_body(job.terms),
            runs=await _runs(tx, job),
            transactions=[_transaction(row) for row in await shown_events(tx, job_id)],
            logs_public=await logs_public(tx, job.terms.cid),
            endpoints=[] if over else await _endpoints(tx, summary, places),
            degraded={} if over else dict(degraded or {}) | await _degraded(tx, job_id),
        )


async def _endpoints(
    tx: AsyncConnection, summary: DeploymentSummary, places: Places | None
) -> list[Endpoint]:
    if places is None or not summary.ports:
        return []
    url = await url_of_agent(tx, summary.provider)
    return endpoints_of(places, JobId(summary.job_id), summary.ports, url)


async def url_of_agent(tx: AsyncConnection, agent: str | None) -> str | None:
    """Where an agent says it is reached; never to be asked from here."""
    query = select(t.agents.c.url).where(t.agents.c.agent == agent)
    found: str | None = (await tx.execute(query)).scalar_one_or_none()
    return found


async def _degraded(tx: AsyncConnection, job_id: JobId) -> dict[str, str]:
    """What is out of order with this job alone, as its last look noted."""
    noted = select(t.work.c.degraded).where(t.work.c.job_id == job_id)
    why = (await tx.execute(noted)).scalar_one_or_none()
    return {"job": why} if why else {}


def unknown(job_id: JobId) -> NotFound:
    """There is no such job here (yet)."""
    return NotFound(f"Job {job_id[:12]} is not known here.", "Check the id, or wait for its block.")


async def logs_public(tx: AsyncConnection, cid: str) -> bool:
    """Whether the bundle's manifest lets everybody read its logs; not before it was fetched."""
    found = (
        await tx.execute(select(t.builds.c.manifest).where(t.builds.c.cid == cid))
    ).scalar_one_or_none()
    return found is not None and found.logs == "public"


async def version_of(store: Store, job_id: JobId) -> Any:
    """What changes whenever rows of a deployment do, in one query by keys; None when there is no such job.

    What time brings is not in it: `scheduler.rows.states.state_of_row` derives that from the same row.
    """
    j, w, r, s = t.jobs.c, t.work.c, t.runs.c, t.run_status.c
    mine = and_(r.job_id == j.job_id, r.attempt == j.attempt)
    told = and_(s.job_id == j.job_id, s.attempt == j.attempt)
    query = (
        select(
            j.job_id, j.state, j.deposit, j.deposited, j.refunded, j.deadline, j.attempt, j.settled,
            j.ended_why, j.alarm, w.phase, w.why, w.since, w.degraded, r.earned, r.released, r.reported_at, r.exit_code,
            r.settled.label("run_settled"), r.dispute_id, r.ruling, s.at_ms,
        )
        .select_from(
            t.jobs.outerjoin(t.work, w.job_id == j.job_id)
            .outerjoin(t.runs, mine)
            .outerjoin(t.run_status, told)
        )
        .where(j.job_id == job_id)
    )  # fmt: skip
    async with store.read() as tx:
        return (await tx.execute(query)).first()


async def outcome_of(store: Store, job_id: JobId) -> OutcomeAnswer:
    """What was vouched for of a job's newest run.

    Raises:
        NotFound: no such job.
    """
    async with store.read() as tx:
        job = await load_job(tx, job_id)
        if job is None:
            raise unknown(job_id)
        run = job.runs[-1] if job.runs else None
        if run is None:
            return OutcomeAnswer(attempt=0, provider=None, outcome=None)
        s = t.run_status.c
        mine = and_(s.job_id == job_id, s.attempt == run.attempt)
        status = (await tx.execute(select(s.status).where(mine))).scalar_one_or_none()
    told = status.outcome if status is not None else None
    return OutcomeAnswer(attempt=run.attempt, provider=run.provider, outcome=told)


async def list_transactions(
    store: Store, job_id: JobId, limit: int, cursor: str | None
) -> TransactionPage:
    """A page of a job's events with their transactions, in the chain's order.

    Raises:
        InvalidInput: the cursor is not one of ours.
        NotFound: no such job.
    """
    c = t.events.c
    query = select(t.events).where(c.job_id == job_id)
    if cursor is not None:
        match = _CURSOR.fullmatch(cursor)
        if match is None:
            raise InvalidInput(
                "That is not a cursor of ours.", "Give back `next` of the page before."
            )
        query = query.where(
            tuple_(c.block_number, c.log_index) > tuple_(int(match[1]), int(match[2]))
        )
    query = query.order_by(c.block_number, c.log_index).limit(limit + 1)
    async with store.read() as tx:
        rows = (await tx.execute(query)).all()
        known = select(t.jobs.c.job_id).where(t.jobs.c.job_id == job_id)
        if not rows and (await tx.execute(known)).first() is None:
            raise unknown(job_id)
    last = rows[limit - 1] if len(rows) > limit else None
    return TransactionPage(
        items=[_transaction(row) for row in rows[:limit]],
        next=f"{last.block_number}-{last.log_index}" if last is not None else None,
    )


def _transaction(row: Row[Any]) -> TransactionBody:
    return TransactionBody(
        event=row.name,
        tx_hash=row.tx_hash,
        block=row.block_number,
        at=row.at,
        data=json.loads(row.data),
    )


async def _runs(tx: AsyncConnection, job: JobFacts) -> list[RunBody]:
    told = await tx.execute(select(t.run_status).where(t.run_status.c.job_id == job.job_id))
    statuses: dict[int, RunStatus] = {row.attempt: row.status for row in told}
    o, r = t.offers.c, t.rate_cards.c
    offers = await tx.execute(
        select(o.attempt, o.provider, o.chosen_why).where(o.job_id == job.job_id)
    )
    chosen = {(row.attempt, row.provider): row.chosen_why for row in offers}
    named = or_(
        False,
        *(and_(r.provider == run.provider, r.rate_card == run.rate_card) for run in job.runs),
    )
    cards: dict[tuple[str, int], Rates] = {
        (row.provider, row.rate_card): row.rates
        for row in await tx.execute(select(t.rate_cards).where(named))
    }
    return [
        _run(
            run,
            statuses.get(run.attempt),
            cards.get((run.provider, run.rate_card)),
            chosen.get((run.attempt, run.provider), ""),
        )
        for run in job.runs
    ]


def _run(run: RunFacts, status: RunStatus | None, rates: Rates | None, why: str) -> RunBody:
    return RunBody(
        attempt=run.attempt,
        provider=run.provider,
        chosen_why=why,
        started_at=run.started_at,
        rates=rates_body(rates) if rates else NO_RATES,
        usage=usage_body(run.usage),
        metered=status.usage if status else UsageBody(),
        earned=str(run.earned),
        released=str(run.released),
        image=run.image,
        exit_code=run.exit_code,
        result_cid=run.result_cid,
        evidence=status.evidence if status else "",
        runtime=status.runtime if status else "",
    )

"""Rows as the API shows them. States are derived at this moment of chain time, exactly as the contract would."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from sqlalchemy import Integer, and_, case, func, or_, select
from sqlalchemy import cast as cast_to
from sqlalchemy.ext.asyncio import AsyncConnection

from chain.api import Deployment, DeploymentPage, Phase, RunBody, TransactionBody
from chain.convert import rates_body, terms_body, usage_body
from chain.errors import InvalidInput, NotFound
from chain.job import Address, JobId, JobState, Parameters, Rates
from chain.wire import RatesBody, RunStatus, UsageBody
from scheduler import tables as t
from scheduler.facts import JobFacts, RunFacts
from scheduler.store import Store, load_job, load_jobs

StateName = Literal["Open", "Running", "Ended", "Disputed", "Closed"]
STATE_NAMES: dict[JobState, StateName] = {
    JobState.OPEN: "Open",
    JobState.RUNNING: "Running",
    JobState.ENDED: "Ended",
    JobState.DISPUTED: "Disputed",
    JobState.CLOSED: "Closed",
}
NO_RATES = RatesBody(cpu_ms="0", memory_mib_s="0", egress_kib="0", wall_s="0")


@dataclass(frozen=True, slots=True)
class Moment:
    """What states are derived by: chain time in seconds, and the escrow's rules."""

    now: int
    rules: Parameters


async def show_deployment(store: Store, at: Moment, job_id: JobId) -> Deployment:
    """One deployment.

    Raises:
        NotFound: no such job was posted, as far as this scheduler has read the chain.
    """
    async with store.read() as tx:
        job = await load_job(tx, job_id)
        if job is None:
            raise NotFound(
                f"Job {job_id[:12]} is not known here.", "Check the id, or wait for its block."
            )
        return (await _show(tx, [job], at))[0]


async def list_deployments(
    store: Store,
    at: Moment,
    consumer: Address | None,
    state: StateName | None,
    limit: int,
    cursor: str | None,
) -> DeploymentPage:
    """Deployments, newest first."""
    c = t.jobs.c
    query = select(c.job_id, c.posted_block, c.posted_index)
    if consumer is not None:
        query = query.where(c.consumer == consumer)
    if cursor is not None:
        block, index = _cursor(cursor)
        query = query.where(
            or_(c.posted_block < block, and_(c.posted_block == block, c.posted_index < index))
        )
    query = query.order_by(c.posted_block.desc(), c.posted_index.desc())
    async with store.read() as tx:
        rows = (await tx.execute(query.limit(limit + 1))).all()
        page = rows[:limit]
        jobs = await load_jobs(tx, [JobId(row.job_id) for row in page])
        items = await _show(tx, jobs, at)
    if state is not None:
        items = [item for item in items if item.state == state]
    more = len(rows) > limit
    last = page[-1] if page else None
    return DeploymentPage(
        items=items, next=f"{last.posted_block}-{last.posted_index}" if more and last else None
    )


def _cursor(text: str) -> tuple[int, int]:
    block, _, index = text.partition("-")
    if (
        not (block.isascii() and block.isdigit() and index.isascii() and index.isdigit())
        or len(text) > 40
    ):
        raise InvalidInput("That is not a cursor of ours.", "Give back `next` of the page before.")
    return int(block), int(index)


async def count_states(store: Store, at: Moment) -> dict[str, int]:
    """How many jobs are in which state."""
    c = t.jobs.c
    window, grace = at.rules.window, at.rules.settle_grace
    closed_before = (
        at.now // window - 1
    ) * window - grace  # as `chain.job.closes_at`, for every row at once
    over = and_(c.state == JobState.ENDED, c.settled, c.deposit == 0, c.deadline < closed_before)
    state = case(
        (and_(c.state == JobState.OPEN, c.deadline < at.now), int(JobState.ENDED)),
        (and_(c.state == JobState.RUNNING, c.deadline <= at.now), int(JobState.ENDED)),
        (over, int(JobState.CLOSED)),
        else_=cast_to(c.state, Integer),
    )
    async with store.read() as tx:
        rows = (await tx.execute(select(state, func.count()).group_by(state))).all()
    return {STATE_NAMES[JobState(row[0])]: row[1] for row in rows}


async def _show(tx: AsyncConnection, jobs: Sequence[JobFacts], at: Moment) -> list[Deployment]:
    ids = [job.job_id for job in jobs]
    work = {
        row.job_id: row for row in await tx.execute(select(t.work).where(t.work.c.job_id.in_(ids)))
    }
    names = await _names(tx, [job.terms.cid for job in jobs])
    statuses = {
        (row.job_id, row.attempt): cast(RunStatus, row.status)
        for row in await tx.execute(select(t.run_status).where(t.run_status.c.job_id.in_(ids)))
    }
    cards = {
        (row.provider, row.rate_card): cast(Rates, row.rates)
        for row in await tx.execute(select(t.rate_cards))
    }
    events = await _events(tx, ids)
    shown = []
    for job in jobs:
        row = work.get(job.job_id)
        status = statuses.get((job.job_id, job.attempt))
        state = job.state_at(at.now, at.rules)
        runs = [_run(run, statuses.get((job.job_id, run.attempt)), cards) for run in job.runs]
        shown.append(
            Deployment(
                job_id=job.job_id,
                name=names.get(job.terms.cid, ""),
                consumer=job.terms.consumer,
                cid=job.terms.cid,
                state=STATE_NAMES[state],
                phase=_phase(state, row.phase if row else "", status),
                why=_why(job, state, row, status),
                since=row.since if row else job.posted_at,
                deposit=str(job.deposited),
                refunded=str(job.refunded),
                posted_at=job.posted_at,
                claim_by=job.claim_by,
                ends_by=None if job.state is JobState.OPEN else job.deadline,
                terms=terms_body(job.terms),
                runs=runs,
                transactions=events.get(job.job_id, []),
            )
        )
    return shown


async def _names(tx: AsyncConnection, cids: Sequence[str]) -> dict[str, str]:
    query = select(t.builds.c.cid, t.builds.c.manifest).where(t.builds.c.cid.in_(cids))
    return {
        row.cid: row.manifest.name for row in await tx.execute(query) if row.manifest is not None
    }


async def _events(tx: AsyncConnection, ids: Sequence[str]) -> dict[str, list[TransactionBody]]:
    ordered = select(t.events).where(t.events.c.job_id.in_(ids))
    ordered = ordered.order_by(t.events.c.block_number, t.events.c.log_index)
    found: dict[str, list[TransactionBody]] = {}
    for row in await tx.execute(ordered):
        body = TransactionBody(
            event=row.name,
            tx_hash=row.tx_hash,
            block=row.block_number,
            at=row.at,
            data=json.loads(row.data),
        )
        found.setdefault(row.job_id, []).append(body)
    return found


def _run(run: RunFacts, status: RunStatus | None, cards: dict[Any, Rates]) -> RunBody:
    rates = cards.get((run.provider, run.rate_card))
    return RunBody(
        attempt=run.attempt,
        provider=run.provider,
        started_at=run.started_at,
        rates=rates_body(rates) if rates else NO_RATES,
        usage=usage_body(run.usage),
        metered=status.usage if status else UsageBody(),
        earned=str(run.earned),
        released=str(run.released),
        image=run.image,
        exit_code=run.exit_code,
        result_cid=run.result_cid,
    )


def _phase(state: JobState, phase: str, status: RunStatus | None) -> Phase:
    match state:
        case JobState.OPEN:
            open_phases = ("fetching", "building", "placing", "assigned", "failed")
            return cast(Phase, phase if phase in open_phases else "fetching")
        case JobState.RUNNING:
            running = status is not None and status.phase in (
                "running",
                "stopping",
                "completing",
                "finished",
            )
            return "running" if running else "claimed"
        case JobState.CLOSED:
            return "closed"
        case _:
            return "ended"


def _why(job: JobFacts, state: JobState, work: Any, status: RunStatus | None) -> str:
    """What the consumer should know: why it waits, failed or ended."""
    noted = work.why if work else ""
    disputing = work and work.phase == "disputing"
    if job.alarm or (disputing and state in (JobState.RUNNING, JobState.DISPUTED)):
        return job.alarm or f"disputed by its watcher: {noted}"
    if state is JobState.OPEN:
        return noted
    told = status.why if status is not None and status.phase != "refused" else ""
    if state is JobState.RUNNING:
        return told
    run = job.current
    if run is None and not job.ended_why:
        return f"nobody claimed it in time: {noted}" if noted else "nobody claimed it in time"
    if run is not None and run.exit_code is not None and told:
        return told
    if job.ended_why:
        return job.ended_why
    if run is not None and job.unspent == 0 and job.refunded == 0:
        return "the deposit is used up"
    return "the time that was asked for is used up"

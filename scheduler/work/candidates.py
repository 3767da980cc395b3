"""The live agents as rows tell of them: what each offers, what is taken of it, its price and its record.

What it costs grows with the agents and with what runs or is offered now, not with what ever ran.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, and_, select, union
from sqlalchemy.ext.asyncio import AsyncConnection

from chain.convert import resources_of
from chain.group import member_of, salts_of
from chain.job import Address, JobId, JobState, JobTerms, Rates, Resources, units_of
from scheduler.decide.fit import DRAINING, Candidate, total
from scheduler.rows import tables as t
from scheduler.rows.facts import JobFacts
from scheduler.rows.store import gpus_free, is_live, live_agents, oldest_live_ms

AVOID_S = 15  # an agent that refused a job is left alone with it for so long


@dataclass(frozen=True, slots=True)
class Taken:
    """What one offer or unsettled run takes of its provider.

    Args:
        busy: whether it holds room on the machine too; a run that ended holds bond alone.
    """

    provider: Address
    job_id: JobId
    terms: JobTerms
    busy: bool

    @property
    def units(self) -> int:
        """Of its bond, held for the run or needed for the offer."""
        return units_of(self.terms.resources)


@dataclass(frozen=True, slots=True)
class Moment:
    """When the question is asked.

    Args:
        now: chain time in seconds.
        now_ms: this machine's clock.
        heartbeat_s: how often agents are heard.
    """

    now: int
    now_ms: int
    heartbeat_s: int


@dataclass(frozen=True, slots=True)
class Standing:
    """A provider's row: bonded units (0 while it leaves), its current rates and its record."""

    units: int = 0
    rates: Rates | None = None
    completed: int = 0
    lapsed: int = 0
    disputes_lost: int = 0


@dataclass(frozen=True, slots=True)
class _Sum:
    """Over all that one provider has taken on."""

    reserved: Resources = field(default_factory=lambda: Resources(0, 0, 0))
    units: int = 0
    jobs: int = 0
    siblings: int = 0


async def agent_is_live(tx: AsyncConnection, agent: Address, now_ms: int, heartbeat_s: int) -> bool:
    """Whether this agent is among the live ones."""
    c = t.agents.c
    query = select(c.agent).where(c.agent == agent, is_live(oldest_live_ms(now_ms, heartbeat_s)))
    return (await tx.execute(query)).first() is not None


async def candidates(
    tx: AsyncConnection, at: Moment, job: JobFacts | None = None, only: Address | None = None
) -> list[Candidate]:
    """The live agents with what they have free.

    Args:
        job: the one to place: what is offered for it counts as free, and agents that refused it lately are marked.
        only: look at this agent alone.
    """
    agents = await live_agents(tx, at.now_ms, at.heartbeat_s, only)
    if not agents:
        return []
    standings = await _standings(tx, [row.agent for row in agents])
    refused = await _refused(tx, job.job_id, at.now) if job else {}
    held_apart = await _of_group(tx, job, at.now) if job else set()
    by_provider: dict[str, list[Taken]] = {}
    for one in await taken(tx, at.now, only):
        by_provider.setdefault(one.provider, []).append(one)
    return [
        _candidate(
            row,
            standings.get(row.agent, Standing()),
            _sum(by_provider.get(row.agent, []), job),
            refused.get(row.agent),
            apart=row.agent not in held_apart,
        )
        for row in agents
    ]


def _candidate(
    row: Row[Any], standing: Standing, held: _Sum, refused: str | None, *, apart: bool
) -> Candidate:
    told = row.heartbeat
    avoid = f"just refused it ({refused})" if refused is not None else ""
    return Candidate(
        agent=row.agent,
        capacity=resources_of(told.capacity if told else row.capacity),
        reserved=held.reserved,
        rates=standing.rates,
        units_free=standing.units - held.units,
        disk_free_mib=told.disk_free_mib if told else None,
        jobs=held.jobs,
        avoid=DRAINING if told is not None and told.draining else avoid,
        attributes=row.attributes,
        runtimes=row.runtimes,
        gpus_free=gpus_free(row),
        siblings=held.siblings,
        apart=apart,
        completed=standing.completed,
        lapsed=standing.lapsed,
        disputes_lost=standing.disputes_lost,
    )


def _sum(items: Sequence[Taken], job: JobFacts | None) -> _Sum:
    others = [one for one in items if job is None or one.job_id != job.job_id]
    busy = [one for one in others if one.busy]
    kin = (job.terms.consumer, job.terms.cid) if job else None
    return _Sum(
        reserved=total(one.terms.resources for one in busy),
        units=sum(one.units for one in others),
        jobs=len(busy),
        siblings=sum((one.terms.consumer, one.terms.cid) == kin for one in busy),
    )


async def taken(tx: AsyncConnection, now: int, only: Address | None = None) -> list[Taken]:
    """Offers that can still be used, and runs that are not settled, whoever placed them."""
    j, o, r = t.jobs.c, t.offers.c, t.runs.c
    offered = (
        select(o.provider, j.job_id, j.terms)
        .join(t.jobs, j.job_id == o.job_id)
        .where(o.answer != "refused", o.deadline >= now)
        .where(j.state == JobState.OPEN, j.attempt == o.attempt, j.deadline >= now)
    )
    claimed = (
        select(r.provider, r.attempt, j.job_id, j.terms, j.state, j.deadline)
        .add_columns(j.attempt.label("latest"))
        .join(t.jobs, j.job_id == r.job_id)
        .where(r.settled.is_(False))
    )
    if only is not None:
        offered, claimed = offered.where(o.provider == only), claimed.where(r.provider == only)
    found = [
        Taken(row.provider, row.job_id, row.terms, busy=True) for row in await tx.execute(offered)
    ]
    for row in await tx.execute(claimed):
        busy = row.state is JobState.RUNNING and row.attempt == row.latest and row.deadline >= now
        found.append(Taken(row.provider, row.job_id, row.terms, busy))
    return found


async def _standings(tx: AsyncConnection, agents: Sequence[Address]) -> dict[str, Standing]:
    p, c = t.providers.c, t.rate_cards.c
    card = and_(c.provider == p.provider, c.rate_card == p.rate_card)
    query = (
        select(t.providers, c.rates)
        .join(t.rate_cards, card, isouter=True)
        .where(p.provider.in_(agents))
    )
    return {
        row.provider: Standing(
            units=row.bonded if row.unbond_at == 0 else 0,
            rates=row.rates,
            completed=row.completed,
            lapsed=row.lapsed,
            disputes_lost=row.disputes_lost,
        )
        for row in await tx.execute(query)
    }


async def _refused(tx: AsyncConnection, job_id: JobId, now: int) -> dict[str, str]:
    c = t.offers.c
    lately = and_(c.job_id == job_id, c.answer == "refused", c.answered_at > now - AVOID_S)
    return {row.provider: row.why for row in await tx.execute(select(t.offers).where(lately))}


async def _of_group(tx: AsyncConnection, job: JobFacts, now: int) -> set[str]:
    """Who runs, ran or is offered another member of the job's `verify` group: none may answer it twice."""
    member = member_of(job.terms.salt)
    if member is None or member.kind != "verify":
        return set()
    j, o, r = t.jobs.c, t.offers.c, t.runs.c
    others = and_(
        j.member.between(*salts_of(member.group)),
        j.consumer == job.terms.consumer,
        j.cid == job.terms.cid,
        j.job_id != job.job_id,
    )
    ran = select(r.provider).join(t.jobs, j.job_id == r.job_id).where(others)
    offered = (
        select(o.provider)
        .join(t.jobs, and_(j.job_id == o.job_id, j.attempt == o.attempt))
        .where(others, o.answer != "refused", o.deadline >= now, j.state == JobState.OPEN)
    )
    return {row.provider for row in await tx.execute(union(ran, offered))}


async def lock_agent(tx: AsyncConnection, agent: Address) -> None:
    """Let nobody else hand out this agent's room until the transaction ends. (SQLite has one writer anyhow.)"""
    await tx.execute(select(t.agents.c.agent).where(t.agents.c.agent == agent).with_for_update())

"""The agents as the API lists them: a page at a time, each with what is free of it by this scheduler's own count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Text, and_, not_, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection

from chain.convert import rates_body, resources_body, resources_of
from chain.job import Address, JobState, Rates, Resources, units_of
from chain.market_api import AgentBody, RecordBody
from scheduler.decide.fit import Candidate, free, total
from scheduler.rows import tables as t
from scheduler.rows.store import gpus_free, is_live


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which agents.

    Args:
        after: those whose address comes after this.
        live: only those that are, or only those that are not.
        attributes: that they must say of themselves.
    """

    after: str | None = None
    live: bool | None = None
    attributes: Sequence[tuple[str, str]] = ()


async def list_agents(
    tx: AsyncConnection, wanted: Wanted, limit: int, oldest_ms: int, now: int
) -> list[AgentBody]:
    """The first of them, by address.

    Args:
        oldest_ms: who was heard from before is not live.
        now: chain time.
    """
    c = t.agents.c
    query = select(t.agents).order_by(c.agent).limit(limit)
    if wanted.after is not None:
        query = query.where(c.agent > wanted.after)
    if wanted.live is not None:
        live = is_live(oldest_ms)
        query = query.where(live if wanted.live else not_(live))
    for name, value in wanted.attributes:
        pair = f'"{name}":"{value}"'  # neither holds a quotation mark
        query = query.where(type_coerce(c.attributes, Text).contains(pair, autoescape=True))
    return await _bodies(tx, (await tx.execute(query)).all(), oldest_ms, now)


async def show_agent(
    tx: AsyncConnection, agent: Address, oldest_ms: int, now: int
) -> AgentBody | None:
    """One agent; None when it never logged in."""
    rows = (await tx.execute(select(t.agents).where(t.agents.c.agent == agent))).all()
    found = await _bodies(tx, rows, oldest_ms, now)
    return found[0] if found else None


async def _bodies(
    tx: AsyncConnection, rows: Sequence[Row[Any]], oldest_ms: int, now: int
) -> list[AgentBody]:
    agents = [Address(row.agent) for row in rows]
    held = await _held(tx, agents, now)
    standings = await _standings(tx, agents)
    nobody = (None, None)
    return [
        _body(row, held.get(row.agent, []), standings.get(row.agent, nobody), oldest_ms)
        for row in rows
    ]


def _body(
    row: Row[Any],
    held: Sequence[Resources],
    standing: tuple[Rates | None, RecordBody | None],
    oldest_ms: int,
) -> AgentBody:
    told = row.heartbeat
    rates, record = standing
    left = free(Candidate(row.agent, resources_of(row.capacity), total(held)))
    return AgentBody(
        agent=row.agent,
        url=row.url,
        live=row.session_at is not None and row.last_seen_ms >= oldest_ms,
        last_seen_ms=row.last_seen_ms,
        capacity=row.capacity,
        attributes=row.attributes,
        runtimes=row.runtimes,
        gpus=row.gpus,
        free=resources_body(left),
        rates=rates_body(rates) if rates else None,
        cpu_percent=told.cpu_percent if told else 0.0,
        memory_used_mib=told.memory_used_mib if told else 0,
        disk_free_mib=told.disk_free_mib if told else 0,
        running=len(held),
        draining=told.draining if told else False,
        gpus_free=gpus_free(row),
        record=record,
    )


async def _held(
    tx: AsyncConnection, agents: Sequence[Address], now: int
) -> dict[str, list[Resources]]:
    """What offers that can still be used and live runs hold of these agents."""
    o, r, j = t.offers.c, t.runs.c, t.jobs.c
    offered = (
        select(o.provider, j.terms)
        .join(t.jobs, j.job_id == o.job_id)
        .where(o.provider.in_(agents), o.deadline >= now, o.answer != "refused")
        .where(j.state == JobState.OPEN, j.attempt == o.attempt)
    )
    running = (
        select(r.provider, j.terms)
        .join(t.jobs, j.job_id == r.job_id)
        .where(r.provider.in_(agents), r.settled.is_(False), j.attempt == r.attempt)
        .where(j.state == JobState.RUNNING, j.deadline >= now)
    )
    held: dict[str, list[Resources]] = {}
    for query in (offered, running):
        for row in await tx.execute(query):
            held.setdefault(row.provider, []).append(row.terms.resources)
    return held


async def _standings(
    tx: AsyncConnection, agents: Sequence[Address]
) -> dict[str, tuple[Rates | None, RecordBody]]:
    """The rates and the record of those that ever registered."""
    p, c = t.providers.c, t.rate_cards.c
    card = and_(c.provider == p.provider, c.rate_card == p.rate_card)
    query = select(t.providers, c.rates).join(t.rate_cards, card, isouter=True)
    rows = (await tx.execute(query.where(p.provider.in_(agents)))).all()
    reserved = await _reserved(tx, agents)
    return {row.provider: (row.rates, _record(row, reserved.get(row.provider, 0))) for row in rows}


def _record(row: Row[Any], reserved: int) -> RecordBody:
    return RecordBody(
        completed=row.completed,
        lapsed=row.lapsed,
        disputes_lost=row.disputes_lost,
        bonded_units=row.bonded,
        reserved_units=reserved,
    )


async def _reserved(tx: AsyncConnection, agents: Sequence[Address]) -> dict[str, int]:
    """What the runs hold of each bond, as the contract counts it: until they are settled."""
    r, j = t.runs.c, t.jobs.c
    query = select(r.provider, j.terms).join(t.jobs, j.job_id == r.job_id)
    reserved: dict[str, int] = {}
    for row in await tx.execute(query.where(r.provider.in_(agents), r.settled.is_(False))):
        units = units_of(row.terms.resources)
        reserved[row.provider] = reserved.get(row.provider, 0) + units
    return reserved

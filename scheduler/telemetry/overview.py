"""The market in figures: how many jobs are in which state, what waits, who works."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast, get_args

from sqlalchemy import func, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from chain.api import State
from chain.market_api import CopyBody
from scheduler.rows import tables as t
from scheduler.rows.database import Store
from scheduler.rows.states import Moment, parts_of
from scheduler.rows.store import is_live, oldest_live_ms


@dataclass(frozen=True, slots=True)
class Figures:
    """Counted from rows."""

    jobs: dict[State, int]
    phases: dict[str, int]  # of the Open ones
    due: int
    agents: int
    agents_live: int
    copies: list[CopyBody]


async def figures(store: Store, at: Moment, now_ms: int, heartbeat_s: int) -> Figures:
    """All of it, in one view of the database.

    Args:
        now_ms: Unix milliseconds.
        heartbeat_s: how often agents are heard.
    """
    w, j, a = t.work.c, t.jobs.c, t.agents.c
    waiting = (
        select(w.phase, func.count())
        .join(t.jobs, j.job_id == w.job_id)
        .where(*(part.where() for part in parts_of("Open", at)))
        .group_by(w.phase)
    )
    live = is_live(oldest_live_ms(now_ms, heartbeat_s))
    held = select(a.session_at, func.count()).where(live).group_by(a.session_at)
    leased = (
        select(w.lease_owner, func.count())
        .where(w.lease_owner.is_not(None), w.lease_until_ms > now_ms)
        .group_by(w.lease_owner)
    )
    async with store.read() as tx:
        jobs = await count_states(tx, at)
        phases = {row[0]: row[1] for row in await tx.execute(waiting)}
        due = select(func.count()).select_from(t.work).where(w.due_at <= at.now)
        due_jobs = (await tx.execute(due)).scalar_one()
        agents = (await tx.execute(select(func.count()).select_from(t.agents))).scalar_one()
        sessions = {row[0]: row[1] for row in await tx.execute(held)}
        leases = {row[0]: row[1] for row in await tx.execute(leased)}
    copies = [
        CopyBody(name=name, agents=sessions.get(name, 0), working_on=leases.get(name, 0))
        for name in sorted({*sessions, *leases})
    ]
    return Figures(jobs, phases, due_jobs, agents, sum(sessions.values()), copies)


async def count_states(tx: AsyncConnection, at: Moment) -> dict[State, int]:
    """How many jobs are in which state; states without any are left out."""
    counts = [
        select(literal(state).label("state"), func.count().label("jobs"))
        .select_from(t.jobs)
        .where(part.where())
        for state in get_args(State)
        for part in parts_of(state, at)
    ]
    found: dict[State, int] = {}
    for row in await tx.execute(union_all(*counts)):
        state = cast(State, row[0])
        found[state] = found.get(state, 0) + row[1]
    return {state: count for state, count in found.items() if count}

"""Sessions as rows: which copy holds whose, when each agent was heard from, and where its runs stand.

All of it is written many at a time, inside a transaction of the caller.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import BindParameter, and_, bindparam, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chain.job import Address, JobId
from chain.wire import RunStatus
from scheduler.rows import tables as t
from scheduler.rows.batch import parts, upsert_all
from scheduler.rows.leases import wake
from scheduler.sessions.session import RunId, Session

SOON_S = 10  # a job that waits for an agent is due within so many seconds
LONG_GONE_MS = 600_000  # agents that were silent for longer were noticed before

Standing = Literal["claimed", "offered", "foreign", "unknown"]


@dataclass(frozen=True, slots=True)
class News:
    """A run's status as its agent told it; `answered`: in answer to an offer."""

    agent: Address
    status: RunStatus
    answered: bool

    @property
    def run(self) -> RunId:
        """Which run."""
        return self.status.job_id, self.status.attempt


async def enter(tx: AsyncConnection, me: str, sessions: Sequence[Session], now: int) -> None:
    """Agents have come to this copy. Their open offers are sent again, and jobs that wait are looked at.

    Args:
        me: this copy's name.
        now: chain time.
    """
    rows = [_agent_row(session, me) for session in sessions]
    await upsert_all(tx, t.agents, sorted(rows, key=lambda row: str(row["agent"])))
    agents = [session.agent for session in sessions]
    o, w = t.offers.c, t.work.c
    unanswered = and_(o.provider.in_(agents), o.deadline >= now, o.answer == "")
    await tx.execute(update(t.offers).where(unanswered).values(sent_at=None))
    waiting = and_(w.due_at.between(1, now + SOON_S), w.phase.in_(("placing", "assigned")))
    await tx.execute(update(t.work).where(waiting).values(due_at=0))


def _agent_row(session: Session, me: str) -> dict[str, Any]:
    hello = session.hello
    return {
        "agent": session.agent,
        "url": hello.url,
        "version": hello.version,
        "capacity": hello.capacity,
        "attributes": dict(hello.attributes),
        "runtimes": list(hello.runtimes),
        "gpus": hello.gpus,
        "heartbeat": None,
        "last_seen_ms": session.last_seen_ms,
        "session_at": me,
    }


async def leave(tx: AsyncConnection, me: str, agents: Sequence[Address], now: int) -> None:
    """Agents have gone from this copy in good order: what waits for them waits no longer."""
    a = t.agents.c
    mine = and_(a.agent.in_(agents), a.session_at == me)
    await tx.execute(update(t.agents).where(mine).values(session_at=None))
    await wake_runs_of(tx, agents, now)


async def silent(tx: AsyncConnection, oldest_ms: int) -> list[Address]:
    """Agents that hold a session by their rows, and that no copy has heard from since `oldest_ms`."""
    a = t.agents.c
    recent = a.last_seen_ms.between(oldest_ms - LONG_GONE_MS, oldest_ms - 1)
    query = select(a.agent).where(recent, a.session_at.is_not(None))
    return [Address(agent) for agent in (await tx.execute(query)).scalars()]


async def lose(tx: AsyncConnection, agents: Sequence[Address], oldest_ms: int, now: int) -> None:
    """These agents hold no session any more, unless they were heard from meanwhile."""
    a = t.agents.c
    still = and_(a.agent.in_(agents), a.last_seen_ms < oldest_ms)
    await tx.execute(update(t.agents).where(still).values(session_at=None))
    await wake_runs_of(tx, agents, now)


async def wake_runs_of(tx: AsyncConnection, agents: Sequence[Address], now: int) -> None:
    """Look now at the jobs that are offered to these agents or run on them."""
    o, r, w = t.offers.c, t.runs.c, t.work.c
    offered = select(o.job_id).where(o.provider.in_(agents), o.deadline >= now)
    running = select(r.job_id).where(r.provider.in_(agents), r.settled.is_(False))
    theirs = w.job_id.in_(offered.union(running))
    await tx.execute(update(t.work).where(theirs, w.due_at != 0).values(due_at=0))


async def beat(tx: AsyncConnection, me: str, sessions: Sequence[Session]) -> None:
    """Note that these agents were heard from, also when they were thought lost. One that went to another copy
    meanwhile is left to that. Where runs stand is in rows of their own."""
    rows = [
        {
            "of": session.agent,
            "seen": session.last_seen_ms,
            "beat": session.heartbeat and session.heartbeat.model_copy(update={"runs": []}),
            "offers": session.heartbeat.capacity if session.heartbeat else session.hello.capacity,
        }
        for session in sorted(sessions, key=lambda one: one.agent)
    ]
    a = t.agents.c
    ours = and_(a.agent == bindparam("of"), or_(a.session_at == me, a.session_at.is_(None)))
    statement = (
        update(t.agents)
        .where(ours)
        .values(
            last_seen_ms=bindparam("seen"),
            heartbeat=bindparam("beat"),
            capacity=bindparam("offers"),
            session_at=me,
        )
    )
    await tx.execute(statement, rows)


async def elsewhere(tx: AsyncConnection, me: str, agents: Collection[Address]) -> set[str]:
    """Those of these agents whose session another copy holds, by the rows."""
    a = t.agents.c
    found: set[str] = set()
    for part in parts(sorted(agents)):
        query = select(a.agent).where(a.agent.in_(part), a.session_at != me)
        found.update((await tx.execute(query)).scalars())
    return found


_JOBS: BindParameter[str] = bindparam("jobs", expanding=True)
_CLAIMED = select(t.runs.c.job_id, t.runs.c.attempt, t.runs.c.provider).where(
    t.runs.c.job_id.in_(_JOBS)
)
_OFFERED = select(t.offers.c.job_id, t.offers.c.attempt, t.offers.c.provider).where(
    t.offers.c.job_id.in_(_JOBS)
)


async def standing(
    tx: AsyncConnection, asked: Collection[tuple[Address, RunId]]
) -> dict[tuple[Address, RunId], Standing]:
    """How agents stand to runs, by the rows of this moment: a reorganisation may change it.

    A claimed run is its claimant's alone; before the claim is seen, it is spoken of by those it was offered to.
    """
    claimed: dict[RunId, str] = {}
    offered: dict[RunId, set[str]] = {}
    for part in parts(sorted({run[0] for _, run in asked})):
        for row in await tx.execute(_CLAIMED, {"jobs": part}):
            claimed[row.job_id, row.attempt] = row.provider
    for part in parts(sorted({run[0] for _, run in asked if run not in claimed})):
        for row in await tx.execute(_OFFERED, {"jobs": part}):
            offered.setdefault((row.job_id, row.attempt), set()).add(row.provider)
    return {
        (agent, run): _stands(agent, claimed.get(run), offered.get(run)) for agent, run in asked
    }


def _stands(agent: Address, claimant: str | None, offered: set[str] | None) -> Standing:
    if claimant is not None:
        return "claimed" if claimant == agent else "foreign"
    if offered is None:
        return "unknown"
    return "offered" if agent in offered else "foreign"


async def note_statuses(
    tx: AsyncConnection, news: Sequence[News], now: int, now_ms: int
) -> list[News]:
    """Write where runs stand, and answers to offers; runs that are not the agent's are passed over.

    Args:
        now: chain time.

    Returns:
        What was noted.
    """
    stands = await standing(tx, {(item.agent, item.run) for item in news})
    good = [item for item in news if stands[item.agent, item.run] in ("claimed", "offered")]
    rows = [
        {"job_id": one.run[0], "attempt": one.run[1], "status": one.status, "at_ms": now_ms}
        for one in sorted(good, key=lambda item: item.run)
        if one.status.phase != "refused"
    ]
    await upsert_all(tx, t.run_status, rows)
    answers = [item for item in good if item.answered or item.status.phase != "refused"]
    await _answer(tx, answers, now)
    await wake(tx, {JobId(item.run[0]) for item in good if item.answered})
    return good


async def _answer(tx: AsyncConnection, news: Sequence[News], now: int) -> None:
    if not news:
        return
    c = t.offers.c
    mine = and_(
        c.job_id == bindparam("job"), c.attempt == bindparam("try"), c.provider == bindparam("by")
    )
    changed = and_(mine, c.answer != bindparam("says"))
    statement = (
        update(t.offers)
        .where(changed)
        .values(answer=bindparam("says"), why=bindparam("because"), answered_at=now)
    )
    rows = [
        {
            "job": item.run[0],
            "try": item.run[1],
            "by": item.agent,
            "says": "refused" if item.status.phase == "refused" else "accepted",
            "because": item.status.why.replace("\x00", ""),
        }
        for item in sorted(news, key=lambda one: (one.run, one.agent))
    ]
    await tx.execute(statement, rows)


def take_news(session: Session, most: int = 200) -> list[News]:
    """Take from a session what is to be written of its runs."""
    keys = list(session.news)[:most]
    return [News(session.agent, *session.news.pop(key)) for key in keys]


def put_back(session: Session, news: Sequence[News]) -> None:
    """It could not be written: keep it for the next time, unless there is newer."""
    for item in news:
        session.news.setdefault(item.run, (item.status, item.answered))


def mark_written(sessions: Iterable[Session], noted: Sequence[News]) -> None:
    """Remember what the rows say, so that it is not written again."""
    by_agent = {session.agent: session for session in sessions}
    for item in noted:
        by_agent[item.agent].written[item.run] = item.status


async def agents_of(tx: AsyncConnection, jobs: Collection[JobId]) -> list[tuple[Address, JobId]]:
    """Every agent that has or had a run of one of these jobs, or an offer of one, with the job."""
    found: set[tuple[Address, JobId]] = set()
    for part in parts(sorted(jobs)):
        claimed = select(t.runs.c.provider, t.runs.c.job_id).where(t.runs.c.job_id.in_(part))
        offered = select(t.offers.c.provider, t.offers.c.job_id).where(t.offers.c.job_id.in_(part))
        for agent, job_id in await tx.execute(claimed.union(offered)):
            found.add((Address(agent), JobId(job_id)))
    return sorted(found)

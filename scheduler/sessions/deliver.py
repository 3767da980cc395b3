"""What goes down to agents: offers, from their rows, and word that the chain has touched their jobs.

Whoever wrote the row, the copy that holds the agent's session delivers it, and again until it is answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from sqlalchemy import Row, and_, bindparam, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chain.clock import ChainClock, unix_ms
from chain.convert import assignment_body, terms_body
from chain.job import Address, JobId, JobState
from chain.manifest import Manifest
from chain.messages import Assignment
from chain.trace import mark
from chain.wire import Offer, Wake
from scheduler.rows import tables as t
from scheduler.rows.batch import NO_ANSWER
from scheduler.rows.database import Store
from scheduler.sessions import links
from scheduler.sessions.session import Session
from scheduler.signals import EVERYTHING, TOUCHED, Signals, wait_for

log = structlog.get_logger()
LOOK_S = 1.0
GATHER_S = 0.02  # so that what is assigned in one breath goes out in one look
REPEAT_S = 5  # without an answer
AT_ONCE = 500


class Delivery:
    """Sends to the sessions of this copy.

    Args:
        me: this copy's name.
        sessions: those of this copy.
        url_of: where a job's service is reached.
    """

    def __init__(
        self,
        me: str,
        store: Store,
        signals: Signals,
        clock: ChainClock,
        sessions: Mapping[Address, Session],
        url_of: Callable[[str], str] = lambda _: "",
    ) -> None:
        self._me = me
        self._store = store
        self._signals = signals
        self._clock = clock
        self._sessions = sessions
        self._url_of = url_of

    async def offers(self) -> None:
        """Deliver offers until cancelled."""
        with self._signals.listen("offers") as hint:
            while True:
                hint.clear()
                try:
                    await self._deliver()
                except NO_ANSWER as error:
                    log.warning("offers.postponed", error=str(error)[:300])
                await asyncio.sleep(GATHER_S)
                await wait_for(hint, LOOK_S)

    async def wakes(self) -> None:
        """Tell the agents whose jobs the chain has touched to look at them now, until cancelled."""
        with self._signals.gather(TOUCHED) as names:
            while True:
                heard = await names.take() - {EVERYTHING}
                touched = {JobId(name.removeprefix(TOUCHED)) for name in heard}
                try:
                    async with self._store.read() as tx:
                        told = await links.agents_of(tx, touched)
                except NO_ANSWER as error:
                    log.warning("wakes.lost", error=str(error)[:300])
                    continue  # agents look by themselves too, only later
                for agent, job_id in told:
                    if (session := self._sessions.get(agent)) is not None:
                        session.post(Wake(job_id=job_id))
                await asyncio.sleep(GATHER_S)

    async def _deliver(self) -> None:
        if not self._sessions:
            return
        now = self._clock.now()
        async with self._store.read() as tx:
            rows = await due_offers(tx, self._me, now)
        sent = [row for row in rows if self._send(row)]
        if not sent:
            return
        for row in sent:
            mark("offer", JobId(row.job_id), row.attempt, unix_ms())
        c = t.offers.c
        one = and_(
            c.job_id == bindparam("job"),
            c.attempt == bindparam("try"),
            c.provider == bindparam("to"),
        )
        values = [{"job": row.job_id, "try": row.attempt, "to": row.provider} for row in sent]
        async with self._store.write() as tx:
            await tx.execute(update(t.offers).where(one).values(sent_at=now), values)

    def _send(self, row: Row[Any]) -> bool:
        session = self._sessions.get(row.provider)
        return session is not None and session.post(offer_of(row, self._url_of))


async def due_offers(tx: AsyncConnection, me: str, now: int) -> list[Row[Any]]:
    """Offers to agents of this copy that can still be used and are not answered, never sent or not lately; with what
    is known of the image.

    Args:
        now: chain time.
    """
    a, o, j, b = t.agents.c, t.offers.c, t.jobs.c, t.builds.c
    usable = and_(o.provider == a.agent, o.deadline >= now, o.answer == "")
    unsent = or_(o.sent_at.is_(None), o.sent_at <= now - REPEAT_S)
    current = and_(j.job_id == o.job_id, j.attempt == o.attempt, j.state == JobState.OPEN)
    query = (
        select(t.offers, j.terms, b.manifest, b.image_name)
        .select_from(t.agents.join(t.offers, usable).join(t.jobs, current))
        .outerjoin(t.builds, b.cid == j.cid)
        .where(a.session_at == me, unsent)
        .order_by(o.job_id, o.attempt, o.provider)
        .limit(AT_ONCE)
    )
    return list((await tx.execute(query)).all())


def offer_of(row: Row[Any], url_of: Callable[[str], str]) -> Offer:
    """A row of `due_offers` as it is sent."""
    assignment = Assignment(
        JobId(row.job_id), row.attempt, Address(row.provider), row.image, row.deadline
    )
    manifest = row.manifest or Manifest()
    return Offer(
        assignment=assignment_body(assignment),
        signature=row.signature,
        terms=terms_body(row.terms),
        manifest=manifest,
        image_name=row.image_name or "",
        url=url_of(row.job_id) if manifest.ports else "",
    )

"""Which agent gets a job, and the signed assignment that says so, as a row. The hub delivers it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from eth_account.signers.local import LocalAccount
from sqlalchemy import and_, not_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from chain.clock import ChainClock, unix_ms
from chain.errors import Unavailable
from chain.job import Address, Digest
from chain.manifest import Manifest
from chain.messages import Assignment, Domain, sign_assignment
from chain.trace import traced
from scheduler.decide.fit import Candidate, Need, fits
from scheduler.decide.place import Choice, choose
from scheduler.decide.reconcile import UNSEEN, Offered, Unseen
from scheduler.rows import tables as t
from scheduler.rows.batch import upsert
from scheduler.rows.database import Store
from scheduler.rows.facts import JobFacts
from scheduler.rows.leases import Lease, hold
from scheduler.rows.store import is_live, oldest_live_ms
from scheduler.signals import Signals
from scheduler.work.candidates import Moment, agent_is_live, candidates, lock_agent

RETURN_S = 5.0  # after a start, agents may still be coming back


@dataclass(frozen=True, slots=True)
class Offering:
    """How assignments are made here: who signs, for which contract, for how many seconds each may be used, and how
    often agents are heard."""

    account: LocalAccount
    domain: Domain
    offer_s: int
    heartbeat_s: int


class Assigner:
    """Places jobs on live agents."""

    def __init__(
        self, store: Store, signals: Signals, clock: ChainClock, offering: Offering
    ) -> None:
        self._store = store
        self._signals = signals
        self._clock = clock
        self._offering = offering
        self._started = time.monotonic()

    def settled(self) -> None:
        """Whoever wanted to come back after the start has: that nobody is there is an answer from now on."""
        self._started -= RETURN_S

    def _at(self) -> Moment:
        return Moment(self._clock.now(), unix_ms(), self._offering.heartbeat_s)

    async def candidates(self, job: JobFacts | None = None) -> list[Candidate]:
        """The live agents with what they have free, as seen by this job if one is given."""
        async with self._store.read() as tx:
            return await candidates(tx, self._at(), job)

    async def choose(self, job: JobFacts, manifest: Manifest | None) -> Choice | Unseen:
        """Where the job could go now."""
        found = await self.candidates(job)
        if not found and time.monotonic() - self._started < RETURN_S:
            return UNSEEN
        return choose(Need.of(job.terms, job.duration, manifest), found)

    async def offer_of(self, job: JobFacts) -> Offered | None:
        """The assignment that is out for the current attempt, the newest when there were several."""
        async with self._store.read() as tx:
            row = await _newest_offer(tx, job)
            if row is None:
                return None
            live = await agent_is_live(tx, row.provider, unix_ms(), self._offering.heartbeat_s)
        return Offered(
            provider=row.provider,
            image=row.image,
            deadline=row.deadline,
            answer=row.answer,
            live=live,
            why=row.chosen_why,
        )

    async def silent_since(self, job: JobFacts) -> int | None:
        """Unix second at which the agent of the current run was last heard; None while it is live, or never was
        heard here."""
        run = job.current
        if run is None:
            return None
        c = t.agents.c
        async with self._store.read() as tx:
            gone = not_(is_live(oldest_live_ms(unix_ms(), self._offering.heartbeat_s)))
            query = select(c.last_seen_ms).where(c.agent == run.provider, gone)
            seen_ms = (await tx.execute(query)).scalar()
        return None if seen_ms is None else int(seen_ms // 1000)

    @traced("place")
    async def assign(
        self, job: JobFacts, image: Digest, manifest: Manifest | None, lease: Lease
    ) -> None:
        """Record a signed assignment to the agent that is best now, for its hub to deliver.

        Raises:
            LeaseLost: the job is another's by now.
            Unavailable: no agent fits any more.
        """
        need, passed = Need.of(job.terms, job.duration, manifest), set[Address]()
        found = await self.candidates(job)
        while True:
            choice = choose(need, [one for one in found if one.agent not in passed])
            if choice.agent is None:
                raise Unavailable("The agent that was chosen is no longer free.", "")
            if await self._record(job, choice.agent, need, (image, choice.why_chosen), lease):
                self._signals.notify("offers")
                return
            passed.add(choice.agent)

    async def _record(
        self,
        job: JobFacts,
        agent: Address,
        need: Need,
        what: tuple[Digest, str],
        lease: Lease,
    ) -> bool:
        """Write the offer unless another has taken the room meanwhile. One agent's room is handed out by one
        transaction at a time, whichever scheduler makes it."""
        image, why = what
        async with self._store.write() as tx:
            await hold(tx, lease)
            await lock_agent(tx, agent)
            at = self._at()
            mine = await candidates(tx, at, job, only=agent)
            if not mine or fits(need, mine[0]):
                return False
            deadline = at.now + self._offering.offer_s
            assignment = Assignment(job.job_id, job.attempt, agent, image, deadline)
            signature = sign_assignment(self._offering.account, self._offering.domain, assignment)
            values: dict[str, Any] = {"job_id": job.job_id, "attempt": job.attempt}
            values |= {"provider": agent, "image": image, "deadline": deadline}
            values |= {"signature": signature, "chosen_why": why, "sent_at": None}
            await upsert(tx, t.offers, values | {"answer": "", "why": "", "answered_at": None})
        return True


async def _newest_offer(tx: AsyncConnection, job: JobFacts) -> Any:
    c = t.offers.c
    mine = and_(c.job_id == job.job_id, c.attempt == job.attempt)
    newest = select(t.offers).where(mine).order_by(c.deadline.desc(), c.provider)
    return (await tx.execute(newest.limit(1))).first()

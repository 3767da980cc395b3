"""Which agent gets a job, the signed assignment that says so, and its way to the agent."""

from __future__ import annotations

import time
from typing import Any

from eth_account.signers.local import LocalAccount
from sqlalchemy import and_, select, update

from chain.convert import assignment_body, resources_of, terms_body
from chain.errors import Unavailable
from chain.job import Address, Digest, JobId, units_of
from chain.manifest import Manifest
from chain.messages import Assignment, Domain, sign_assignment
from chain.trace import traced
from chain.wire import Offer
from scheduler import tables as t
from scheduler.facts import JobFacts
from scheduler.hub import Hub
from scheduler.place import Candidate, Choice, Need, choose, total
from scheduler.reconcile import UNSEEN, Offered, Unseen
from scheduler.signals import ChainClock
from scheduler.store import BuildRow, Store, bonds_held, reservations, upsert

RETURN_S = 5.0  # after a start, agents may still be coming back
AVOID_S = 15  # an agent that refused a job is left alone with it for so long


class Assigner:
    """Places jobs on the agents of the hub."""

    def __init__(
        self,
        store: Store,
        clock: ChainClock,
        hub: Hub,
        account: LocalAccount,
        domain: Domain,
        offer_s: int,
    ) -> None:
        self._store = store
        self._clock = clock
        self._hub = hub
        self._account = account
        self._domain = domain
        self._offer_s = offer_s
        self._started = time.monotonic()

    async def candidates(self, job_id: JobId | None = None) -> list[Candidate]:
        """The live agents with what they have free; `job_id` marks those that refused it lately."""
        now = self._clock.now()
        async with self._store.read() as tx:
            held = await reservations(tx, now)
            bonds = await bonds_held(tx)
            providers = {row.provider: row for row in await tx.execute(select(t.providers))}
            cards = {
                (row.provider, row.rate_card): row.rates
                for row in await tx.execute(select(t.rate_cards))
            }
            c = t.offers.c
            lately = and_(c.job_id == job_id, c.answer == "refused", c.answered_at > now - AVOID_S)
            refused = {
                row.provider: row.why for row in await tx.execute(select(t.offers).where(lately))
            }
        found = []
        for session in self._hub.live():
            row = providers.get(session.agent)
            mine = [item for item in held if item.provider == session.agent]
            others = total(item.resources for item in mine if item.job_id != job_id)
            offered = total(
                item.resources for item in mine if item.job_id != job_id and not item.claimed
            )
            bonded = row.bonded if row is not None and row.unbond_at == 0 else 0
            told = session.heartbeat
            why = refused.get(session.agent)
            found.append(
                Candidate(
                    agent=session.agent,
                    capacity=resources_of(told.capacity if told else session.hello.capacity),
                    reserved=others,
                    rates=cards.get((session.agent, row.rate_card)) if row else None,
                    units_free=bonded - bonds.get(session.agent, 0) - units_of(offered),
                    disk_free_mib=told.disk_free_mib if told else None,
                    jobs=len(mine),
                    avoid=f"just refused it ({why})" if why is not None else "",
                )
            )
        return found

    async def choose(self, job: JobFacts, manifest: Manifest | None) -> Choice | Unseen:
        """Where the job could go now."""
        candidates = await self.candidates(job.job_id)
        if not candidates and time.monotonic() - self._started < RETURN_S:
            return UNSEEN
        disk = manifest.resources.disk_mib if manifest else 0
        return choose(Need.of(job.terms, job.duration, disk), candidates)

    async def offer_of(self, job: JobFacts) -> Offered | None:
        """The assignment that is out for the current attempt, the newest when there were several."""
        row = await self._row(job)
        if row is None:
            return None
        return Offered(
            provider=row.provider,
            image=row.image,
            deadline=row.deadline,
            sent_at=row.sent_at,
            answer=row.answer,
            live=self._hub.is_live(row.provider),
        )

    @traced("place")
    async def assign(self, job: JobFacts, image: Digest, build: BuildRow | None) -> None:
        """Sign and send an assignment to the agent that is best now; recorded before it is sent.

        Raises:
            Unavailable: no agent fits any more, or it has just gone.
        """
        choice = await self.choose(job, build.manifest if build else None)
        if isinstance(choice, Unseen) or choice.agent is None:
            raise Unavailable("The agent that was chosen is no longer free.", "")
        now = self._clock.now()
        await self._record(job, choice.agent, image, now)
        if not await self.repeat(job, build):
            raise Unavailable("The agent that was chosen has just gone.", "")

    @traced("offer")
    async def repeat(self, job: JobFacts, build: BuildRow | None) -> bool:
        """Send the recorded assignment (again); says whether it went out."""
        row = await self._row(job)
        if row is None:
            return False
        async with self._store.write() as tx:
            mine = and_(t.offers.c.job_id == job.job_id, t.offers.c.attempt == job.attempt)
            mine = mine & (t.offers.c.provider == row.provider)
            await tx.execute(update(t.offers).where(mine).values(sent_at=self._clock.now()))
        assignment = Assignment(job.job_id, job.attempt, row.provider, row.image, row.deadline)
        offer = Offer(
            assignment=assignment_body(assignment),
            signature=row.signature,
            terms=terms_body(job.terms),
            manifest=(build.manifest if build else None) or Manifest(),
            image_name=build.image_name if build else "",
        )
        return await self._hub.send(row.provider, offer)

    async def _record(self, job: JobFacts, agent: Address, image: Digest, now: int) -> None:
        assignment = Assignment(job.job_id, job.attempt, agent, image, now + self._offer_s)
        values: dict[str, Any] = {"job_id": job.job_id, "attempt": job.attempt, "provider": agent}
        values |= {"image": image, "deadline": assignment.deadline, "sent_at": now}
        values |= {"signature": sign_assignment(self._account, self._domain, assignment)}
        async with self._store.write() as tx:
            await upsert(
                tx,
                t.offers,
                values | {"answer": "", "why": "", "chosen_why": "", "answered_at": None},
            )

    async def _row(self, job: JobFacts) -> Any:
        c = t.offers.c
        newest = (
            select(t.offers)
            .where(c.job_id == job.job_id, c.attempt == job.attempt)
            .order_by(c.deadline.desc(), c.sent_at.desc())
        )
        async with self._store.read() as tx:
            return (await tx.execute(newest.limit(1))).first()

"""What agents say, as rows: who they are, where their runs stand, and which runs are theirs to speak of."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, select, update

from chain.job import Address, JobId
from chain.wire import Heartbeat, Hello, ProbeAnswer, RunStatus
from scheduler import tables as t
from scheduler.sightings import note_sightings, take_answer
from scheduler.signals import ChainClock, Signals, unix_ms
from scheduler.store import Store, upsert, wake_job
from scheduler.witness import beats_of

AGENT_ROW_EVERY_MS = 5000  # heartbeats in between live in memory only


class Links:
    """Writes the rows of the hub."""

    def __init__(self, store: Store, signals: Signals, clock: ChainClock) -> None:
        self._store = store
        self._signals = signals
        self._clock = clock
        self._written_ms: dict[Address, int] = {}
        self._statuses: dict[tuple[Address, str, int], RunStatus] = {}
        self._owned: set[tuple[Address, JobId, int]] = set()

    async def note_agent(self, agent: Address, hello: Hello, heartbeat: Heartbeat | None) -> None:
        """Keep what an agent offers and when it was seen."""
        now_ms = unix_ms()
        if heartbeat is not None and now_ms - self._written_ms.get(agent, 0) < AGENT_ROW_EVERY_MS:
            return
        self._written_ms[agent] = now_ms if heartbeat is not None else 0
        values: dict[str, Any] = {"agent": agent, "url": hello.url, "version": hello.version}
        capacity = heartbeat.capacity if heartbeat is not None else hello.capacity
        values |= {
            "capacity": capacity,
            "heartbeat": heartbeat,
            "last_seen_ms": now_ms,
            "attributes": {},
        }
        async with self._store.write() as tx:
            await upsert(tx, t.agents, values)

    async def note_status(self, agent: Address, status: RunStatus, *, answered: bool) -> None:
        """Keep where a run stands; an answer to an offer goes to the offer. Foreign runs are passed over."""
        key = (agent, status.job_id, status.attempt)
        if not answered and self._statuses.get(key) == status:
            return
        job_id = JobId(status.job_id)
        if not await self.owns(agent, job_id, status.attempt):
            return
        self._statuses[key] = status
        async with self._store.write() as tx:
            if status.phase == "refused":
                answer = "refused" if answered else None
            else:
                answer = "accepted"
                row: dict[str, Any] = {"job_id": job_id, "attempt": status.attempt}
                await upsert(tx, t.run_status, row | {"status": status, "at_ms": unix_ms()})
            if answer is not None:
                await self._answer(tx, agent, status, answer)
            if answered:
                await wake_job(tx, job_id)
        self._signals.notify("work", f"jobs/{job_id}")

    async def _answer(self, tx: Any, agent: Address, status: RunStatus, answer: str) -> None:
        c = t.offers.c
        mine = and_(c.job_id == status.job_id, c.attempt == status.attempt, c.provider == agent)
        changed = and_(mine, c.answer != answer)
        values = {"answer": answer, "why": status.why, "answered_at": self._clock.now()}
        await tx.execute(update(t.offers).where(changed).values(values))

    async def note_beats(self, agent: Address, heartbeat: Heartbeat) -> None:
        """Keep what a heartbeat says of watched runs."""
        if heartbeat.runs:
            async with self._store.write() as tx:
                await note_sightings(tx, beats_of(agent, heartbeat), unix_ms())

    async def note_answer(self, agent: Address, answer: ProbeAnswer) -> None:
        """Keep the answer to a probe, and have the job looked at."""
        async with self._store.write() as tx:
            job_id = await take_answer(tx, agent, answer, unix_ms())
            if job_id is not None:
                await wake_job(tx, job_id)
        if job_id is not None:
            self._signals.notify("work")

    async def owns(self, agent: Address, job_id: JobId, attempt: int) -> bool | None:
        """Whether a run is this agent's: by its claim, or by an offer to it. None: the run is not known here."""
        key = (agent, job_id, attempt)
        if key in self._owned:
            return True
        r, o = t.runs.c, t.offers.c
        async with self._store.read() as tx:
            claimed = select(r.provider).where(r.job_id == job_id, r.attempt == attempt)
            offered = select(o.provider).where(o.job_id == job_id, o.attempt == attempt)
            providers = set((await tx.execute(claimed.union(offered))).scalars())
        if agent in providers:
            self._owned.add(key)
            return True
        return False if providers else None

    async def agents_of(self, job_id: JobId) -> list[Address]:
        """Every agent that has or had a run of this job, or an offer of one."""
        claimed = select(t.runs.c.provider).where(t.runs.c.job_id == job_id)
        offered = select(t.offers.c.provider).where(t.offers.c.job_id == job_id)
        async with self._store.read() as tx:
            return [
                Address(agent) for agent in (await tx.execute(claimed.union(offered))).scalars()
            ]

    async def wake_placing(self) -> None:
        """An agent came: look again at every job that waits for one."""
        waiting = t.work.c.phase.in_(("placing", "assigned"))
        async with self._store.write() as tx:
            await tx.execute(update(t.work).where(waiting).values(due_at=0))
        self._signals.notify("work")

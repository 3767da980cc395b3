"""The reconcile loop: rows that are due are loaded, decided upon, and acted upon, one task a job."""

from __future__ import annotations

import asyncio
import random
import time
from functools import partial

import structlog
from sqlalchemy import update

from chain.errors import Conflict, DraasError, Reverted
from chain.escrow import Escrow
from chain.job import JobId
from chain.sender import Sender
from scheduler import tables as t
from scheduler.assign import Assigner
from scheduler.builder import Builder
from scheduler.facts import JobFacts
from scheduler.indexer import Indexer
from scheduler.reconcile import (
    UNSEEN,
    Action,
    Assign,
    Build,
    Decline,
    Image,
    Lapse,
    Postponed,
    Refund,
    Refused,
    Reoffer,
    Rules,
    Seen,
    Unseen,
    Wait,
    decide,
)
from scheduler.signals import ChainClock, Signals, wait_for
from scheduler.store import BuildRow, Store, due_jobs, load_build, load_job, set_phase

log = structlog.get_logger()
LOOK_S = 1.0  # chain time passes without events
AT_ONCE = 64
MAX_REASON = 1000  # characters that go on-chain


class Worker:
    """Moves jobs on."""

    def __init__(  # noqa: PLR0913, PLR0917 - it is where all parts meet
        self,
        store: Store,
        signals: Signals,
        clock: ChainClock,
        indexer: Indexer,
        builder: Builder,
        assigner: Assigner,
        escrow: Escrow,
        sender: Sender,
        rules: Rules,
    ) -> None:
        self._store = store
        self._signals = signals
        self._clock = clock
        self._indexer = indexer
        self._builder = builder
        self._assigner = assigner
        self._escrow = escrow
        self._sender = sender
        self._rules = rules
        self._busy: dict[JobId, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Work until cancelled; then the tasks under way are cancelled too, and begin anew at the next start."""
        async with self._store.write() as tx:  # what was under way when the last process was killed
            await tx.execute(update(t.work).values(due_at=0))
        try:
            with self._signals.listen("work") as hint:
                while True:
                    hint.clear()
                    await self._start_due()
                    await wait_for(hint, LOOK_S)
        finally:
            for task in self._busy.values():
                task.cancel()
            await asyncio.gather(*self._busy.values(), return_exceptions=True)

    async def _start_due(self) -> None:
        async with self._store.read() as tx:
            due = await due_jobs(tx, self._clock.now(), AT_ONCE)
        for job_id in due:
            if job_id not in self._busy:
                task = asyncio.create_task(self._one(job_id))
                self._busy[job_id] = task
                task.add_done_callback(partial(self._done, job_id))

    def _done(self, job_id: JobId, _: asyncio.Task[None]) -> None:
        del self._busy[job_id]
        self._signals.notify("work")  # an event may have made it due again meanwhile

    async def _one(self, job_id: JobId) -> None:
        """Load, decide, do. A failure is noted for the consumer and tried again, later each time."""
        started = time.monotonic()
        try:
            async with (
                self._store.write() as tx
            ):  # due again only when something happens from here on
                await tx.execute(
                    update(t.work)
                    .where(t.work.c.job_id == job_id)
                    .values(due_at=self._clock.now() + 3600)
                )
            async with self._store.read() as tx:
                job = await load_job(tx, job_id)
            if job is None:
                return
            step = decide(job, await self._see(job), self._rules, self._clock.now())
            if isinstance(step, Wait):
                await self._wait(job, step)
                return
            log.info("job.step", job=job_id, step=type(step).__name__)
            await self._do(job, step)
            # After a transaction its event wakes the job; a moment's patience instead of asking again.
            sent = isinstance(step, Decline | Lapse | Refund)
            await self._note(job, None, "", due_at=self._clock.now() + 2 if sent else 0, tries=0)
        except (Reverted, Conflict) as error:
            # The chain has moved on, or another was faster: look again once its events are here.
            log.info("job.overtaken", job=job_id, error=str(error))
            await self._later(job_id, 2)
        except DraasError as error:
            log.warning(
                "job.postponed", job=job_id, error=str(error), after_s=time.monotonic() - started
            )
            await self._fail(job_id, str(error))
        except Exception as error:
            log.exception("job.failed", job=job_id)
            await self._fail(
                job_id, f"the scheduler met a fault of its own ({type(error).__name__})"
            )

    # ---- seeing ---------------------------------------------------------------------------------------------

    async def _see(self, job: JobFacts) -> Seen:
        if not self._indexer.synced:
            return Seen()
        async with self._store.read() as tx:
            build = await load_build(tx, job.terms.cid)
        image = _image(build)
        if not isinstance(image, Image):
            return Seen(synced=True, image=image)
        offer = await self._assigner.offer_of(job)
        choice = await self._assigner.choose(job, build.manifest if build else None)
        return Seen(synced=True, image=image, offer=offer, choice=choice)

    # ---- doing ----------------------------------------------------------------------------------------------

    async def _do(self, job: JobFacts, step: Action) -> None:
        match step:
            case Build():
                await self._build(job)
            case Assign(image=image):
                async with self._store.read() as tx:
                    build = await load_build(tx, job.terms.cid)
                await self._assigner.assign(job, image, build)
            case Reoffer():
                async with self._store.read() as tx:
                    build = await load_build(tx, job.terms.cid)
                await self._assigner.repeat(job, build)
            case Decline(reason=reason):
                await self._note(job, "failed", reason)
                call = self._escrow.decline_job(job.terms, reason[:MAX_REASON])
                await self._sender.send(call, f"{job.job_id}/{job.attempt}/decline")
            case Lapse(provider=provider):
                call = self._escrow.lapse_job(job.terms, provider)
                await self._sender.send(call, f"{job.job_id}/{job.attempt}/lapse")
            case Refund(provider=provider):
                call = self._escrow.refund(job.terms, provider)
                await self._sender.send(call, f"{job.job_id}/{job.attempt}/refund")

    async def _build(self, job: JobFacts) -> None:
        async with self._store.read() as tx:
            known = await load_build(tx, job.terms.cid)
        why = known.why if known else ""
        await self._note(job, "fetching" if why.startswith("bundle") else "building", why)
        await self._builder.build(job.terms.cid)

    # ---- noting ---------------------------------------------------------------------------------------------

    async def _wait(self, job: JobFacts, wait: Wait) -> None:
        now = self._clock.now()
        phase = wait.phase or None
        await self._note(job, phase, wait.why if phase else "", due_at=max(wait.until, now + 1))

    async def _note(
        self,
        job: JobFacts,
        phase: str | None,
        why: str,
        due_at: int | None = None,
        tries: int | None = None,
    ) -> None:
        changed = False
        async with self._store.write() as tx:
            if phase is not None:
                changed = await set_phase(tx, job.job_id, phase, why, self._clock.now())
            values = {"due_at": due_at, "tries": tries}
            values = {name: value for name, value in values.items() if value is not None}
            if values:
                mine = t.work.c.job_id == job.job_id
                if due_at:
                    # An event that came in the meantime has set 0, and wins.
                    mine = mine & (t.work.c.due_at != 0)
                await tx.execute(update(t.work).where(mine).values(values))
        if changed or due_at == 0:
            self._signals.notify(f"jobs/{job.job_id}", *(["work"] if due_at == 0 else []))

    async def _later(self, job_id: JobId, seconds: int) -> None:
        async with self._store.write() as tx:
            mine = t.work.c.job_id == job_id
            await tx.execute(update(t.work).where(mine).values(due_at=self._clock.now() + seconds))

    async def _fail(self, job_id: JobId, why: str) -> None:
        async with self._store.write() as tx:
            mine = t.work.c.job_id == job_id
            row = (await tx.execute(t.work.select().where(mine))).first()
            if row is None:
                return
            pause = min(60, 2 ** min(row.tries, 6)) + random.randint(0, 2)  # noqa: S311 - jitter
            values = {
                "why": why[:2000],
                "tries": row.tries + 1,
                "due_at": self._clock.now() + pause,
            }
            await tx.execute(update(t.work).where(mine).values(values))
        self._signals.notify(f"jobs/{job_id}")


def _image(build: BuildRow | None) -> Image | Refused | Postponed | Unseen | None:
    if build is None:
        return None
    if build.refused is not None:
        return Refused(build.refused)
    if build.digest is not None:
        return Image(build.digest)
    if build.postponed_until is not None:
        return Postponed(build.postponed_until, build.why)
    return UNSEEN

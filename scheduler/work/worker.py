"""The reconcile loop: jobs that are due are loaded, decided upon, and acted upon, one task a job.

A step begins with a lease on its job, and whatever it writes is written only while that lease holds.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import structlog

from chain.cid import parse_cid
from chain.errors import Conflict, DraasError, InvalidInput, Reverted, Unavailable
from chain.instruments import histogram, timed
from chain.job import Cid, JobState
from chain.log_setup import working_on
from scheduler.decide.reconcile import (
    Action,
    Assign,
    Build,
    Decline,
    Dispute,
    Image,
    Lapse,
    Refund,
    Refused,
    Rules,
    Seen,
    Wait,
    decide,
)
from scheduler.ground import Ground
from scheduler.images.builder import Builder
from scheduler.index.indexer import Indexer
from scheduler.key import Elsewhere
from scheduler.rows.facts import JobFacts
from scheduler.rows.leases import Lease, LeaseLost
from scheduler.rows.notes import Notes
from scheduler.rows.phases import DISPUTING
from scheduler.rows.store import load_job
from scheduler.sessions.vault import Vault
from scheduler.watch.watchtower import Watchtower
from scheduler.work.assign import Assigner
from scheduler.work.shift import Pace, Shift

log = structlog.get_logger()
MAX_REASON = 1000  # characters that go on-chain
STEP_S = 30  # for a step that neither builds nor sends
SEND_S = 200  # the sender waits for 180, and says more


class Worker:
    """Moves jobs on."""

    def __init__(
        self,
        ground: Ground,
        indexer: Indexer,
        builder: Builder,
        assigner: Assigner,
        watchtower: Watchtower,
        vault: Vault,
    ) -> None:
        settings = ground.settings
        self._store = ground.store
        self._signals = ground.signals
        self._clock = ground.clock
        self._escrow = ground.escrow
        self._key = ground.key
        self._indexer = indexer
        self._builder = builder
        self._assigner = assigner
        self._watchtower = watchtower
        self._vault = vault
        self._rules = Rules(ground.rules, settings.refund_after_s)
        pace = Pace(ground.name, settings.lease_s)
        self.shift = Shift(ground.store, ground.signals, ground.clock, pace, self._one)
        told = "Time that a step of a job took, by how it ended."
        self.seconds = histogram("draas_step_seconds", told, ("step", "outcome"))
        self._notes = Notes(ground.store, ground.signals, ground.clock)

    async def run(self) -> None:
        """Work until cancelled; see `Shift.run`."""
        await self.shift.run()

    async def _one(self, lease: Lease) -> None:
        """One step, and the lease given back. A failure is told to the consumer and tried again, later each time."""
        started = time.monotonic()
        try:
            await self._step(lease)
        except LeaseLost:
            raise
        except Elsewhere:  # whoever holds the key takes the job up
            await self._notes.end(lease, self._clock.now() + 1)
        except (Reverted, Conflict) as error:
            # The chain has moved on, or another was faster: look again once its events are here.
            log.info("job.overtaken", error=str(error))
            await self._notes.end(lease, self._clock.now() + 2)
        except DraasError as error:
            seconds = time.monotonic() - started
            log.warning("job.postponed", error=str(error), after_s=seconds)
            await self._notes.fail(lease, str(error))
        except Exception as error:
            log.exception("job.failed")
            why = f"the scheduler met a fault of its own ({type(error).__name__})"
            await self._notes.fail(lease, why)

    async def _step(self, lease: Lease) -> None:
        """Load, decide, do."""
        async with self._store.read() as tx:
            job = await load_job(tx, lease.job_id)
        now = self._clock.now()
        if job is None:
            await self._notes.end(lease, now + 3600)
            return
        async with _within(STEP_S, "Looking at the job"):
            step = decide(job, await self._see(job), self._rules, self._clock.now())
        if isinstance(step, Wait):
            due_at = max(step.until, now + 1)
            await self._notes.end(lease, due_at, step.phase, step.why, step.degraded)
            return
        name, sends = type(step).__name__, isinstance(step, Decline | Lapse | Refund | Dispute)
        log.info("job.step", step=name)
        with working_on(job.job_id, job.attempt), timed(self.seconds, name):
            async with _within(SEND_S if sends else STEP_S, name):
                await self._do(job, step, lease)
        # After a transaction its event wakes the job; a moment's patience instead of asking again.
        await self._notes.end(lease, self._clock.now() + 2 if sends else 0, degraded="")

    # ---- seeing ---------------------------------------------------------------------------------------------

    async def _see(self, job: JobFacts) -> Seen:
        if not self._indexer.synced:
            return Seen()
        if fault := _fault(job.terms.cid):
            return Seen(synced=True, image=Refused(fault))
        suspicion, watch_at = await self._watchtower.look(job)
        seen = Seen(synced=True, suspicion=suspicion, watch_at=watch_at)
        if job.state is not JobState.OPEN:
            return replace(seen, silent_since=await self._assigner.silent_since(job))
        image, build = await self._builder.look(job.terms.cid)
        if build is not None and build.sealed_for not in (None, job.terms.consumer):
            return replace(seen, image=Refused("The bundle was sealed by another consumer."))
        if not isinstance(image, Image):
            return replace(seen, image=image)
        offer = await self._assigner.offer_of(job)
        manifest = build.manifest if build else None
        choice = await self._assigner.choose(job, manifest)
        lacks = await self._vault.missing(job, manifest)
        return replace(seen, image=image, offer=offer, choice=choice, lacks=lacks)

    # ---- doing ----------------------------------------------------------------------------------------------

    async def _do(self, job: JobFacts, step: Action, lease: Lease) -> None:
        match step:
            case Build():
                self._builder.request(job)
            case Assign(image=image):
                _, build = await self._builder.look(job.terms.cid)
                manifest = build.manifest if build else None
                await self._assigner.assign(job, image, manifest, lease)
            case Decline(reason=reason):
                await self._notes.tell(lease, "failed", reason)
                call = self._escrow.decline_job(job.terms, reason[:MAX_REASON])
                await self._key.send(call, f"{job.job_id}/{job.attempt}/decline")
            case Lapse(provider=provider):
                call = self._escrow.lapse_job(job.terms, provider)
                await self._key.send(call, f"{job.job_id}/{job.attempt}/lapse")
            case Refund(provider=provider):
                call = self._escrow.refund(job.terms, provider)
                await self._key.send(call, f"{job.job_id}/{job.attempt}/refund")
            case Dispute(why=why):
                await self._notes.tell(lease, DISPUTING, why)
                await self._watchtower.dispute(job, step)


@contextlib.asynccontextmanager
async def _within(seconds: float, what: str) -> AsyncIterator[None]:
    """A step that takes longer is given up, and tried again."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise Unavailable(
            f"{what} took longer than {seconds:.0f} s.", "It is tried again."
        ) from None


def _fault(cid: Cid) -> str:
    """Why no bundle can have this name; empty when one can. What is on-chain may be any text of any length."""
    try:
        return "" if parse_cid(cid) == cid else "There are spaces around the CID."
    except InvalidInput as error:
        return str(error)

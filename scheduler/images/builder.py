"""From a CID to an image: fetch, check, read the manifest, build, once a bundle however often it is posted.

Who wants a bundle built says so and looks again later; the builds run here, in slots that are shared out fairly. A
build is held by a lease on its row, so that several schedulers do not build one bundle twice at once, and what a
killed one leaves is taken up when its lease runs out.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from functools import partial
from typing import Any

import structlog
from sqlalchemy import or_, select

from chain.clock import ChainClock, unix_ms
from chain.errors import BuildFailed, DraasError, InvalidInput, NotFound
from chain.instruments import histogram, timed
from chain.job import ZERO_ADDRESS, Address, Cid, JobId, JobState
from chain.log_setup import working_on
from scheduler.decide.reconcile import Image, InHand, Postponed, Refused
from scheduler.images.build_log import BuildLog
from scheduler.images.bundle_image import Recipe, make_image
from scheduler.images.private import NO_OPENER, Opener
from scheduler.images.room import Room
from scheduler.images.turn import FailedBuild, Step, Turn
from scheduler.rows import tables as t
from scheduler.rows.database import Store
from scheduler.rows.facts import JobFacts
from scheduler.rows.leases import finish_build, renew_build, take_build, wake
from scheduler.rows.notes import backoff
from scheduler.rows.store import BuildRow, load_build, load_jobs
from scheduler.settings import Settings
from scheduler.signals import Signals

log = structlog.get_logger()
LEASE_S = 30
FAILURES_KEPT = 20  # for the dashboard
PRIVATE_WHY = "The private bundle is not built: its build log says why."

Standing = Image | Refused | Postponed | InHand | None


class Builder:
    """The builds of this process.

    Args:
        api: the IPFS node's.
        owner: this process, named once.
        opener: of private bundles.
    """

    def __init__(
        self,
        store: Store,
        signals: Signals,
        clock: ChainClock,
        settings: Settings,
        api: str,
        owner: str,
        opener: Opener = NO_OPENER,
    ) -> None:
        self._opener = opener
        self._private: dict[Cid, Address] = {}  # whose the private bundles are that are built here
        self._store = store
        self._signals = signals
        self._clock = clock
        self._settings = settings
        self._api = api
        self._owner = owner
        self._room = Room(settings.builds_at_once, settings.builds_per_consumer)
        self._wanted_by: dict[Cid, set[JobId]] = {}
        self._turns: dict[Cid, Turn] = {}
        self._tasks: dict[Cid, asyncio.Task[None]] = {}
        self._failed_in: dict[Cid, Step] = {}
        self.failures: deque[FailedBuild] = deque(maxlen=FAILURES_KEPT)  # the newest last
        self._closed = False
        told = "Time that a build took, from its slot to its image."
        self.seconds = histogram("draas_build_seconds", told, ("outcome",))

    async def log_of(self, cid: Cid, consumer: Address = ZERO_ADDRESS) -> str:
        """The build's output so far, for a job of this consumer; "" when the bundle is another's private one."""
        turn = self._turns.get(cid)
        if turn is not None:
            return turn.log.text if self._private.get(cid, consumer) == consumer else ""
        b = t.builds.c
        mine = or_(b.sealed_for.is_(None), b.sealed_for == consumer)
        async with self._store.read() as tx:
            told = select(b.log).where(b.cid == cid, mine)
            return (await tx.execute(told)).scalar() or ""

    def waiting(self) -> tuple[int, int]:
        """How many builds run here, and how many wait for a slot."""
        return self._room.counts()

    def under_way(self) -> dict[Cid, Turn]:
        """The builds that run here."""
        return dict(self._turns)

    async def look(self, cid: Cid) -> tuple[Standing, BuildRow | None]:
        """How the bundle's image stands; None when nobody has it in hand."""
        async with self._store.read() as tx:
            row = await load_build(tx, cid)
        if row is not None and row.refused is not None:
            return Refused(row.refused), row
        if row is not None and row.digest is not None:
            return Image(row.digest), row
        here = self._here(cid)
        if here is not None or row is None:
            return here, row
        if row.lease_owner not in (None, self._owner) and row.lease_until_ms >= unix_ms():
            return InHand("another scheduler builds it"), row
        if row.postponed_until is not None:
            step = self._failed_in.get(cid, "fetching")
            return Postponed(row.postponed_until, row.why, step), row
        return None, row

    def _here(self, cid: Cid) -> InHand | None:
        turn = self._turns.get(cid)
        if turn is not None:
            return InHand("", turn.step)
        if self._room.is_building(cid):
            return InHand("", "fetching")
        before = self._room.before(cid)
        return None if before is None else InHand(f"waiting to build: {before} before it")

    def request(self, job: JobFacts) -> None:
        """Queue the job's bundle up, or join those that wait for it already."""
        cid = job.terms.cid
        self._wanted_by.setdefault(cid, set()).add(job.job_id)
        self._room.ask(cid, job.terms.consumer)
        self._fill()

    async def close(self) -> None:
        """Break off what is under way; it begins anew at the next start."""
        self._closed = True
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _fill(self) -> None:
        while not self._closed and (cid := self._room.take()) is not None:
            with working_on(min(self._wanted_by[cid])):  # for whom it is told
                self._tasks[cid] = asyncio.create_task(self._turn(cid))

    async def _turn(self, cid: Cid) -> None:
        """One bundle's time in a slot."""
        try:
            if await self._is_wanted(cid):
                await self._leased(cid)
        except DraasError as error:  # of the database: the jobs ask again
            log.warning("build.dropped", cid=cid, error=str(error))
        finally:
            self._room.leave(cid)
            del self._tasks[cid]
            waiting = self._wanted_by.pop(cid, set())
            self._fill()
        await self._wake(waiting)

    async def _is_wanted(self, cid: Cid) -> bool:
        """Whether a job that can still be claimed waits for it."""
        async with self._store.read() as tx:
            jobs = await load_jobs(tx, sorted(self._wanted_by.get(cid, ())))
        now = self._clock.now()
        return any(job.state is JobState.OPEN and now <= job.deadline for job in jobs)

    async def _leased(self, cid: Cid) -> None:
        """Build, as long as the lease on the row holds."""
        async with self._store.write() as tx:
            until_ms = unix_ms() + 1000 * LEASE_S
            if not await take_build(tx, cid, self._owner, unix_ms(), until_ms):
                return
            row = await load_build(tx, cid)
        values: dict[str, Any] = {}
        try:
            if row is not None and row.refused is None and row.digest is None:
                values = await self._held(row)
            if (whose := self._private.get(cid)) is not None:
                values |= {"private": True, "sealed_for": whose}
            async with self._store.write() as tx:
                await finish_build(tx, cid, self._owner, values)
        finally:
            self._turns.pop(cid, None)  # from here on the row tells its log
            self._private.pop(cid, None)
            self._signals.notify(f"builds/{cid}")

    async def _held(self, row: BuildRow) -> dict[str, Any]:
        """The outcome, with the lease renewed meanwhile and given back when the build is broken off, as it is when no
        job wants it any more."""
        working = asyncio.create_task(self._try(row))
        try:
            while not working.done():
                await asyncio.wait({working}, timeout=LEASE_S / 3)
                if not working.done() and not await self._goes_on(row.cid):
                    break
        except asyncio.CancelledError:
            await _ended(working)
            with contextlib.suppress(DraasError):
                async with self._store.write() as tx:
                    await finish_build(tx, row.cid, self._owner)
            raise
        await _ended(working)
        return {} if working.cancelled() else working.result()

    async def _goes_on(self, cid: Cid) -> bool:
        """Whether the lease still holds and a job still waits, as far as the database says. The log so far goes into
        the row, for those who read it through another scheduler."""
        told = self._turns[cid].log.text if cid in self._turns else ""
        if cid in self._private:  # the row does not say yet whose it is
            told = ""
        try:
            async with self._store.write() as tx:
                until_ms = unix_ms() + 1000 * LEASE_S
                if not await renew_build(tx, cid, self._owner, until_ms, told):
                    return False
            wanted = await self._is_wanted(cid)
        except DraasError:
            return True
        if not wanted:
            log.info("build.unwanted", cid=cid)
        return wanted

    async def _try(self, row: BuildRow) -> dict[str, Any]:
        """What becomes of the row: an image, a definite no, or another try later. Never raises but when cancelled."""
        cid = row.cid
        turn = self._turns[cid] = Turn(self._log(cid))
        try:
            with timed(self.seconds):
                whose = partial(self._private.__setitem__, cid)
                consumer = self._room.for_whom(cid)
                recipe = Recipe(
                    self._settings, self._api, turn.building, self._opener, whose, consumer
                )
                made = await make_image(cid, recipe, turn.log)
        except (InvalidInput, BuildFailed) as error:
            why = self._told_to_all(cid, str(error), turn)
            return {"refused": why, "postponed_until": None, "log": turn.log.text}
        except NotFound as error:
            why = f"bundle not found: {error.message}"
        except DraasError as error:
            why = str(error)
        except OSError as error:
            why = f"The scheduler's own disk fails: {error}."
        except Exception as error:
            log.exception("build.failed", cid=cid)
            why = f"the scheduler met a fault of its own ({type(error).__name__})"
        else:
            self._failed_in.pop(cid, None)
            values = {"digest": made.digest, "image_name": made.name, "manifest": made.manifest}
            return values | {"postponed_until": None, "why": "", "tries": 0, "log": turn.log.text}
        why = self._told_to_all(cid, why, turn)
        log.warning("build.postponed", cid=cid, step=turn.step, why=why)
        self._failed_in[cid] = turn.step
        until = self._clock.now() + backoff(row.tries + 1)
        tried = {"postponed_until": until, "why": why, "tries": row.tries + 1}
        return tried | {"log": turn.log.text}

    def _told_to_all(self, cid: Cid, why: str, turn: Turn) -> str:
        """A reason as everybody may read it, on the chain too: that of a private bundle is in its log alone."""
        told = PRIVATE_WHY if cid in self._private else why
        self.failures.append(FailedBuild(cid, turn.step, told, unix_ms()))
        if cid in self._private:
            turn.log.end(why)
        return told

    def _log(self, cid: Cid) -> BuildLog:
        """A log whose readers here are woken at each piece; the pieces come in the Engine's thread."""
        loop, names = asyncio.get_running_loop(), (f"builds/{cid}",)

        def changed() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(self._signals.hear, names)

        return BuildLog(self._settings.build.log_bytes, changed)

    async def _wake(self, jobs: set[JobId]) -> None:
        """Look at these jobs now."""
        with contextlib.suppress(DraasError):  # then they look by themselves
            async with self._store.write() as tx:
                await wake(tx, jobs)
            self._signals.notify("work")


async def _ended(working: asyncio.Task[Any]) -> None:
    """Break it off, if it is not done, and wait until it is."""
    working.cancel()
    await asyncio.wait({working})

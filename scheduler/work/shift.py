"""One process's share of the work: jobs that are due are taken on leases, one task each, and given back.

Several processes may do so on one database; a job is with one of them at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import structlog

from chain.clock import ChainClock, unix_ms
from chain.errors import DraasError, Unavailable
from chain.log_setup import working_on
from scheduler.rows.database import Store
from scheduler.rows.leases import Lease, release_all, renew, take_due
from scheduler.signals import Signals, wait_for

log = structlog.get_logger()
LOOK_S = 1.0  # chain time passes without events
SETTLE_S = 5.0  # for what is under way when told to stop


@dataclass(frozen=True, slots=True)
class Pace:
    """Who works here, and how much at a time.

    Args:
        owner: this process, named once at its start.
        lease_s: seconds after which another may take a job from a process that fell silent.
        at_once: jobs under way here.
    """

    owner: str
    lease_s: int
    at_once: int = 64


class Shift:
    """Hands each due job to `work`, which gives the lease back."""

    def __init__(
        self,
        store: Store,
        signals: Signals,
        clock: ChainClock,
        pace: Pace,
        work: Callable[[Lease], Awaitable[None]],
    ) -> None:
        self._store = store
        self._signals = signals
        self._clock = clock
        self._pace = pace
        self._work = work
        self._busy: dict[Lease, asyncio.Task[None]] = {}
        self.looked_at = time.monotonic()  # when it last looked for work

    async def run(self) -> None:
        """Until cancelled. Then nothing more is taken, short steps are let finish, and the leases are given back, so
        that another process goes on at once."""
        with self._signals.listen("work") as hint:
            renewing = asyncio.create_task(self._renew())
            try:
                while True:
                    hint.clear()
                    await self._start_due(hint)
                    self.looked_at = time.monotonic()
                    await wait_for(hint, LOOK_S)
            finally:
                await self._stop(renewing)

    async def _stop(self, renewing: asyncio.Task[None]) -> None:
        if self._busy:
            await asyncio.wait(self._busy.values(), timeout=SETTLE_S)
        tasks = [renewing, *self._busy.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(Unavailable):  # then they run out
            async with self._store.write() as tx:
                await release_all(tx, self._pace.owner)

    async def _start_due(self, hint: asyncio.Event) -> None:
        room = self._pace.at_once - len(self._busy)
        if room <= 0:
            return
        until_ms = unix_ms() + self._pace.lease_s * 1000
        mine = [lease.job_id for lease in self._busy]
        try:
            async with self._store.write() as tx:
                moment = (self._clock.now(), unix_ms(), until_ms)
                taken = await take_due(tx, self._pace.owner, moment, room, without=mine)
        except DraasError as error:
            log.warning("work.degraded", error=str(error))
            return
        for lease in taken:
            with working_on(lease.job_id):
                task = asyncio.create_task(self._carry(lease))
            self._busy[lease] = task
            task.add_done_callback(partial(self._done, lease, hint))

    async def _carry(self, lease: Lease) -> None:
        try:
            await self._work(lease)
        except DraasError as error:  # the lease is lost, or runs out by itself
            log.info("job.dropped", error=str(error))

    def _done(self, lease: Lease, hint: asyncio.Event, _: asyncio.Task[None]) -> None:
        del self._busy[lease]
        hint.set()  # an event may have made it due again meanwhile

    async def _renew(self) -> None:
        """Hold the leases of what is under way; what is another's by now is dropped."""
        while True:
            await asyncio.sleep(self._pace.lease_s / 3)
            held = set(self._busy)
            if not held:
                continue
            until_ms = unix_ms() + self._pace.lease_s * 1000
            try:
                async with self._store.write() as tx:
                    lost = held - await renew(tx, held, until_ms)
            except DraasError:
                continue  # whether one was lost is seen when its step writes
            for lease in lost & set(self._busy):
                self._busy[lease].cancel()

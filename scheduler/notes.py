"""What a step writes of its job, as long as its lease holds; and telling whoever looks at the job."""

from __future__ import annotations

import random
from typing import Any

from sqlalchemy import select

from scheduler import tables as t
from scheduler.database import Store
from scheduler.leases import Lease, LeaseLost, finish, note
from scheduler.signals import ChainClock, Signals

MAX_WHY = 2000  # characters
MAX_PAUSE_S = 60


class Notes:
    """The work rows' pen."""

    def __init__(self, store: Store, signals: Signals, clock: ChainClock) -> None:
        self._store = store
        self._signals = signals
        self._clock = clock

    async def tell(self, lease: Lease, phase: str, why: str) -> None:
        """Note what is happening now, in the middle of a step.

        Raises:
            LeaseLost: the lease is another's by now.
        """
        async with self._store.write() as tx:
            values = await self._phase(tx, lease, phase, why)
            if values:
                await note(tx, lease, values)
        if values:
            self._signals.notify(f"jobs/{lease.job_id}")

    async def end(
        self, lease: Lease, due_at: int, phase: str = "", why: str = "", degraded: str | None = None
    ) -> None:
        """Give the lease back: the job is due again at chain time `due_at`, 0 for at once. Without a phase, what is
        told of the job stays as it is. `degraded` is what is out of order; empty when nothing is, and then failures
        are counted anew.

        Raises:
            LeaseLost: the lease is another's by now.
        """
        async with self._store.write() as tx:
            told = await self._phase(tx, lease, phase, why) if phase else {}
            if degraded is not None:
                told |= await self._degraded(tx, lease, degraded)
            await finish(tx, lease, due_at, told)
        if told:
            self._signals.notify(f"jobs/{lease.job_id}")

    async def fail(self, lease: Lease, why: str) -> None:
        """Give the lease back after a failure, told beside what the job waits for: tried again, later each time.

        Raises:
            LeaseLost: the lease is another's by now.
        """
        async with self._store.write() as tx:
            row = (await tx.execute(select(t.work).where(lease.mine))).first()
            if row is None:
                raise LeaseLost(lease.job_id)
            values = {"degraded": why[:MAX_WHY], "tries": row.tries + 1}
            await finish(tx, lease, self._clock.now() + backoff(row.tries), values)
        self._signals.notify(f"jobs/{lease.job_id}")

    async def _degraded(self, tx: Any, lease: Lease, degraded: str) -> dict[str, Any]:
        row = (await tx.execute(select(t.work).where(lease.mine))).first()
        if row is None:
            raise LeaseLost(lease.job_id)
        tries = row.tries if degraded else 0
        values = {"degraded": degraded[:MAX_WHY], "tries": tries}
        return {} if (row.degraded, row.tries) == (values["degraded"], tries) else values

    async def _phase(self, tx: Any, lease: Lease, phase: str, why: str) -> dict[str, Any]:
        """What changes; `since` moves with the phase only."""
        row = (await tx.execute(select(t.work).where(lease.mine))).first()
        if row is None:
            raise LeaseLost(lease.job_id)
        why = why[:MAX_WHY]
        if (row.phase, row.why) == (phase, why):
            return {}
        since = row.since if row.phase == phase else self._clock.now()
        return {"phase": phase, "why": why, "since": since}


def backoff(tries: int) -> int:
    """Seconds to wait after so many failures in a row, with jitter."""
    longest: int = min(MAX_PAUSE_S, 2 ** min(tries, 6))
    return longest + random.randint(0, 2)  # noqa: S311 - nothing to guess here

"""What a step writes of its job, as long as its lease holds; and telling whoever looks at the job."""

from __future__ import annotations

import secrets
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from chain.clock import ChainClock
from scheduler.rows import tables as t
from scheduler.rows.database import Store
from scheduler.rows.leases import Lease, LeaseLost, finish, note
from scheduler.signals import JOBS, Signals

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
            values = self._phase(await _row(tx, lease), phase, why)
            if values:
                await note(tx, lease, values)
        if values:
            self._signals.notify(f"{JOBS}{lease.job_id}")

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
            row = await _row(tx, lease)
            told = self._phase(row, phase, why) if phase else {}
            if degraded is not None:
                told |= _degraded(row, degraded)
            await finish(tx, lease, due_at, told)
        if told:
            self._signals.notify(f"{JOBS}{lease.job_id}")

    async def fail(self, lease: Lease, why: str) -> None:
        """Give the lease back after a failure, told beside what the job waits for: tried again, later each time.

        Raises:
            LeaseLost: the lease is another's by now.
        """
        async with self._store.write() as tx:
            row = await _row(tx, lease)
            values = {"degraded": why[:MAX_WHY], "tries": row.tries + 1}
            await finish(tx, lease, self._clock.now() + backoff(row.tries), values)
        self._signals.notify(f"{JOBS}{lease.job_id}")

    def _phase(self, row: Any, phase: str, why: str) -> dict[str, Any]:
        """What changes; `since` moves with the phase only."""
        why = why[:MAX_WHY]
        if (row.phase, row.why) == (phase, why):
            return {}
        since = row.since if row.phase == phase else self._clock.now()
        return {"phase": phase, "why": why, "since": since}


async def _row(tx: AsyncConnection, lease: Lease) -> Any:
    row = (await tx.execute(select(t.work).where(lease.mine))).first()
    if row is None:
        raise LeaseLost(lease.job_id)
    return row


def _degraded(row: Any, degraded: str) -> dict[str, Any]:
    """What changes; with nothing out of order, failures are counted anew."""
    values = {"degraded": degraded[:MAX_WHY], "tries": row.tries if degraded else 0}
    same = (row.degraded, row.tries) == (values["degraded"], values["tries"])
    return {} if same else values


def backoff(tries: int) -> int:
    """Seconds to wait after so many failures in a row, with jitter."""
    longest: int = min(MAX_PAUSE_S, 2 ** min(tries, 6))
    return longest + secrets.randbelow(3)

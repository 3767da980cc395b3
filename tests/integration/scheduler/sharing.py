"""A process that takes part in a shift on a shared database; run by test_shift.py.

Each job it gets is begun and ended in a file, so that a test can tell whether two were ever at the same one; each end
is counted in the job's row, as long as the lease holds. Arguments: database, file, lease in seconds, step in seconds.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

from chain.clock import ChainClock
from scheduler.rows import tables as t
from scheduler.rows.database import open_store
from scheduler.rows.leases import Lease, LeaseLost, finish, hold
from scheduler.signals import Signals
from scheduler.work.shift import Pace, Shift


def write(file: Path, *words: object) -> None:
    """One line, whole, whoever else writes."""
    line = " ".join(map(str, (time.monotonic_ns(), os.getpid(), *words))) + "\n"
    with file.open("ab", buffering=0) as out:
        out.write(line.encode())


async def main(url: str, file: Path, lease_s: int, step_s: float) -> None:
    """Work until told to stop."""
    store, clock = await open_store(url), ChainClock()

    async def work(lease: Lease) -> None:
        write(file, "begun", lease.job_id, lease.epoch)
        await asyncio.sleep(step_s)
        try:
            async with store.write() as tx:
                await hold(tx, lease)
                await tx.execute(t.work.update().where(lease.mine).values(tries=t.work.c.tries + 1))
                await finish(tx, lease, clock.now() + 1000, {})
                write(file, "ended", lease.job_id, lease.epoch)
        except (
            LeaseLost,
            asyncio.CancelledError,
        ):  # told by the write, or by the renewal before it
            write(file, "lost", lease.job_id, lease.epoch)
            raise

    pace = Pace(f"copy:{os.getpid()}", lease_s, at_once=8)
    running = asyncio.create_task(Shift(store, Signals(), clock, pace, work).run())
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    write(file, "ready")
    await asyncio.wait([running])
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))

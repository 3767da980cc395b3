"""What one run's program prints: read on, stored, and held back when it floods."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from agent.cgroup import Mounts
from agent.engine import Engine
from agent.flood import Flood, place_of
from agent.isolation import RunKey
from agent.logs import Follower
from agent.spool import Spool
from chain.trace import mark

LAST_LINES_SECONDS = 10


class Output:
    """The output of one run's container, over all its starts.

    Args:
        mounts: of control groups; None for an Engine elsewhere.
        cpu_millis: reserved, which a program that floods its log gets less of.
        notify: called in the event loop when there are new lines.
    """

    def __init__(
        self,
        engine: Engine,
        mounts: Mounts | None,
        key: RunKey,
        spool: Spool,
        cgroup: str,
        cpu_millis: int,
        notify: Callable[[], None],
    ) -> None:
        self._engine = engine
        self._mounts = mounts
        self._key = key
        self._cgroup = cgroup
        self._cpu_millis = cpu_millis
        self._notify = notify
        self._follower: Follower | None = None
        self.flood: Flood | None = None
        self._of = ""  # the container whose output is read
        self.spool = spool
        self._has_printed = spool.length > 0

    def follow(self, container_id: str) -> None:
        """Read it on, unless that is done or under way; tried again when it failed."""
        self._of, self.spool.ended = container_id, False
        if self.spool.full:
            return
        if self._follower is None or (self._follower.done.is_set() and self._follower.failed):
            self.spool.reads += 1
            self._follower = Follower(self._engine, container_id, self.spool, self._printed)

    def _printed(self) -> None:
        lines = [] if self._has_printed else self.spool.read(-1, 1)
        if lines:
            self._has_printed = True
            mark("first_log_line", self._key.job_id, self._key.attempt, lines[0].at_ms)
        self.tell()

    def tell(self) -> None:
        """There are new lines."""
        self.spool.wake()
        self._notify()

    async def watch_flood(self) -> None:
        """Slow the program down if it goes on printing fast after its log is full."""
        if not (self._of and self.spool.full) or self._mounts is None:
            return
        if self.flood is None:
            path = await self._engine.log_path(self._of)
            place = place_of(self._mounts, self._cgroup, self._of, path)
            if place is None:
                return
            self.flood = Flood(place, self._cpu_millis)
        await asyncio.to_thread(self.flood.look, time.monotonic())

    def release(self) -> None:
        """Slow nobody down any more: the program is to end."""
        if self.flood is not None:
            self.flood.release()

    async def last_lines(self) -> None:
        """The program has ended: read what it printed to the end."""
        if self._follower is not None:
            try:
                await asyncio.wait_for(self._follower.done.wait(), LAST_LINES_SECONDS)
            except TimeoutError:
                await self._follower.close()

    def forget_start(self) -> None:
        """The program is started again: its output is asked for anew."""
        self._follower = None

    async def let_go(self) -> None:
        """Stop reading; the container is left as it is."""
        if self._follower is not None:
            await self._follower.close()

"""A program that prints without end costs the Engine a core, and itself next to nothing: it is slowed.

The Engine takes whatever a program prints, also when nobody keeps it any more. So once a log is full, its growth at
the Engine is looked at, and processor time is taken from a program that prints too fast until it does not. It may
still end, and be ended, at any time; an agent that dies leaves nothing frozen.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from pathlib import Path

from agent.engine.engine import Engine
from agent.meter.cgroup import Mounts
from agent.output.spool import Spool

MOST_BYTES_PER_S = (
    512 * 1024
)  # of the Engine's log, where each line takes some 70 bytes more than it has
PERIOD_US = 1_000_000
LEAST_US = 1000  # of a period: the least that the kernel takes


def next_quota(quota_us: int, full_us: int, rate: float) -> int:
    """Microseconds of processor time in a period.

    Args:
        quota_us: as it is now.
        full_us: what the job has reserved.
        rate: bytes a second that its log grew by meanwhile.
    """
    if rate > MOST_BYTES_PER_S:
        return max(LEAST_US, int(quota_us * max(0.1, MOST_BYTES_PER_S / rate) / 2))
    if rate > MOST_BYTES_PER_S / 4:
        return quota_us
    return min(full_us, quota_us * 2)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a container's log and control group are on this machine.

    Args:
        log: the Engine's file.
        group: the container's own control group of the processor.
        version: of control groups.
    """

    log: Path
    group: Path
    version: int


def place_of(mounts: Mounts, parent: str, container_id: str, log: str) -> Place | None:
    """The places; None where they are not on this machine."""
    group = mounts.group("cpu", parent)
    if group is None or not log or not Path(log).is_file():
        return None
    found = [one for one in group.glob(f"*{container_id}*") if one.is_dir()]
    return Place(Path(log), found[0], mounts.version) if found else None


class Flood:
    """Watches over one container whose log is full.

    Args:
        cpu_millis: what the job has reserved.
    """

    def __init__(self, place: Place, cpu_millis: int) -> None:
        self._place = place
        self._full_us = max(LEAST_US, cpu_millis * PERIOD_US // 1000)
        self._size = self._at = 0.0
        self.quota_us = 0  # 0: not looked at yet

    @property
    def slows(self) -> bool:
        """Whether the program has less than it reserved."""
        return 0 < self.quota_us < self._full_us

    def look(self, now: float) -> None:
        """See how the log has grown, and give the program more or less time. Blocking, for a moment."""
        try:
            size = float(self._place.log.stat().st_size)
        except FileNotFoundError:
            return  # just now it is renamed
        grown = size - self._size if size >= self._size else size  # the Engine began a new file
        seconds, first = now - self._at, self.quota_us == 0
        self._size, self._at = size, now
        if first:  # an agent before us may have slowed it
            self._give(self._full_us)
        elif seconds > 0:
            wanted = next_quota(self.quota_us, self._full_us, grown / seconds)
            if wanted != self.quota_us:
                self._give(wanted)

    def release(self) -> None:
        """Give it all that it reserved."""
        if self.slows:
            self._give(self._full_us)

    def _give(self, quota_us: int) -> None:
        self.quota_us = quota_us
        with contextlib.suppress(OSError):  # the container has ended
            period_us = PERIOD_US
            if quota_us == self._full_us:  # as the Engine sets it
                quota_us, period_us = max(LEAST_US, quota_us // 10), PERIOD_US // 10
            if self._place.version == 2:
                (self._place.group / "cpu.max").write_text(f"{quota_us} {period_us}")
            else:
                (self._place.group / "cpu.cfs_period_us").write_text(f"{period_us}")
                (self._place.group / "cpu.cfs_quota_us").write_text(f"{quota_us}")


class Brake:
    """Slows one run's program down if it goes on printing fast after its log is full.

    Args:
        mounts: of control groups; None for an Engine elsewhere, where nothing is done.
        cpu_millis: what the job has reserved.
    """

    def __init__(
        self, engine: Engine, mounts: Mounts | None, spool: Spool, cgroup: str, cpu_millis: int
    ) -> None:
        self._engine = engine
        self._mounts = mounts
        self._spool = spool
        self._cgroup = cgroup
        self._cpu_millis = cpu_millis
        self.flood: Flood | None = None

    async def watch(self, container_id: str) -> None:
        """Look at it, now and then."""
        if self._mounts is None or not self._spool.full:
            return
        if self.flood is None:
            log = await self._engine.log_path(container_id)
            place = place_of(self._mounts, self._cgroup, container_id, log)
            if place is None:
                return
            self.flood = Flood(place, self._cpu_millis)
        await asyncio.to_thread(self.flood.look, time.monotonic())

    def release(self) -> None:
        """Slow nobody down any more: the program is to end."""
        if self.flood is not None:
            self.flood.release()

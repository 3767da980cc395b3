"""From the kernel's counters to what a run has used. `add_sample` is pure; `Meter` keeps one run's ledger.

CPU time is the difference of exact counters, so nothing is lost between samples, while the agent is down, or at
the end of a job of any length (see `cgroup.py` for the systemd driver). Memory is a level, so it is integrated:
the mean of two samples over the time between them; the lower of the two over a gap; and for a container that
ended before it was ever sampled, its peak.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path

from agent.cgroup import Counters
from agent.ledger import Ledger, Totals
from chain.job import Usage

GAP_MS = 5000
WRITE_EVERY_MS = 5000


@dataclass(frozen=True, slots=True)
class Sample:
    """What was seen of a run at one moment.

    Args:
        at_ms: Unix milliseconds: now, or of the container's end.
        started_ms: Unix milliseconds of the container's start, by the Engine.
        ended: whether the container has ended; `at_ms` is then the Engine's time of that.
        counters: of the run's control group; None when there is none any more.
        egress_bytes: counter of the run's network; None when it could not be read.
    """

    at_ms: int
    started_ms: int
    ended: bool
    counters: Counters | None
    egress_bytes: int | None


def add_sample(before: Totals, sample: Sample) -> Totals:
    """The totals after a sample; none of them ever falls, whatever clocks and counters do."""
    at_ms = max(sample.at_ms, before.at_ms, sample.started_ms)
    counters, egress = sample.counters, sample.egress_bytes
    totals = replace(
        before,
        at_ms=at_ms,
        wall_ms=max(before.wall_ms, at_ms - sample.started_ms),
        memory_byte_ms=before.memory_byte_ms + _memory(before, sample, at_ms),
    )
    if counters is not None:
        cpu_ns = before.cpu_ns + _rise(before.cpu_raw, counters.cpu_ns)
        level = 0 if sample.ended else counters.memory_bytes
        totals = replace(totals, cpu_ns=cpu_ns, cpu_raw=counters.cpu_ns, memory_bytes=level)
    if egress is not None:
        sent = before.egress_bytes + _rise(before.egress_raw, egress)
        totals = replace(totals, egress_bytes=sent, egress_raw=egress)
    return totals


def _rise(before: int, now: int) -> int:
    """How far a counter rose; one that fell was made anew."""
    return now - before if now >= before else now


def _memory(before: Totals, sample: Sample, at_ms: int) -> int:
    """Byte-milliseconds since the last sample."""
    span = at_ms - (before.at_ms or sample.started_ms)
    first = before.at_ms == 0
    if sample.ended:
        peak = sample.counters.memory_peak_bytes if sample.counters else 0
        return (peak if first else before.memory_bytes) * span
    level = sample.counters.memory_bytes if sample.counters else before.memory_bytes
    if first:
        return level * span
    if span > GAP_MS:
        return min(before.memory_bytes, level) * span
    return (before.memory_bytes + level) * span // 2


class Meter:
    """The meter of one run: samples in, totals out, the ledger in between."""

    def __init__(self, path: Path) -> None:
        self._ledger = Ledger(path)
        self.totals = self._ledger.totals
        self.ended = False
        self._writing = asyncio.Lock()

    @property
    def usage(self) -> Usage:
        """What has been used so far, in the contract's units."""
        return self.totals.usage()

    @property
    def head(self) -> str:
        """Hash of the ledger's last line."""
        return self._ledger.head

    async def add(self, sample: Sample) -> None:
        """Take a sample in. It reaches the disk at once at the start and the end, else every few seconds."""
        self.totals = add_sample(self.totals, sample)
        self.ended = self.ended or sample.ended
        due = self.totals.at_ms - self._ledger.totals.at_ms >= WRITE_EVERY_MS
        if due or sample.ended:
            await self.flush()

    async def flush(self) -> None:
        """Make the totals durable; done before they are reported."""
        async with self._writing:
            if self.totals != self._ledger.totals:
                await asyncio.to_thread(self._ledger.append, self.totals)

    def close(self) -> None:
        """Close the ledger."""
        self._ledger.close()

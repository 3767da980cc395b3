"""From the kernel's counters to what a run has used. `add_sample` is pure; `Meter` keeps one run's ledger.

CPU time is the difference of exact counters, so nothing is lost between samples, while the agent is down, or at
the end of a job of any length (see `cgroup.py` for the systemd driver). Memory is a level, so it is integrated:
the mean of two samples over the time between them; the lower of the two over a gap; and for a container that
ended before it was ever sampled, its peak. Time counts while a container runs: not between its end and its next
start, nor while the machine was down.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from agent.meter.cgroup import Counters
from agent.meter.ledger import Ledger
from chain.clock import unix_ms
from chain.job import Cid, Digest, JobId, Usage
from chain.ledger import Line, ReportLine, RunLine, StartLine, Totals
from chain.messages import UsageStatement
from chain.wire import StatementBody

GAP_MS = 5000
CLOCK_SET_MS = 100  # by which the two clocks may differ from one sample to the next without one having been set
WRITE_EVERY_MS = 5000
LINES_A_LIFE = 1000  # a long run's samples are written less often: its ledger stays small


@dataclass(frozen=True, slots=True)
class Sample:
    """What was seen of a run at one moment.

    Args:
        at_ms: Unix milliseconds: now, or of the container's end.
        started_ms: Unix milliseconds of the container's start, by the Engine.
        ended: whether the container has ended; `at_ms` is then the Engine's time of that.
        counters: of the run's control group; None when there is none any more.
        egress_bytes: counter of the run's network; None when it could not be read.
        egress_from: which interface that counter is of.
        mono_ms: now, by the kernel's clock that never jumps; 0 for unknown.
        boot: which start of the machine this is.
        container: the Engine's id.
    """

    at_ms: int
    started_ms: int
    ended: bool
    counters: Counters | None
    egress_bytes: int | None
    egress_from: int = 0
    mono_ms: int = 0
    boot: str = ""
    container: str = ""


@dataclass(frozen=True, slots=True)
class Seal:
    """Which run a ledger is of, and how its agent signs."""

    run: RunLine
    sign: Callable[[UsageStatement], str]


def add_sample(before: Totals, sample: Sample) -> Totals:
    """The totals after a sample; none of them ever falls, whatever clocks and counters do."""
    counters, egress = sample.counters, sample.egress_bytes
    same_boot = before.boot == sample.boot
    span = _ran_ms(before, sample)
    totals = replace(
        before,
        at_ms=max(sample.at_ms, before.at_ms, sample.started_ms),
        wall_ms=before.wall_ms + span,
        memory_byte_ms=before.memory_byte_ms + _memory(before, sample, span),
        started_ms=sample.started_ms,
        mono_ms=sample.mono_ms,
        boot=sample.boot,
        memory_bytes=0 if sample.ended else before.memory_bytes,
    )
    if counters is not None:
        same = same_boot and before.cpu_from == counters.group
        cpu_ns = before.cpu_ns + _rise(before.cpu_raw, counters.cpu_ns, same)
        level = 0 if sample.ended else counters.memory_bytes
        totals = replace(totals, cpu_ns=cpu_ns, cpu_raw=counters.cpu_ns, memory_bytes=level)
        totals = replace(totals, cpu_from=counters.group)
    if egress is not None:
        same = same_boot and before.egress_from == sample.egress_from
        sent = before.egress_bytes + _rise(before.egress_raw, egress, same)
        totals = replace(totals, egress_bytes=sent, egress_raw=egress)
        totals = replace(totals, egress_from=sample.egress_from)
    return totals


def _rise(before: int, now: int, same: bool) -> int:
    """How far a counter rose; one that was made anew, or fell, began at nothing."""
    return now - before if same and now >= before else now


def _ran_ms(before: Totals, sample: Sample) -> int:
    """For how long the container ran since the last sample, in milliseconds."""
    goes_on = before.at_ms > 0 and before.started_ms == sample.started_ms
    since_ms = before.at_ms if goes_on else sample.started_ms
    by_clock = max(0, sample.at_ms - since_ms)
    if before.at_ms == 0:
        return by_clock
    if before.boot != sample.boot:
        return 0 if goes_on else by_clock  # when it ended with the machine, nobody saw
    if sample.mono_ms == 0 or before.mono_ms == 0:
        return by_clock
    passed = max(0, sample.mono_ms - before.mono_ms)
    was_set = abs(by_clock - passed) > CLOCK_SET_MS
    return (
        passed if was_set and goes_on and not sample.ended else min(by_clock, passed + CLOCK_SET_MS)
    )


def _memory(before: Totals, sample: Sample, span: int) -> int:
    """Byte-milliseconds since the last sample."""
    first = before.started_ms != sample.started_ms
    if sample.ended:
        if not first:
            return before.memory_bytes * span
        # The peak is of all starts together, so that of a later one is not known.
        peak = sample.counters.memory_peak_bytes if sample.counters else 0
        return peak * span if before.at_ms == 0 else 0
    level = sample.counters.memory_bytes if sample.counters else before.memory_bytes
    if first:
        return level * span
    if span > GAP_MS:
        return min(before.memory_bytes, level) * span
    return (before.memory_bytes + level) * span // 2


class Meter:
    """The meter of one run: samples in, totals out, the ledger in between.

    Args:
        path: of the ledger.
        seal: None for a ledger that binds nobody, as tests of the meter alone keep it.
    """

    def __init__(self, path: Path, seal: Seal | None = None) -> None:
        self._ledger = Ledger(path)
        self._seal = seal
        self._noted = path.with_name("evidence.json")
        self._start = self._ledger.start
        self.totals = self._ledger.totals
        self._writing = asyncio.Lock()
        self.evidence, self._published = _read_note(self._noted)

    @property
    def usage(self) -> Usage:
        """What has been used so far, in the contract's units."""
        return self.totals.usage()

    @property
    def head(self) -> str:
        """Hash of the ledger's last line."""
        return self._ledger.head

    def bind(self, image: Digest) -> None:
        """The image that the container is of; later than the ledger's first line it changes nothing."""
        if self._seal is not None:
            self._seal = replace(self._seal, run=replace(self._seal.run, image=image))

    async def add(self, sample: Sample) -> None:
        """Take a sample in. It reaches the disk at once at the start and the end, else every few seconds."""
        self.totals = add_sample(self.totals, sample)
        start = StartLine(sample.container, sample.started_ms)
        begins, self._start = start != self._start, start
        pause = max(WRITE_EVERY_MS, self.totals.wall_ms // LINES_A_LIFE)
        due = self.totals.at_ms - self._ledger.totals.at_ms >= pause
        if due or begins or sample.ended:
            await self.flush()

    async def flush(self) -> None:
        """Make the totals durable."""
        async with self._writing:
            await asyncio.to_thread(self._write)

    async def report(self) -> Usage:
        """Write down and sign what is to be reported now."""
        async with self._writing:
            return await asyncio.to_thread(self._report)

    async def state(self, nonce: str) -> StatementBody | None:
        """What has been metered by now, signed in answer to a probe; None before the ledger has begun."""
        async with self._writing:
            return await asyncio.to_thread(self._state, nonce)

    def _write(self) -> None:
        totals, start, ledger = self.totals, self._start, self._ledger
        lines: list[Line] = []
        if ledger.run is None and self._seal is not None and start is not None:
            lines.append(self._seal.run)
        if start is not None and start != ledger.start:
            lines.append(start)
        if totals != ledger.totals:
            lines.append(totals)
        if lines:
            ledger.append(*lines)

    def _report(self) -> Usage:
        self._write()
        ledger = self._ledger
        usage = ledger.totals.usage()
        if self._seal is not None and ledger.run is not None and ledger.reported is None:
            counted = asdict(usage) | {"starts": ledger.starts}
            bare = ReportLine(**counted, at_ms=unix_ms(), signature="")
            signature = self._seal.sign(bare.statement(ledger.run, ledger.head))
            ledger.append(replace(bare, signature=signature))
        return usage

    def _state(self, nonce: str) -> StatementBody | None:
        self._write()
        ledger, run = self._ledger, self._ledger.run
        if self._seal is None or run is None:
            return None
        usage = ledger.totals.usage()
        which, place = (JobId(run.job_id), run.attempt), (ledger.starts, ledger.head)
        told = UsageStatement(*which, usage, *place, unix_ms(), nonce)
        return StatementBody(
            **asdict(usage),
            starts=told.starts,
            ledger=told.ledger,
            at_ms=told.at_ms,
            signature=self._seal.sign(told),
        )

    # ---- as evidence ------------------------------------------------------------------------------------------------

    @property
    def is_published(self) -> bool:
        """Whether the ledger as it stands is on IPFS, or there is nothing to put there."""
        return self._ledger.run is None or self._published == self.head

    async def publish(self, add: Callable[[bytes], Awaitable[Cid]]) -> str:
        """Put the ledger on IPFS; its CID.

        Raises:
            Unavailable: the node does not answer.
        """
        async with self._writing:
            await asyncio.to_thread(self._write)
            head = self.head
            text = await asyncio.to_thread(self._ledger.text)
        cid = await add(text)
        new = self._noted.with_suffix(".new")
        new.write_text(json.dumps({"cid": cid, "head": head}))
        new.rename(self._noted)
        self.evidence, self._published = cid, head
        return cid

    def close(self) -> None:
        """Close the ledger."""
        self._ledger.close()


def _read_note(path: Path) -> tuple[str, str]:
    """The CID under which a ledger was published last, and its head then."""
    try:
        note = json.loads(path.read_text())
        return str(note["cid"]), str(note["head"])
    except (OSError, ValueError, KeyError, TypeError):
        return "", ""

"""The usage ledger of one run, as its agent writes it and anybody reads it: JSON lines, each with the hash of the line
before it. Pure; `docs/metering.md` tells the format.

The first line says which run it is; a `start` line comes with each start of its container, a `sample` line with what
was metered by then, and a `report` line, signed, with whatever goes to the chain. All totals are exact integers that
only ever rise; `Totals.usage` rounds them down to what is reported.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any

from chain.job import Address, JobId, Resources, Usage
from chain.messages import Domain, UsageStatement

GENESIS = "0" * 64
VERSION = 1
MAX_LINE_BYTES = 4096
_MIB_MS = 1024 * 1024 * 1000  # byte-milliseconds in a MiB-second
_MOST = 2**96
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class RunLine:
    """Which run a ledger is of, so that it cannot pass for another's. The resources are what the job reserved."""

    version: int
    chain_id: int
    escrow: str
    job_id: str
    attempt: int
    agent: str
    image: str
    cpu_millis: int
    memory_mib: int
    egress_kib_s: int

    @property
    def domain(self) -> Domain:
        """Where its signatures hold."""
        return Domain(self.chain_id, Address(self.escrow))

    @property
    def reserved(self) -> Resources:
        """What the job reserved."""
        return Resources(self.cpu_millis, self.memory_mib, self.egress_kib_s)


@dataclass(frozen=True, slots=True)
class StartLine:
    """A start of the run's container, by the Docker Engine's id and time in Unix milliseconds."""

    container: str
    started_ms: int


@dataclass(frozen=True, slots=True)
class Totals:
    """All that a run has used so far, and the raw readings that the next sample is compared with.

    Args:
        cpu_ns: processor time.
        memory_byte_ms: bytes × milliseconds.
        egress_bytes: sent to the outside.
        wall_ms: for which its container ran, all starts together.
        at_ms: Unix milliseconds of the last sample; 0 before the first.
        memory_bytes: in use at the last sample.
        cpu_raw, egress_raw: the kernel's counters at the last sample.
        started_ms: of the container, the start that the last sample belongs to.
        mono_ms: the kernel's clock that never jumps, at the last sample.
        boot: which start of the machine that was; the first digits of the kernel's id of it.
        cpu_from, egress_from: which control group and which bridge the counters are of; another one begins anew.
    """

    cpu_ns: int = 0
    memory_byte_ms: int = 0
    egress_bytes: int = 0
    wall_ms: int = 0
    at_ms: int = 0
    memory_bytes: int = 0
    cpu_raw: int = 0
    egress_raw: int = 0
    started_ms: int = 0
    mono_ms: int = 0
    boot: str = ""
    cpu_from: int = 0
    egress_from: int = 0

    def usage(self) -> Usage:
        """The totals in the contract's units, rounded down."""
        return Usage(
            cpu_ms=self.cpu_ns // 1_000_000,
            memory_mib_s=self.memory_byte_ms // _MIB_MS,
            egress_kib=self.egress_bytes // 1024,
            wall_s=self.wall_ms // 1000,
        )

    def falls_below(self, before: Totals) -> bool:
        """Whether any total is less than before."""
        return (
            self.cpu_ns < before.cpu_ns
            or self.memory_byte_ms < before.memory_byte_ms
            or self.egress_bytes < before.egress_bytes
            or self.wall_ms < before.wall_ms
        )


@dataclass(frozen=True, slots=True)
class ReportLine:
    """What was reported, and the agent's signature of it as a `UsageStatement` over the line before this one."""

    cpu_ms: int
    memory_mib_s: int
    egress_kib: int
    wall_s: int
    starts: int
    at_ms: int
    signature: str

    @property
    def usage(self) -> Usage:
        """What was reported."""
        return Usage(self.cpu_ms, self.memory_mib_s, self.egress_kib, self.wall_s)

    def statement(self, run: RunLine, ledger: str) -> UsageStatement:
        """What the signature is of."""
        job_id = JobId(run.job_id)
        return UsageStatement(job_id, run.attempt, self.usage, self.starts, ledger, self.at_ms)


Line = RunLine | StartLine | Totals | ReportLine
_KINDS: dict[str, type[Line]] = {
    "run": RunLine,
    "start": StartLine,
    "sample": Totals,
    "report": ReportLine,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


@dataclass(frozen=True, slots=True)
class Entry:
    """A line in its place.

    Args:
        prev: hash of the line before it.
        head: its own hash, which stands for the ledger up to here.
        ends: where it ends, in bytes from the beginning.
    """

    line: Line
    prev: str
    head: str
    ends: int


def encode(line: Line, prev: str) -> bytes:
    """A line as it is written, with its newline."""
    body = {"kind": _NAMES[type(line)]} | asdict(line) | {"prev": prev}
    return json.dumps(body, separators=(",", ":")).encode() + b"\n"


def head_of(written: bytes) -> str:
    """The hash of a written line, its newline aside."""
    return hashlib.sha256(written.removesuffix(b"\n")).hexdigest()


def read_entries(data: bytes) -> Iterator[Entry]:
    """The lines that follow from one another. It ends at the first that does not: one that is cut off, changed, or of
    which a total falls; whoever cares compares the last `ends` with the length."""
    head, totals, ends = GENESIS, Totals(), 0
    while ends < len(data):
        stop = data.find(b"\n", ends, ends + MAX_LINE_BYTES)
        if stop < 0:
            return
        written = data[ends:stop]
        line = _decode(written, head)
        if line is None:
            return
        if isinstance(line, Totals):
            if line.falls_below(totals):
                return
            totals = line
        entry = Entry(line, head, head_of(written), stop + 1)
        head, ends = entry.head, entry.ends
        yield entry


def _decode(written: bytes, prev: str) -> Line | None:
    try:
        body = json.loads(written)
    except (ValueError, RecursionError):
        return None
    if not isinstance(body, dict) or body.pop("prev", None) != prev:
        return None
    name = body.pop("kind", None)
    kind = _KINDS.get(name) if isinstance(name, str) else None
    if kind is None or not _fits(kind, body):
        return None
    return kind(**body)


def _fits(kind: type[Line], body: dict[str, Any]) -> bool:
    """Whether these are the fields of this kind, each of its type and within bounds."""
    wanted = {field.name: field.type for field in fields(kind)}
    return wanted.keys() == body.keys() and all(
        _is_text(body[name]) if of == "str" else _is_count(body[name])
        for name, of in wanted.items()
    )


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < _MOST

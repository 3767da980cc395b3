"""The usage ledger of one run: a file of JSON lines, each with the hash of the one before it.

It is written while the run is metered, read again when the agent starts, and evidence afterwards. All values
only ever rise, and are exact integers; `Totals.usage` rounds them down to what is reported.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from chain.job import Usage

GENESIS = "0" * 64
_MIB_MS = 1024 * 1024 * 1000  # byte-milliseconds in a MiB-second


@dataclass(frozen=True, slots=True)
class Totals:
    """All that a run has used so far, and the raw readings that the next sample is compared with.

    Args:
        cpu_ns: processor time.
        memory_byte_ms: bytes × milliseconds.
        egress_bytes: sent to the outside.
        wall_ms: since the container's start.
        at_ms: Unix milliseconds of the last sample; 0 before the first.
        memory_bytes: in use at the last sample.
        cpu_raw, egress_raw: the kernel's counters at the last sample.
    """

    cpu_ns: int = 0
    memory_byte_ms: int = 0
    egress_bytes: int = 0
    wall_ms: int = 0
    at_ms: int = 0
    memory_bytes: int = 0
    cpu_raw: int = 0
    egress_raw: int = 0

    def usage(self) -> Usage:
        """The totals in the contract's units, rounded down."""
        return Usage(
            cpu_ms=self.cpu_ns // 1_000_000,
            memory_mib_s=self.memory_byte_ms // _MIB_MS,
            egress_kib=self.egress_bytes // 1024,
            wall_s=self.wall_ms // 1000,
        )


class Ledger:
    """An open ledger. Opening reads and checks it; a line that was cut off by a crash is dropped.

    Args:
        path: the file; made when it is not there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.totals, self._head, good = _read(path)
        self._file = path.open("ab")
        if path.stat().st_size > good:
            self._set_aside(good)

    def append(self, totals: Totals) -> None:
        """Write new totals, and be sure that they are on the disk.

        Raises:
            ValueError: a total would fall.
        """
        if _falls(self.totals, totals):
            raise ValueError("usage cannot fall")
        line = json.dumps({**asdict(totals), "prev": self._head}, separators=(",", ":")).encode()
        self._file.write(line + b"\n")
        self._file.flush()
        os.fdatasync(self._file.fileno())
        self._head = hashlib.sha256(line).hexdigest()
        self.totals = totals

    @property
    def head(self) -> str:
        """Hash of the last line: it stands for the whole ledger."""
        return self._head

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _set_aside(self, good: int) -> None:
        with self._path.open("rb") as file:
            file.seek(good)
            self._path.with_suffix(".broken").write_bytes(file.read())
        self._file.truncate(good)


def verify(path: Path) -> bool:
    """Whether every line of a ledger follows from the one before it."""
    return _read(path)[2] == path.stat().st_size


def _read(path: Path) -> tuple[Totals, str, int]:
    """The last good totals, the hash of their line, and how many bytes are good."""
    totals, head, good = Totals(), GENESIS, 0
    if not path.exists():
        return totals, head, good
    for line in path.read_bytes().splitlines(keepends=True):
        found = _totals_of(line, head)
        if found is None or _falls(totals, found):
            break
        totals, head = found, hashlib.sha256(line[:-1]).hexdigest()
        good += len(line)
    return totals, head, good


def _totals_of(line: bytes, head: str) -> Totals | None:
    if not line.endswith(b"\n"):
        return None
    try:
        fields = json.loads(line)
        return replace(Totals(), **fields) if fields.pop("prev") == head else None
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _falls(old: Totals, new: Totals) -> bool:
    return (
        new.cpu_ns < old.cpu_ns
        or new.memory_byte_ms < old.memory_byte_ms
        or new.egress_bytes < old.egress_bytes
        or new.wall_ms < old.wall_ms
    )

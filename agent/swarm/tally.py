"""What a node knows of the runs on it: their leases, and what their containers have used.

When a container ends, its control group goes with it. What it used after the last reading is found by subtraction:
the group above has counted it, and the other groups below that one can still be read. Where two of them go between
two readings, nobody can tell which used what, and neither is counted further.

The standard library alone: these files are handed to a plain Python image.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from agent.meter.cgroup import Counters, Mounts, parse_keys, read_counters

STRANGE_S = 15.0  # for a container that is found running and whose lease is not known


@dataclass(slots=True)
class Lease:
    """How long a run's container may go on, by the boot clock; `container` is the one that took it up."""

    until: float
    container: str = ""


@dataclass(slots=True)
class Metered:
    """One container: its group, relative to the mount, while there is one; and its counters as last read."""

    run: str
    group: str = ""
    last: Counters = field(default_factory=lambda: Counters(0, 0, 0, 0))
    ended: bool = False
    killed: str = ""


@dataclass(frozen=True, slots=True)
class Parent:
    """CPU nanoseconds of a group, and of those below it by name, at one moment."""

    total: int
    below: Mapping[str, int]


def remainder(before: Parent, now: Parent) -> tuple[str, int] | None:
    """Which group has gone since, and what it used after it was last read; None unless it is exactly one."""
    gone = before.below.keys() - now.below.keys()
    if len(gone) != 1:
        return None
    others = sum(ns - before.below.get(name, 0) for name, ns in now.below.items())
    return gone.pop(), max(0, now.total - before.total - others)


def mounts_at(root: Path) -> Mounts:
    """The control groups below a folder, in either version of the interface."""
    if (root / "cgroup.controllers").exists():
        return Mounts(2, {"": root})
    return Mounts(1, {name: root / name for name in ("cpuacct", "memory")})


class Tally:
    """The leases and meters of this node's runs.

    Args:
        state: the file in which leases are kept.
    """

    def __init__(self, mounts: Mounts, state: Path) -> None:
        self._mounts = mounts
        self._cpu = mounts.roots.get("cpuacct") or mounts.roots[""]
        self._state = state
        self._metered: dict[str, Metered] = {}
        self._leases: dict[str, Lease] = {}
        self._before: dict[str, Parent] = {}
        with contextlib.suppress(OSError, ValueError, TypeError):
            kept = json.loads(state.read_text())
            self._leases = {run: Lease(**lease) for run, lease in kept.items()}

    def lease(self, run: str, seconds: float, fresh: bool) -> bool:
        """Let a run go on; `fresh` for a container that is to come. False when one of the run lives still."""
        old = self._leases.get(run)
        if fresh and old is not None and self._lives(old.container):
            return False
        container = "" if fresh or old is None else old.container
        self._leases[run] = Lease(boot_clock() + seconds, container)
        self._save()
        return True

    def drop(self, run: str) -> None:
        """Forget a run; its containers are gone."""
        self._leases.pop(run, None)
        self._metered = {one: seen for one, seen in self._metered.items() if seen.run != run}
        self._save()

    def _lives(self, container: str) -> bool:
        seen = self._metered.get(container)
        return seen is not None and not seen.ended

    def _save(self) -> None:
        new = self._state.with_suffix(".new")
        new.write_text(json.dumps({run: asdict(lease) for run, lease in self._leases.items()}))
        new.rename(self._state)

    def made(self, container: str, run: str) -> None:
        """A container of ours was made, and is read from now on."""
        self._metered.setdefault(container, Metered(run))

    def began(self, container: str, run: str, found: bool = False) -> str:
        """A container of ours runs; why it must end at once, "" when it may go on.

        Args:
            found: it ran already when we began to look.
        """
        self.made(container, run)
        lease = self._leases.get(run)
        if lease is None and found:
            lease = self._leases[run] = Lease(boot_clock() + STRANGE_S)
        if lease is None or boot_clock() > lease.until:
            return "without a lease"
        if lease.container not in ("", container):
            return "a second container of one run"
        lease.container = container
        self._save()
        return ""

    def ended(self, container: str) -> None:
        """The Engine says that it has ended; its group may go a little later."""
        if container in self._metered:
            self._metered[container].ended = True

    def overdue(self) -> list[str]:
        """Living containers whose lease has run out, or that were to end already."""
        now = boot_clock()
        due = {lease.container for lease in self._leases.values() if now > lease.until}
        due |= {one for one, seen in self._metered.items() if seen.killed}
        return [one for one in due if self._lives(one)]

    def killed(self, container: str, why: str) -> None:
        """We end it."""
        if container in self._metered and not self._metered[container].killed:
            self._metered[container].killed = why

    def usage(self, run: str) -> dict[str, Any]:
        """What all containers of a run have used: `read` once there was a reading, `settled` once nothing can be
        added to it."""
        mine = [seen for seen in self._metered.values() if seen.run == run]
        return {
            "read": any(seen.last.memory_peak_bytes for seen in mine),
            "now_ms": time.time_ns() // 1_000_000,
            "cpu_ns": sum(seen.last.cpu_ns for seen in mine),
            "memory_bytes": sum(seen.last.memory_bytes for seen in mine if not seen.ended),
            "memory_peak_bytes": max((seen.last.memory_peak_bytes for seen in mine), default=0),
            "oom_kills": sum(seen.last.oom_kills for seen in mine),
            "settled": all(seen.ended and not seen.group for seen in mine),
            "killed": mine[-1].killed if mine else "",
        }

    def tick(self) -> bool:
        """Read every counter once; whether there is anything to read."""
        live = {one: seen for one, seen in self._metered.items() if not seen.ended or seen.group}
        for container, seen in live.items():
            seen.group = seen.group or self._find(container)
        reading = [seen for seen in live.values() if seen.group]
        places = {str(Path(seen.group).parent) for seen in reading}
        now = {place: found for place in places if (found := self._parent(place)) is not None}
        for seen in reading:
            place = str(Path(seen.group).parent)
            if place in now:
                self._read(seen, self._before.get(place), now[place])
        self._before = now
        return bool(live)

    def _find(self, container: str) -> str:
        for depth in ("", "*/", "*/*/"):
            for name in (container, f"docker-{container}.scope"):
                for found in self._cpu.glob(depth + name):
                    return str(found.relative_to(self._cpu))
        return ""

    def _parent(self, place: str) -> Parent | None:
        """A group and those below it; they are read before it."""
        below = {}
        try:
            for path in (self._cpu / place).iterdir():
                if path.is_dir() and (ns := self._cpu_ns(path)) is not None:
                    below[path.name] = ns
            total = self._cpu_ns(self._cpu / place)
        except OSError:
            return None
        return None if total is None else Parent(total, below)

    def _cpu_ns(self, group: Path) -> int | None:
        try:
            if self._mounts.version == 2:
                return parse_keys((group / "cpu.stat").read_text())["usage_usec"] * 1000
            return int((group / "cpuacct.usage").read_text())
        except OSError:
            return None  # it has gone this moment

    def _read(self, seen: Metered, before: Parent | None, now: Parent) -> None:
        name = Path(seen.group).name
        if name in now.below:
            counters = read_counters(self._mounts, seen.group)
            if counters is not None:
                seen.last = counters
            return
        last = remainder(before, now) if before is not None else None
        more = last[1] if last is not None and last[0] == name else 0
        base = before.below.get(name, 0) if before is not None else 0
        cpu_ns = max(base + more, seen.last.cpu_ns)
        seen.last = Counters(cpu_ns, 0, seen.last.memory_peak_bytes, seen.last.oom_kills)
        seen.group, seen.ended = "", True


def boot_clock() -> float:
    """Seconds since the machine started."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)

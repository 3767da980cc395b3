"""Which of its limits a run has hit, by the kernel's count, in words for its consumer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from agent.engine.isolation import MIB
from agent.meter.cgroup import Counters, Mounts, parse_keys


@dataclass
class MemoryUse:
    """What a run's group has counted of the memory of one start.

    Args:
        kills: processes killed for memory, of all starts.
        peak_bytes: the most that was in use, of all starts.
        peak_before: the most in those before this one.
    """

    kills: int = 0
    peak_bytes: int = 0
    peak_before: int = 0

    def see(self, counters: Counters | None) -> None:
        """Take a reading."""
        if counters is not None:
            self.kills = max(self.kills, counters.oom_kills)
            self.peak_bytes = counters.memory_peak_bytes

    def next_start(self) -> None:
        """The program is started again, in the same group."""
        self.kills, self.peak_before = 0, self.peak_bytes

    def filled(self, memory_mib: int) -> bool:
        """Whether this start is the first that has used all its memory. It tells why a program was killed where the
        Engine has missed it, since version 1 forgets its kills with the container's own group."""
        most = (memory_mib - 1) * MIB  # the kernel charges some pages ahead
        return self.peak_before < most <= self.peak_bytes


def hit_process_limit(mounts: Mounts, parent: str, most: int, peak_counts: bool = True) -> bool:
    """Whether a run had `most` processes and threads at once, or was denied one more.

    Args:
        peak_counts: whether the peak says it: not when an earlier start of the same run had reached the limit.

    The peak outlives the container; where the kernel keeps none, denials are seen only while the container is there.
    """
    group = mounts.group("pids", parent)
    if group is None:
        return False
    denied = [parse_keys(_text(path)).get("max", 0) for path in group.glob("*/pids.events")]
    peak = _text(group / "pids.peak").strip()
    return any(denied) or (peak_counts and peak.isdigit() and int(peak) >= most)


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""  # not kept by this kernel, or the container has just ended


def why_failed(exit_code: int, memory_mib: int, most: int) -> str:
    """Why a program did not end well, as far as its limits tell; "" when they do not.

    Args:
        memory_mib: its limit, where the kernel killed a process of it for memory; else 0.
        most: how many processes it might have, where it had them all; else 0.
    """
    if exit_code == 0:
        return ""
    if memory_mib:
        return f"killed: out of memory (limit {memory_mib} MiB)"
    return f"it reached its limit of {most} processes and threads" if most else ""

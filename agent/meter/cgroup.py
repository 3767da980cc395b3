"""The kernel's control groups: exact counters of a run, in both versions of the interface.

Each run has a parent group of its own above the container's. Under the `cgroupfs` driver that group outlives
the container, so its counters can be read after even the shortest job. Under the `systemd` driver the parent is
a slice, which systemd may remove together with the container; what counts then is the last sample before that.
"""

from __future__ import annotations

import contextlib
import functools
import time
from dataclasses import dataclass
from pathlib import Path

_V1_CONTROLLERS = (
    "cpuacct", "memory", "pids", "cpu", "cpuset", "blkio", "devices", "freezer",
    "net_cls", "net_prio", "perf_event", "hugetlb", "rdma", "misc", "name=systemd",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mounts:
    """Where control groups are mounted.

    Args:
        version: 1 or 2, of the interface that holds the counters.
        roots: v1: controller → mount; v2: "" → mount.
        unified: the v2 mount beside v1, which has groups and no counters.
    """

    version: int
    roots: dict[str, Path]
    unified: Path | None = None

    def group(self, controller: str, parent: str) -> Path | None:
        """Where a group lies, by the controller whose files are wanted; None where the kernel has none."""
        root = self.roots.get("" if self.version == 2 else controller)
        return root / directory_of(parent) if root is not None else None

    def all_roots(self) -> list[Path]:
        """Every mount in which a group of ours can exist."""
        roots = sorted({*self.roots.values()})
        return [*roots, self.unified] if self.unified and self.version == 1 else roots


@dataclass(frozen=True, slots=True)
class Counters:
    """One reading of a run's group.

    Args:
        cpu_ns: processor time used since the group was made.
        memory_bytes: in use now, without file cache that could be dropped at once.
        memory_peak_bytes: the most that was in use.
        oom_kills: processes killed for memory, as far as this group counts them.
        group: the kernel's number of the group; one that is made again has another, and counts from nothing.
    """

    cpu_ns: int
    memory_bytes: int
    memory_peak_bytes: int
    oom_kills: int
    group: int = 0


def parse_mounts(text: str, version: int) -> Mounts:
    """Read `/proc/mounts`.

    Args:
        text: its content.
        version: what the Engine says it uses, 1 or 2.
    """
    roots: dict[str, Path] = {}
    unified: Path | None = None
    for line in text.splitlines():
        _, place, kind, options, *_ = line.split()
        path = Path(place.replace("\\040", " "))
        if kind == "cgroup2":
            unified = unified or path
        elif kind == "cgroup":
            found = [name for name in options.split(",") if name in _V1_CONTROLLERS]
            roots |= {name: path for name in found if name not in roots}
    if version == 2 and unified is not None:
        return Mounts(2, {"": unified})
    return Mounts(1, roots, unified)


def moment() -> tuple[int, str]:
    """Now by the kernel alone: milliseconds of its clock that never jumps and stands still while the machine sleeps,
    the same for every process; and which start of the machine that is, the first digits of its random name."""
    return time.monotonic_ns() // 1_000_000, _boot()


@functools.cache
def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text()[:8]


def parse_keys(text: str) -> dict[str, int]:
    """Read a file of `name value` lines."""
    pairs = (line.split() for line in text.splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}


def directory_of(parent: str) -> str:
    """The path of a parent group below its mount: `a-b.slice` is kept by systemd in `a.slice/a-b.slice`."""
    if not parent.endswith(".slice"):
        return parent.strip("/")
    parts = parent.removesuffix(".slice").split("-")
    return "/".join("-".join(parts[: i + 1]) + ".slice" for i in range(len(parts)))


def read_counters(mounts: Mounts, parent: str) -> Counters | None:
    """Read a run's group; None when there is none (any more)."""
    try:
        if mounts.version == 2:
            return _read_v2(mounts.roots[""] / directory_of(parent))
        cpu = mounts.roots["cpuacct"] / directory_of(parent)
        memory = mounts.roots["memory"] / directory_of(parent)
        return _read_v1(cpu, memory)
    except (FileNotFoundError, NotADirectoryError, KeyError):
        return None
    except OSError as error:
        if error.errno == 19:  # ENODEV: it was removed while it was read
            return None
        raise


def _read_v1(cpu: Path, memory: Path) -> Counters:
    used = int((memory / "memory.usage_in_bytes").read_text())
    stat = parse_keys((memory / "memory.stat").read_text())
    control = [memory, *(path for path in memory.iterdir() if path.is_dir())]
    kills = [parse_keys((path / "memory.oom_control").read_text()) for path in control]
    return Counters(
        cpu_ns=int((cpu / "cpuacct.usage").read_text()),
        memory_bytes=max(0, used - stat.get("total_inactive_file", 0)),
        memory_peak_bytes=int((memory / "memory.max_usage_in_bytes").read_text()),
        oom_kills=sum(found.get("oom_kill", 0) for found in kills),
        group=cpu.stat().st_ino,
    )


def _read_v2(group: Path) -> Counters:
    cpu_ns = parse_keys((group / "cpu.stat").read_text())["usage_usec"] * 1000
    # Without the memory controller there is processor time all the same.
    used = int(_text(group / "memory.current") or 0)
    peak = _text(group / "memory.peak")  # since Linux 5.19
    return Counters(
        cpu_ns=cpu_ns,
        memory_bytes=max(
            0, used - parse_keys(_text(group / "memory.stat")).get("inactive_file", 0)
        ),
        memory_peak_bytes=int(peak) if peak else used,
        oom_kills=parse_keys(_text(group / "memory.events")).get("oom_kill", 0),
        group=group.stat().st_ino,
    )


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def remove_group(mounts: Mounts, parent: str) -> bool:
    """Remove a run's group, and the folders above it once they are empty; says whether it is gone.

    A slice is left to systemd.
    """
    if parent.endswith(".slice"):
        return True
    relative = Path(directory_of(parent))
    gone = True
    for root in mounts.all_roots():
        group = root / relative
        for path in (group, *group.parents):
            if path == root:
                break
            with contextlib.suppress(OSError):
                path.rmdir()
        gone = gone and not group.exists()
    return gone

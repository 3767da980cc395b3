"""What is held against the machine: the Engine, its kernel, its disks and its GPUs. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from agent.check.lines import Line, rated
from agent.runs.gpus import Listing
from chain.job import Resources

OLDEST_API = (1, 40)
SLOW_DRIVERS = {"vfs", "devicemapper", "aufs"}
GIB = 1024**3
LITTLE_DISK, NO_DISK = 10 * GIB, GIB
DAEMON = "/etc/docker/daemon.json"


@dataclass(frozen=True, slots=True)
class EngineFound:
    """What the Docker Engine says of itself."""

    version: str = ""
    api: str = ""
    storage: str = ""
    cgroup_version: int = 0
    cgroup_driver: str = ""
    security: tuple[str, ...] = ()  # like name=seccomp,profile=builtin
    runtimes: tuple[str, ...] = ()
    gvisor: bool = False  # one of them is
    live_restore: bool = False
    cpus: int = 0
    memory_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Metered:
    """What became of a container that was run to its end.

    Args:
        cpu_ns: read from its parent control group after it had ended; None where there was nothing to read.
        skipped: why it was not tried.
        fault: what went wrong.
    """

    cpu_ns: int | None = None
    skipped: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True)
class HostFound:
    """What this process may do, and the room there is.

    Args:
        missing: of the programs that are needed, those that are not there.
        disks: folder → bytes free; of the agent's home and of the Engine.
    """

    root: bool
    missing: tuple[str, ...] = ()
    disks: dict[str, int] = field(default_factory=dict)


def engine_lines(found: EngineFound) -> list[Line]:
    """The Engine: its age, its storage, its fences."""
    old = _numbers(found.api) < OLDEST_API
    slow = found.storage in SLOW_DRIVERS
    return [
        rated(
            "docker",
            f"Engine {found.version}, API {found.api}, storage {found.storage}",
            f'Set "storage-driver": "overlay2" in {DAEMON}: {found.storage} is slow.'
            if slow
            else "",
            "Install a newer Docker Engine (20.10 or later)." if old else "",
        ),
        _cgroups(found),
        _fences(found.security),
        _sandbox(found.gvisor),
        rated(
            "restarts",
            "containers outlive a restart of the Engine"
            if found.live_restore
            else "a restart of the Engine ends every container",
            ""
            if found.live_restore
            else f'Set "live-restore": true in {DAEMON} and reload Docker.',
        ),
    ]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _cgroups(found: EngineFound) -> Line:
    told = f"version {found.cgroup_version}, driver {found.cgroup_driver}"
    by_systemd = found.cgroup_driver == "systemd"
    fix = (
        f'Set "exec-opts": ["native.cgroupdriver=cgroupfs"] in {DAEMON}: systemd removes a group with its container, '
        "and the last second of a job may go unmetered."
    )
    none = found.cgroup_driver in ("", "none")
    return rated(
        "cgroups",
        told,
        fix if by_systemd else "",
        "Run Docker with control groups: without them nothing is limited or metered."
        if none
        else "",
    )


def _fences(security: Sequence[str]) -> Line:
    names = {part.split(",")[0].removeprefix("name=") for part in security}
    unconfined = any("profile=unconfined" in part for part in security)
    has_seccomp = "seccomp" in names and not unconfined
    has_module = bool(names & {"apparmor", "selinux"})
    found = [
        name for name in ("seccomp", "apparmor", "selinux", "userns", "rootless") if name in names
    ]
    return rated(
        "fences",
        ", ".join(found) or "none",
        ""
        if has_module
        else "Enable AppArmor or SELinux: it is one more wall between jobs and this machine.",
        "" if has_seccomp else "Run a Docker Engine with its default seccomp profile.",
    )


def _sandbox(there: bool) -> Line:
    return rated(
        "gvisor",
        "runsc is registered"
        if there
        else "runsc is not registered: jobs share this machine's kernel",
        "" if there else f'Install gVisor and register runsc under "runtimes" in {DAEMON}.',
    )


def fault_lines(faults: Sequence[str]) -> list[Line]:
    """Programs of versions that are known to let a container out."""
    fix = "Update it, or take jobs under gVisor alone (AGENT_RUNTIME=gvisor)."
    good = "no fault is known of these versions of runc, containerd and the Engine"
    return [rated("versions", told, fix) for told in faults] or [rated("versions", good)]


def metering_line(found: Metered) -> Line:
    """Whether a job that has ended can be metered."""
    if found.skipped:
        return Line("metering", "skip", found.skipped, "docker pull busybox, then check again.")
    if found.fault:
        fix = "Run `docker run --rm busybox true` by hand to see why."
        return Line("metering", "fail", f"no container can be run: {found.fault}", fix)
    if found.cpu_ns is None:
        fix = "Run the agent on the Engine's own machine, as root, with that machine's /sys/fs/cgroup."
        return Line(
            "metering", "fail", "the counters of a container that ended cannot be read", fix
        )
    told = (
        f"a container that ended had used {found.cpu_ns / 1e6:.0f} ms of CPU, by its control group"
    )
    return rated(
        "metering", told, fail="" if found.cpu_ns else "The kernel counted nothing: see above."
    )


def host_lines(
    found: HostFound, offered: Resources | None, engine: EngineFound | None
) -> list[Line]:
    """What this process may do, and whether there is as much as it offers."""
    lacks = [] if found.root else ["root"]
    lacks += found.missing
    told = "root, with iptables, tc and mount"
    if lacks:
        told = f"without {', '.join(lacks)}: jobs with a network are refused, and /output stays within memory"
    lines = [
        rated(
            "rights", told, "Run it as root, with iptables and iproute2 installed." if lacks else ""
        )
    ]
    for folder, left in sorted(found.disks.items()):
        fix = f"Free some space under {folder}."
        little, none = left < LITTLE_DISK, left < NO_DISK
        shown = f"{left / GIB:.1f} GiB free under {folder}"
        lines.append(rated("disk", shown, fix if little else "", fix if none else ""))
    if offered is not None and engine is not None and engine.cpus:
        lines.append(_offer(offered, engine))
    return lines


def _offer(offered: Resources, engine: EngineFound) -> Line:
    cores, memory = engine.cpus * 1000, engine.memory_bytes // 1024**2
    told = f"{offered.cpu_millis / 1000:g} cores and {offered.memory_mib} MiB are offered of {engine.cpus} and {memory}"
    over = offered.cpu_millis > cores or offered.memory_mib > memory
    full = offered.memory_mib > memory * 95 // 100
    return rated(
        "offer",
        told,
        "Leave some memory to the system itself: lower AGENT_MEMORY." if full else "",
        "Offer no more than the machine has: lower AGENT_CPUS or AGENT_MEMORY." if over else "",
    )


def gpu_line(found: Listing) -> Line:
    """The devices that can be rented out."""
    if not found.gpus:
        return Line("gpus", "skip", f"none: {found.why}")
    more = f" ({found.why})" if found.why else ""
    return Line("gpus", "ok", ", ".join(found.names) + more)

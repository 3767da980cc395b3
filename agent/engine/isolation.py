"""How a job's container is fenced in. Pure: manifest, terms and image facts → the Engine's create body.

The rules: no privileges and no way to get any, a read-only root, writable space only in sized memory file
systems (also over every VOLUME of the image), hard limits, and no network unless the job reserves egress.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agent.engine.health import engine_check
from agent.engine.passwd import plain_user
from chain.errors import InvalidInput
from chain.job import Address, Digest, JobId
from chain.manifest import Manifest
from chain.wire import run_key

LABEL_JOB = "draas.job"
LABEL_ATTEMPT = "draas.attempt"
LABEL_AGENT = "draas.agent"

NOBODY = "65534:65534"
MIB = 1024 * 1024
PIDS = 256
# gVisor keeps about seven threads of the host for each process of the job, and ends where it is given no more.
PIDS_UNDER_GVISOR = 8 * PIDS
OPEN_FILES = 4096
INODES_A_MIB = 64
LOG_FILE_SHARE, LOG_FILES = 2, 2
SECRETS = "/run/secrets"
_NOT_OURS = ("/proc", "/sys", "/dev")
# What tells of the machine, or controls it: the newest Engines' own list, on every Engine.
MASKED = (
    "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
    "/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap",
    "/sys/firmware",
)  # fmt: skip
READ_ONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")


def pids_under(runtime: str) -> int:
    """How many processes and threads of the host a run may have under runc or gvisor."""
    return PIDS_UNDER_GVISOR if runtime == "gvisor" else PIDS


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What an image says about itself.

    Args:
        digest: sha-256 of its configuration; the Engine's id of it.
        user: as in its configuration, or by number where a name was looked up; "" for root.
        volumes: paths it declares as VOLUME.
        environment: its ENV lines, as NAME=value.
    """

    digest: Digest
    user: str = ""
    volumes: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run's container is put on this machine.

    Args:
        cgroup_parent: the control group above the container's; it outlives it where the Engine allows.
        results_source: folder of the host to mount at the manifest's results path; "" for a memory file system.
        network: name of the run's own network; "" for none.
        log_mib: of output that the agent keeps.
        init: whether the Engine has an init program to put in front.
        url: at which the world reaches the first port.
        runtime: the Engine's name of the container runtime.
        pids: how many processes and threads of the host it may have.
        dns: name servers for a job with a network; none: those of this machine.
        gpus: ids of the devices that it may use.
        secrets_source: folder of the host to mount at /run/secrets; "" for none.
        secret_env: variables with secrets, as NAME=value.
    """

    cgroup_parent: str
    results_source: str = ""
    network: str = ""
    init: bool = False
    log_mib: int = 16
    url: str = ""
    runtime: str = "runc"
    dns: tuple[str, ...] = ()
    pids: int = PIDS
    gpus: tuple[str, ...] = ()
    secrets_source: str = ""
    secret_env: tuple[str, ...] = field(default=(), repr=False)


def run_short(job_id: str, attempt: int | str) -> str:
    """How what belongs to a run is called: by the first digits of its job, and its attempt."""
    return f"{job_id.removeprefix('0x')[:12]}-{attempt}"


@dataclass(frozen=True, slots=True)
class RunKey:
    """One attempt of one job on one agent."""

    job_id: JobId
    attempt: int
    agent: Address
    short: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "short", run_short(self.job_id, self.attempt))

    @property
    def text(self) -> str:
        """As in the scheduler's cursors: "jobId/attempt"."""
        return run_key(self.job_id, self.attempt)

    @property
    def container_name(self) -> str:
        """Unique among the containers of all agents on one Engine."""
        return f"draas-{agent_short(self.agent)}-{self.short}"


def agent_short(agent: Address) -> str:
    """The first digits of an agent's address, for names."""
    return agent.removeprefix("0x")[:10].lower()


def labels(key: RunKey) -> dict[str, str]:
    """By which whatever belongs to a run can be found again. A hint: the run record holds the truth."""
    return {
        LABEL_JOB: key.job_id,
        LABEL_ATTEMPT: str(key.attempt),
        LABEL_AGENT: key.agent,
    }


def cgroup_parent(key: RunKey, systemd: bool) -> str:
    """The parent control group of a run, in the Engine's notation."""
    if systemd:
        return f"draas-{agent_short(key.agent)}-{key.short.replace('-', '_')}.slice"
    return f"{groups_of(key.agent)}/{key.short}"


def groups_of(agent: Address) -> str:
    """The control group above those of all runs of an agent, where systemd does not keep them."""
    return f"/draas/{agent_short(agent)}"


def create_body(key: RunKey, manifest: Manifest, image: ImageFacts, place: Place) -> dict[str, Any]:
    """The Docker Engine's body for creating the run's container.

    Raises:
        InvalidInput: the manifest or image wants a mount where none can be.
    """
    body: dict[str, Any] = {
        "Image": image.digest,
        "User": user_of(image),
        "Env": [*place.secret_env, *environment(key, manifest, image, place)],  # the last wins
        "Labels": labels(key),
        "StopTimeout": manifest.stop_grace_s,
        "Healthcheck": engine_check(manifest.healthcheck),
        "NetworkDisabled": not place.network,
        "HostConfig": host_config(manifest, image, place),
    }
    if manifest.command is not None:
        body["Cmd"] = list(manifest.command)
    return body


def user_of(image: ImageFacts) -> str:
    """As whom it runs, by number; never root."""
    return plain_user(image.user) or NOBODY


def host_config(manifest: Manifest, image: ImageFacts, place: Place) -> dict[str, Any]:
    """The limits and fences of the container.

    Raises:
        InvalidInput: as `create_body`.
    """
    resources, disk_mib = manifest.reserved(), manifest.resources.disk_mib
    memory = resources.memory_mib * MIB
    results = mount_point(manifest.results)
    spaces = {results, "/tmp", *(mount_point(path) for path in image.volumes)}  # noqa: S108
    if place.results_source:
        spaces.discard(results)
    config: dict[str, Any] = {
        "Privileged": False,
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges:true"],  # seccomp: the Engine's own, see runtime.choose
        "MaskedPaths": list(MASKED),
        "ReadonlyPaths": list(READ_ONLY),
        "Runtime": place.runtime,
        "ReadonlyRootfs": True,
        "Tmpfs": {path: tmpfs_options(disk_mib) for path in sorted(spaces)},
        "Mounts": [],
        "ShmSize": disk_mib * MIB,
        "Memory": memory,
        "MemorySwap": memory,
        "NanoCpus": resources.cpu_millis * 1_000_000,
        "PidsLimit": place.pids,
        "Ulimits": [
            {"Name": "nofile", "Soft": OPEN_FILES, "Hard": OPEN_FILES},
            {"Name": "core", "Soft": 0, "Hard": 0},
            # Message queues are counted by user, over all containers: one could take them from the others.
            {"Name": "msgqueue", "Soft": 0, "Hard": 0},
        ],
        "NetworkMode": place.network or "none",
        "IpcMode": "private",
        "PidMode": "",
        "CgroupnsMode": "private",
        "Devices": [],
        "LogConfig": _log_config(place.log_mib),
        "RestartPolicy": {"Name": "no"},
        "CgroupParent": place.cgroup_parent,
        "OomScoreAdj": 500,
        "AutoRemove": False,
        "DeviceRequests": _devices(place.gpus),
    }
    if place.results_source:
        config["Mounts"] = [{"Type": "bind", "Source": place.results_source, "Target": results}]
    if place.secrets_source:
        secrets = {"Type": "bind", "Source": place.secrets_source, "Target": SECRETS}
        config["Mounts"].append(secrets | {"ReadOnly": True})
    if place.init:
        config["Init"] = True
    if place.network:
        config["Dns"] = list(place.dns)
        config["Sysctls"] = {
            "net.ipv6.conf.all.disable_ipv6": "1"
        }  # the firewall's rules are for IPv4
    return config


def _log_config(log_mib: int) -> dict[str, Any]:
    """A file is larger than what is kept of a log: none is thrown away before it is read."""
    sizes = {"max-size": f"{LOG_FILE_SHARE * log_mib}m", "max-file": str(LOG_FILES)}
    return {"Type": "json-file", "Config": sizes}


def _devices(gpus: Sequence[str]) -> list[dict[str, Any]]:
    asked = {"Driver": "nvidia", "DeviceIDs": [*gpus], "Capabilities": [["gpu"]]}
    return [asked] if gpus else []


def tmpfs_options(size_mib: int) -> str:
    """Mount options of writable space; anybody in the container may write."""
    inodes = max(1024, size_mib * INODES_A_MIB)
    return f"rw,nosuid,nodev,exec,mode=1777,size={size_mib * MIB},nr_inodes={inodes}"


def mount_point(path: str) -> str:
    """A path of the container, made plain.

    Raises:
        InvalidInput: nothing may be mounted there.
    """
    plain = posixpath.normpath("/" + path.lstrip("/"))
    if plain == "/" or any(plain == p or plain.startswith(p + "/") for p in _NOT_OURS):
        raise InvalidInput(
            f"Nothing can be mounted at {path}.",
            "Choose another results path or VOLUME, outside /proc, /sys and /dev.",
        )
    return plain


def environment(key: RunKey, manifest: Manifest, image: ImageFacts, place: Place) -> list[str]:
    """The manifest's variables, and where the container is and what it may use; ours win.

    NVIDIA's runtime hands out what these variables ask for, also where the image sets them: so they are always ours.
    """
    resources = manifest.reserved()
    who = {
        "DRAAS_JOB_ID": key.job_id,
        "DRAAS_ATTEMPT": str(key.attempt),
        "DRAAS_PROVIDER": key.agent,
    }
    ours = ({} if manifest.verify > 1 else who) | {  # what is verified is the same wherever it runs
        "DRAAS_CPU_MILLIS": str(resources.cpu_millis),
        "DRAAS_MEMORY_MIB": str(resources.memory_mib),
        "DRAAS_EGRESS_KIB_S": str(resources.egress_kib_s),
        "DRAAS_DISK_MIB": str(manifest.resources.disk_mib),
        "DRAAS_RESULTS": mount_point(manifest.results),
        "NVIDIA_VISIBLE_DEVICES": ",".join(place.gpus) or "void",
        "NVIDIA_DRIVER_CAPABILITIES": "compute,utility",
    }
    if manifest.ports:
        ours |= {"DRAAS_PORTS": ",".join(map(str, manifest.ports)), "DRAAS_URL": place.url}
    home = {} if _names(image.environment, "HOME") else {"HOME": "/tmp"}  # noqa: S108
    merged: Mapping[str, str] = home | manifest.environment | ours
    return [f"{name}={value}" for name, value in merged.items()]


def _names(lines: Sequence[str], name: str) -> bool:
    return any(line.split("=", 1)[0] == name for line in lines)

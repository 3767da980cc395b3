"""How a job's container is fenced in. Pure: manifest, terms and image facts → the Engine's create body.

The rules: no privileges and no way to get any, a read-only root, writable space only in sized memory file
systems (also over every VOLUME of the image), hard limits, and no network unless the job reserves egress.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agent.health import engine_check
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
OPEN_FILES = 4096
INODES_A_MIB = 64
LOG_FILE_MIB, LOG_FILES = 10, 2
_ROOT_NAMES = {"", "0", "root"}
_NOT_OURS = ("/proc", "/sys", "/dev")


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What an image says about itself.

    Args:
        digest: sha-256 of its configuration; the Engine's id of it.
        user: as in its configuration; "" for root.
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
        init: whether the Engine has an init program to put in front.
    """

    cgroup_parent: str
    results_source: str = ""
    network: str = ""
    init: bool = False


@dataclass(frozen=True, slots=True)
class RunKey:
    """One attempt of one job on one agent."""

    job_id: JobId
    attempt: int
    agent: Address
    short: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "short", f"{self.job_id.removeprefix('0x')[:12]}-{self.attempt}")

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
    return f"/draas/{agent_short(key.agent)}/{key.short}"


def create_body(key: RunKey, manifest: Manifest, image: ImageFacts, place: Place) -> dict[str, Any]:
    """The Docker Engine's body for creating the run's container.

    Raises:
        InvalidInput: the manifest or image wants a mount where none can be.
    """
    user = image.user if image.user.split(":")[0] not in _ROOT_NAMES else NOBODY
    body: dict[str, Any] = {
        "Image": image.digest,
        "User": user,
        "Env": environment(key, manifest, image),
        "Labels": labels(key),
        "StopTimeout": manifest.stop_grace_s,
        "Healthcheck": engine_check(manifest.healthcheck),
        "NetworkDisabled": not place.network,
        "HostConfig": host_config(manifest, image, place),
    }
    if manifest.command is not None:
        body["Cmd"] = list(manifest.command)
    return body


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
        "SecurityOpt": ["no-new-privileges:true"],
        "ReadonlyRootfs": True,
        "Tmpfs": {path: tmpfs_options(disk_mib) for path in sorted(spaces)},
        "Mounts": [],
        "ShmSize": disk_mib * MIB,
        "Memory": memory,
        "MemorySwap": memory,
        "NanoCpus": resources.cpu_millis * 1_000_000,
        "PidsLimit": PIDS,
        "Ulimits": [
            {"Name": "nofile", "Soft": OPEN_FILES, "Hard": OPEN_FILES},
            {"Name": "core", "Soft": 0, "Hard": 0},
        ],
        "NetworkMode": place.network or "none",
        "IpcMode": "private",
        "PidMode": "",
        "LogConfig": {
            "Type": "json-file",
            "Config": {"max-size": f"{LOG_FILE_MIB}m", "max-file": str(LOG_FILES)},
        },
        "RestartPolicy": {"Name": "no"},
        "CgroupParent": place.cgroup_parent,
        "OomScoreAdj": 500,
        "AutoRemove": False,
    }
    if place.results_source:
        config["Mounts"] = [{"Type": "bind", "Source": place.results_source, "Target": results}]
    if place.init:
        config["Init"] = True
    return config


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


def environment(key: RunKey, manifest: Manifest, image: ImageFacts) -> list[str]:
    """The manifest's variables, and where the container is and what it may use; ours win."""
    resources = manifest.reserved()
    ours = {
        "DRAAS_JOB_ID": key.job_id,
        "DRAAS_ATTEMPT": str(key.attempt),
        "DRAAS_PROVIDER": key.agent,
        "DRAAS_CPU_MILLIS": str(resources.cpu_millis),
        "DRAAS_MEMORY_MIB": str(resources.memory_mib),
        "DRAAS_EGRESS_KIB_S": str(resources.egress_kib_s),
        "DRAAS_DISK_MIB": str(manifest.resources.disk_mib),
        "DRAAS_RESULTS": mount_point(manifest.results),
    }
    home = {} if _names(image.environment, "HOME") else {"HOME": "/tmp"}  # noqa: S108
    merged: Mapping[str, str] = home | manifest.environment | ours
    return [f"{name}={value}" for name, value in merged.items()]


def _names(lines: Sequence[str], name: str) -> bool:
    return any(line.split("=", 1)[0] == name for line in lines)

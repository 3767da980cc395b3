"""What an operator sees of a scheduler, put together: health, figures and the loop's lateness."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from web3 import AsyncWeb3
from web3.providers import AsyncBaseProvider

from chain.instruments import SenderFigures
from chain.job import Parameters
from chain.loop_watch import LoopWatch
from scheduler.api.requests import Requests
from scheduler.builder import Builder
from scheduler.dependencies import health_of
from scheduler.figures import Figures
from scheduler.health import Health
from scheduler.hub import Hub
from scheduler.indexer import Indexer
from scheduler.key import Key
from scheduler.logs import Logs
from scheduler.metrics import Sources, registry_of
from scheduler.settings import Settings
from scheduler.signals import ChainClock
from scheduler.store import Store
from scheduler.worker import Worker


@dataclass(frozen=True)
class Parts:
    """What is looked at."""

    settings: Settings
    store: Store
    w3: AsyncWeb3[AsyncBaseProvider]
    ipfs_api: str
    clock: ChainClock
    rules: Parameters
    indexer: Indexer
    worker: Worker
    builder: Builder
    hub: Hub
    logs: Logs
    key: Key
    sent: SenderFigures
    requests: Requests


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
    health = health_of(
        parts.store, parts.w3, parts.indexer, parts.worker, parts.ipfs_api, parts.settings
    )
    figures = Figures(parts.store, parts.clock, parts.rules, parts.settings.heartbeat_s)
    loop = LoopWatch()
    sources = Sources(
        figures, health, loop, parts.indexer, parts.builder, parts.hub, parts.key, parts.w3
    )
    instruments = (
        parts.indexer.taken,
        parts.indexer.undone,
        parts.worker.seconds,
        parts.builder.seconds,
        parts.hub.heartbeats,
        parts.logs.lines,
        parts.sent.total,
        parts.sent.seconds,
        parts.requests.total,
        parts.requests.seconds,
    )
    return Observed(health, figures, loop, registry_of(sources, instruments))

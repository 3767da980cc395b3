"""The scheduler's figures for Prometheus, in one registry of the application's own.

Parts own the counters and histograms of what they do; all else is read from them at the scrape, which waits for
nothing and reads no table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, get_args

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from web3 import AsyncWeb3

from chain.api import State
from chain.clock import unix_ms
from chain.instruments import gauge, loop_metrics
from chain.loop_watch import LoopWatch
from chain.nodes import turns_of
from scheduler.images.builder import Builder
from scheduler.index.indexer import Indexer
from scheduler.key import Key
from scheduler.sessions.hub import Hub
from scheduler.telemetry.figures import Figures
from scheduler.telemetry.health import Health

STATES: tuple[State, ...] = get_args(State)


@dataclass(frozen=True)
class Sources:
    """The parts whose state of the moment is told."""

    figures: Figures
    health: Health
    loop: LoopWatch
    indexer: Indexer
    builder: Builder
    hub: Hub
    key: Key
    w3: AsyncWeb3[Any]


def registry_of(sources: Sources, instruments: Iterable[Collector]) -> CollectorRegistry:
    """Everything that this process tells."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    for instrument in instruments:
        registry.register(instrument)
    registry.register(Moments(sources))
    return registry


class Moments(Collector):
    """Gauges of this moment."""

    def __init__(self, sources: Sources) -> None:
        self._from = sources

    def describe(self) -> Iterable[Metric]:
        """Nothing ahead of time: the names are in `collect`."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Read them."""
        yield from self._counted()
        yield from self._chain()
        yield from self._process()

    def _counted(self) -> Iterator[Metric]:
        counted = self._from.figures.counted
        jobs = GaugeMetricFamily("draas_jobs", "Jobs by state.", labels=["state"])
        for state in STATES:
            jobs.add_metric([state], counted.states.get(state, 0))
        yield jobs
        phases = GaugeMetricFamily(
            "draas_job_phase", "Jobs of this scheduler by what happens to them.", labels=["phase"]
        )
        for phase, count in counted.phases.items():
            phases.add_metric([phase], count)
        yield phases
        yield gauge("draas_work_due", "Jobs that are due and wait for a worker.", counted.due)
        yield gauge("draas_agents_live", "Agents that were heard lately.", counted.agents)
        oldest = counted.oldest_beat_ms
        age = (unix_ms() - oldest) / 1000 if oldest else 0
        told = "Age of the oldest heartbeat among the live agents."
        yield gauge("draas_agent_heartbeat_age_seconds", told, age)
        yield gauge("draas_log_bytes", "Bytes of log lines kept.", counted.log_bytes)
        told = "Time that the last count of rows took."
        yield gauge("draas_count_seconds", told, counted.seconds)

    def _chain(self) -> Iterator[Metric]:
        indexer = self._from.indexer
        yield gauge("draas_chain_head_lag_blocks", "Blocks that are not read yet.", indexer.lag)
        told = "1 when the chain is read to its head."
        yield gauge("draas_chain_synced", told, indexer.synced)
        told = "Times that the node in use was left for another."
        yield CounterMetricFamily("draas_node_turns", told, value=turns_of(self._from.w3))
        told = "1 when this process may send with the scheduler's key."
        yield gauge("draas_sender_key_held", told, self._from.key.is_held)

    def _process(self) -> Iterator[Metric]:
        running, waiting = self._from.builder.waiting()
        yield gauge("draas_builds_running", "Builds under way.", running)
        yield gauge("draas_builds_waiting", "Builds that wait for a slot.", waiting)
        up = GaugeMetricFamily(
            "draas_dependency_up", "1 when what this copy needs answers.", labels=["dependency"]
        )
        for name, found in self._from.health.findings().items():
            up.add_metric([name], found.ok)
        yield up
        sessions = len(self._from.hub.sessions())
        yield gauge("draas_agent_sessions", "Agents connected to this copy.", sessions)
        yield from loop_metrics(self._from.loop)

"""The agent's figures for Prometheus, for the owner of this machine only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import get_args

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from agent.link.link import Link
from agent.runs.look import ChainView
from agent.runs.runs import Runs
from chain.instruments import gauge, loop_metrics
from chain.loop_watch import LoopWatch
from chain.sender import Sender
from chain.wire import RunPhase

PHASES: tuple[str, ...] = get_args(RunPhase)


def registry_of(
    runs: Runs, link: Link, view: ChainView, loop: LoopWatch, sender: Sender
) -> CollectorRegistry:
    """Everything that this process tells. Reports and withdrawals are among the transactions, by their labels."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    registry.register(sender.figures.total)
    registry.register(sender.figures.seconds)
    registry.register(Moments(runs, link, view, loop))
    return registry


class Moments(Collector):
    """Gauges of this moment, and what was metered since the start."""

    def __init__(self, runs: Runs, link: Link, view: ChainView, loop: LoopWatch) -> None:
        self._runs, self._link, self._view, self._loop = runs, link, view, loop
        self._metered: dict[str, int] = {}  # CPU milliseconds of each run, as last told
        self._cpu_ms = 0

    def describe(self) -> Iterable[Metric]:
        """Nothing ahead of time: the names are in `collect`."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Read them."""
        runs = GaugeMetricFamily("draas_agent_runs", "Runs by phase.", labels=["phase"])
        count = Counter[str](run.phase for run in self._runs.all())
        for phase in PHASES:
            runs.add_metric([phase], count[phase])
        yield runs
        told = "CPU time metered of the runs that were known since the start."
        yield CounterMetricFamily("draas_agent_cpu_seconds", told, value=self._cpu_seconds())
        free = self._runs.free()
        yield gauge("draas_agent_cpu_free_cores", "Cores that no run holds.", free.cpu_millis / 1e3)
        told = "Memory that no run holds."
        yield gauge("draas_agent_memory_free_bytes", told, free.memory_mib * 1024**2)
        told = "1 while a scheduler is connected."
        yield gauge("draas_agent_link_connected", told, self._link.connected)
        told = "1 when the chain's node answered last time."
        yield gauge("draas_agent_chain_answers", told, self._view.answers)
        told = "Times that the Engine was asked for the output of the runs in memory."
        reads = sum(run.container.spool.reads for run in self._runs.all())
        yield gauge("draas_agent_log_reads", told, reads)
        yield from loop_metrics(self._loop)

    def _cpu_seconds(self) -> float:
        """The sum of what each run has added since it was last told; a run that is let go of takes nothing away."""
        now = {run.key.text: run.container.meter.usage.cpu_ms for run in self._runs.all()}
        for key, cpu_ms in now.items():
            self._cpu_ms += max(0, cpu_ms - self._metered.get(key, 0))
        self._metered = now
        return self._cpu_ms / 1000

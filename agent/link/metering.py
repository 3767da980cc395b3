"""What runs use by the second, for as long as the scheduler says that somebody watches them."""

from __future__ import annotations

from agent.runs.run import Run
from agent.runs.runs import Runs
from chain.convert import usage_body
from chain.folder import MIB
from chain.link_messages import Metered, MeteredRun, Metering

EVERY_S = 0.25  # between looks at whether a watched run was sampled
RUNS_MOST = 1000


class Watched:
    """The runs that are watched, and what was told of each last."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self._told: dict[str, int] = {}

    def take(self, asked: Metering, now: float) -> None:
        """The scheduler has asked; only the newest of very many are kept."""
        for key in asked.runs:
            self._until.pop(key, None)
            self._until[key] = now + asked.for_s
        while len(self._until) > RUNS_MOST:
            self._forget(next(iter(self._until)))

    def next_look(self, now: float) -> float:
        """When to look again, in seconds of the monotonic clock."""
        return now + EVERY_S if self._until else now + 3600

    def news(self, runs: Runs, now: float) -> Metered | None:
        """The watched runs that were sampled since; None when there are none."""
        for key in [key for key, until in self._until.items() if until < now]:
            self._forget(key)
        if not self._until:
            return None
        found = []
        for run in runs.all():
            key, at_ms = run.key.text, run.container.meter.totals.at_ms
            if key in self._until and at_ms > self._told.get(key, 0):
                self._told[key] = at_ms
                found.append(_metered(run))
        return Metered(runs=found[:RUNS_MOST]) if found else None

    def _forget(self, key: str) -> None:
        del self._until[key]
        self._told.pop(key, None)


def _metered(run: Run) -> MeteredRun:
    totals = run.container.meter.totals
    return MeteredRun(
        job_id=run.record.job_id,
        attempt=run.record.attempt,
        at_ms=totals.at_ms,
        usage=usage_body(totals.usage()),
        wall_ms=totals.wall_ms,
        memory_mib=totals.memory_bytes // MIB,
    )

"""Prometheus instruments that a part owns and an application registers: none is global.

Names begin with `draas_`, units are base units, counters end in `_total`; no label holds an address, a job or a CID.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from prometheus_client import Counter, Histogram
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from chain.errors import Conflict, DraasError, Reverted
from chain.loop_watch import LoopWatch

QUICK_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
SLOW_S = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)


def counter(name: str, told: str, labels: Sequence[str] = ()) -> Counter:
    """A counter of one part."""
    return Counter(name, told, labels, registry=None)


def histogram(
    name: str, told: str, labels: Sequence[str] = (), buckets: Sequence[float] = SLOW_S
) -> Histogram:
    """A histogram of one part."""
    return Histogram(name, told, labels, buckets=buckets, registry=None)


class SenderFigures:
    """What a key's calls came to; given to each sender of the key in turn, so that they are told as one."""

    def __init__(self) -> None:
        labels = ("label", "outcome")
        told = "Calls made with the key, by how they ended."
        self.total = counter("draas_transactions_total", told, labels)
        told = "Time from the wish to make a call to its block."
        self.seconds = histogram("draas_transaction_seconds", told, labels)


@contextmanager
def timed(seconds: Histogram, *labels: str, count: Counter | None = None) -> Iterator[None]:
    """Observe how long the inside took, with its outcome as the last label; counted too, when there is a counter."""
    began, outcome = time.perf_counter(), "failed"
    try:
        yield
        outcome = "done"
    except DraasError as error:
        outcome = _outcome(error)
        raise
    finally:
        seconds.labels(*labels, outcome).observe(time.perf_counter() - began)
        if count is not None:
            count.labels(*labels, outcome).inc()


def _outcome(error: DraasError) -> str:
    """Of few words, so that the label stays small."""
    if isinstance(error, Reverted):
        return "reverted"
    return "overtaken" if isinstance(error, Conflict) else "postponed"


def gauge(name: str, told: str, value: float) -> Metric:
    """One figure of this moment, without labels."""
    return GaugeMetricFamily(name, told, value=float(value))


def loop_metrics(loop: LoopWatch) -> Iterator[Metric]:
    """How the event loop does."""
    told = "Worst lateness of the event loop in the last ten seconds."
    yield gauge("draas_event_loop_lag_seconds", told, loop.lag_s)
    told = "Times that the event loop stood still for over a second."
    yield CounterMetricFamily("draas_event_loop_blocked", told, value=loop.blocked)

"""What runs have used, by and by: kept in memory as their agents tell it, thinner the longer a run lasts.

Heartbeats tell it of every run; for one that somebody watches the agent is asked to tell more often. A scheduler that
is started again has only what its rows keep, the newest totals; what is owed is on the chain alone.
"""

from __future__ import annotations

import time
from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass

from chain.job import Address
from chain.link_messages import Metered, Metering
from chain.wire import Heartbeat, UsageBody, Wire, run_key
from scheduler.sessions.session import RunId
from scheduler.signals import Signals

POINTS_MOST = 600  # of a run; then every other one goes
STEP_MS = 900  # at least from one point to the next, at first
RUNS_MOST, RUNS_EACH = 1000, 200  # with a trail, in all and of one agent: 29 MB
WATCH_S, RENEW_S = 20, 5.0  # an agent is asked to tell for so long, and that is said again so often
MOST, LAST_MS = 2**53 - 1, 10**15 - 1  # of a number in JSON, and of a place in a trail


@dataclass(frozen=True, slots=True)
class Point:
    """The totals of a run at a moment, and the memory in use then."""

    at_ms: int
    cpu_ms: int
    memory_mib_s: int
    memory_mib: int
    egress_kib: int
    wall_ms: int


WIDTH = 6  # numbers of a point
NOTHING = Point(0, 0, 0, 0, 0, 0)


def point_of(at_ms: int, usage: UsageBody, wall_ms: int, memory_mib: int) -> Point:
    """As a message tells it, within what a page can count."""
    wall_ms = max(wall_ms, 1000 * usage.wall_s)
    totals = (usage.cpu_ms, usage.memory_mib_s, memory_mib, usage.egress_kib, wall_ms)
    return Point(min(at_ms, LAST_MS), *(min(total, MOST) for total in totals))


class Trail:
    """The points of one run, in the order of their time: an array of numbers, so that many take little room."""

    def __init__(self) -> None:
        self._kept = array("Q")
        self._step_ms = STEP_MS
        self.last = NOTHING

    def add(self, told: Point) -> bool:
        """Take a point in; says whether it is news. Totals never fall, and time goes on: by the run's own clock where
        its agent's was set back."""
        last = self.last
        passed_ms = told.wall_ms - last.wall_ms
        if passed_ms < 0 or (passed_ms == 0 and told.at_ms <= last.at_ms):
            return False
        later_ms = min(last.at_ms + passed_ms, LAST_MS)
        at_ms = told.at_ms if told.at_ms > last.at_ms else later_ms
        point = Point(
            at_ms,
            max(told.cpu_ms, last.cpu_ms),
            max(told.memory_mib_s, last.memory_mib_s),
            told.memory_mib,
            max(told.egress_kib, last.egress_kib),
            told.wall_ms,
        )
        if astuple(point)[1:] == astuple(last)[1:]:
            return False
        if last.at_ms and (not self._kept or last.at_ms - self._kept[-WIDTH] >= self._step_ms):
            self._kept.extend(astuple(last))
            self._thin()
        self.last = point
        return True

    def _thin(self) -> None:
        if len(self._kept) < POINTS_MOST * WIDTH:
            return
        kept = array("Q")
        for at in range(0, len(self._kept), 2 * WIDTH):
            kept.extend(self._kept[at : at + WIDTH])
        self._kept = kept
        self._step_ms *= 2

    def after(self, at_ms: int) -> Iterator[Point]:
        """Those later than this, and the last of all."""
        times = self._kept[::WIDTH]
        for place in range(bisect_right(times, at_ms), len(times)):
            yield Point(*self._kept[place * WIDTH : (place + 1) * WIDTH])
        if self.last.at_ms > at_ms:
            yield self.last


class Trails:
    """Of the runs whose agents are connected here, and were not long ago.

    Args:
        send: to an agent; False when it is not connected here.
    """

    def __init__(self, signals: Signals, send: Callable[[Address, Wire], bool]) -> None:
        self._signals = signals
        self._send = send
        self._trails: dict[Address, OrderedDict[RunId, Trail]] = {}
        self._count = 0
        self._asked: dict[tuple[Address, RunId], float] = {}

    def beaten(self, agent: Address, beat: Heartbeat) -> None:
        """A heartbeat has told of all runs of an agent."""
        for one in beat.runs:
            if one.usage.wall_s:
                told = point_of(beat.at_ms, one.usage, 0, one.memory_mib)
                self._take(agent, (one.job_id, one.attempt), told)

    def metered(self, agent: Address, message: Metered) -> None:
        """An agent has told of runs that are watched."""
        for one in message.runs:
            told = point_of(one.at_ms, one.usage, one.wall_ms, one.memory_mib)
            self._take(agent, (one.job_id, one.attempt), told)

    def watch(self, agent: Address, run: RunId) -> None:
        """Somebody watches this run: its agent is asked to tell of it for a while. To be said again and again."""
        now = time.monotonic()
        if now - self._asked.get((agent, run), -RENEW_S) < RENEW_S:
            return
        self._asked = {key: at for key, at in self._asked.items() if now - at < WATCH_S}
        if self._send(agent, Metering(runs=[run_key(*run)], for_s=WATCH_S)):
            self._asked[agent, run] = now

    def of(self, agent: Address, run: RunId) -> Trail | None:
        """A run's trail, as this agent told it; nobody can tell another's."""
        trails = self._trails.get(agent)
        return trails.get(run) if trails is not None else None

    def _take(self, agent: Address, run: RunId, told: Point) -> None:
        trails = self._trails.setdefault(agent, OrderedDict())
        trail = trails.get(run)
        if trail is None:
            trail = trails[run] = Trail()
            self._count += 1
            self._make_room(agent)
        if trail.add(told):
            trails.move_to_end(run)
            self._signals.hear([f"usage/{run[0]}"])

    def _make_room(self, agent: Address) -> None:
        """What was heard of least lately goes: of an agent with too many, else of the one with most."""
        while len(self._trails[agent]) > RUNS_EACH:
            self._drop(agent)
        while self._count > RUNS_MOST:
            self._drop(max(self._trails, key=lambda one: len(self._trails[one])))

    def _drop(self, agent: Address) -> None:
        self._trails[agent].popitem(last=False)
        self._count -= 1
        if not self._trails[agent]:
            del self._trails[agent]

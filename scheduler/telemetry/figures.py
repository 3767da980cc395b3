"""Figures that the rows tell: counted now and then by a loop of their own, so that a scrape reads no table.

Counting passes over whole tables, which grow; so the loop rests a hundred times as long as its last pass took.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

import structlog
from sqlalchemy import func, select

from chain.api import State
from chain.clock import ChainClock, unix_ms
from chain.errors import DraasError
from chain.job import Parameters
from scheduler.rows import tables as t
from scheduler.rows.database import Store
from scheduler.rows.states import Moment
from scheduler.rows.store import is_live, oldest_live_ms
from scheduler.sessions.logs import bytes_kept
from scheduler.telemetry.overview import count_states

log = structlog.get_logger()
LEAST_S, REST = 5.0, 100


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted, at one moment."""

    states: dict[State, int] = field(default_factory=dict)
    phases: dict[str, int] = field(default_factory=dict)  # of the jobs that this scheduler places
    due: int = 0
    agents: int = 0
    oldest_beat_ms: int = 0  # Unix; 0 when no agent is live
    log_bytes: int = 0
    seconds: float = 0.0  # that counting took


class Figures:
    """The last count."""

    def __init__(
        self, store: Store, clock: ChainClock, rules: Parameters, heartbeat_s: int
    ) -> None:
        self._store = store
        self._clock = clock
        self._rules = rules
        self._heartbeat_s = heartbeat_s
        self.counted = Counted()

    @property
    def rest_s(self) -> float:
        """Seconds until the next count."""
        return max(LEAST_S, REST * self.counted.seconds)

    async def run(self) -> None:
        """Count for ever; a database that does not answer leaves the last count standing."""
        while True:
            try:
                await self.count()
            except DraasError as error:
                log.warning("figures.old", error=str(error))
            await asyncio.sleep(self.rest_s)

    async def count(self) -> Counted:
        """Count everything now."""
        began, c = time.perf_counter(), t.work.c
        now = self._clock.now()
        seen = oldest_live_ms(unix_ms(), self._heartbeat_s)
        a = t.agents.c
        live = select(func.count(), func.min(a.last_seen_ms)).where(is_live(seen))
        async with self._store.read() as tx:
            states = await count_states(tx, Moment(now, self._rules))
            phases = (await tx.execute(select(c.phase, func.count()).group_by(c.phase))).all()
            due = (await tx.execute(select(func.count()).where(c.due_at <= now))).scalar()
            agents, oldest = (await tx.execute(live)).one()
            log_bytes = await bytes_kept(tx)
        self.counted = Counted(
            states=states,
            phases={row[0]: row[1] for row in phases},
            due=due or 0,
            agents=agents,
            oldest_beat_ms=oldest or 0,
            log_bytes=log_bytes,
            seconds=time.perf_counter() - began,
        )
        return self.counted

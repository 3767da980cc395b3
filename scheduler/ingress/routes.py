"""Which run answers for a deployment now, from the rows; and why none does."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, and_, select

from chain.clock import ChainClock
from chain.errors import DraasError, NotFound, Unavailable
from chain.job import Address, JobId, JobState, Parameters
from chain.proxy.paths import Wanted
from chain.wire import RunStatus
from scheduler.rows import tables as t
from scheduler.rows.batch import NO_ANSWER
from scheduler.rows.database import Store
from scheduler.rows.states import Moment, state_of_row

FRESH_S = 0.5  # for which what was found is taken for so
KEPT = 2000


@dataclass(frozen=True, slots=True)
class Route:
    """The run that answers, and the port of its container."""

    job_id: JobId
    attempt: int
    agent: Address
    port: int


class Routes:
    """Looks deployments up, and remembers for a moment what it found."""

    def __init__(self, store: Store, clock: ChainClock, rules: Parameters) -> None:
        self._store = store
        self._clock = clock
        self._rules = rules
        self._known: OrderedDict[str, tuple[float, list[Row[Any]]]] = OrderedDict()

    async def find(self, wanted: Wanted, *, anew: bool = False) -> Route:
        """Who answers.

        Args:
            anew: what is remembered has proved wrong.

        Raises:
            NotFound: nobody ever will: there is no such service or port, or it is over.
            Unavailable: nobody does at present; says why.
        """
        rows = await self._rows(wanted.job, anew)
        if len(rows) != 1:
            raise NotFound("There is no such deployment here.", "Check the address.")
        return route_of(rows[0], Moment(self._clock.now(), self._rules), wanted.port)

    async def _rows(self, job: str, anew: bool) -> list[Row[Any]]:
        now = time.monotonic()
        known = self._known.get(job)
        if known is not None and now - known[0] < FRESH_S and not anew:
            return known[1]
        try:
            rows = await asyncio.shield(asyncio.create_task(self._look(job)))
        except NO_ANSWER:
            raise Unavailable("The database does not answer.", "Try again.") from None
        self._known[job] = (now, rows)
        self._known.move_to_end(job)
        if len(self._known) > KEPT:
            self._known.popitem(last=False)
        return rows

    async def _look(self, job: str) -> list[Row[Any]]:
        j, w, r, s, b = t.jobs.c, t.work.c, t.runs.c, t.run_status.c, t.builds.c
        mine = and_(r.job_id == j.job_id, r.attempt == j.attempt)
        told = and_(s.job_id == j.job_id, s.attempt == j.attempt)
        query = (
            select(
                j.job_id, j.state, j.deadline, j.deposit, j.settled, j.attempt,
                w.why, r.provider, s.status, b.manifest,
            )
            .select_from(
                t.jobs.outerjoin(t.work, w.job_id == j.job_id)
                .outerjoin(t.runs, mine)
                .outerjoin(t.run_status, told)
                .outerjoin(t.builds, b.cid == j.cid)
            )
            .where(j.job_id.between(job, job.ljust(66, "f")))
            .limit(2)
        )  # fmt: skip
        async with self._store.read() as tx:
            found: Any = (await tx.execute(query)).all()
        return list(found)


def route_of(row: Row[Any], at: Moment, port: int | None) -> Route:
    """Who answers for the job of this row; raises as `Routes.find`. Pure."""
    state = state_of_row(row, at)
    ports = row.manifest.ports if row.manifest is not None else []
    if state not in (JobState.OPEN, JobState.RUNNING):
        raise NotFound("This deployment is over.", "Deploy it again.")
    if row.manifest is not None and not ports:
        raise NotFound("This deployment is no service.", "Name its `ports` in draas.yaml.")
    if port is not None and row.manifest is not None and port not in ports:
        raise NotFound(f"This service has no port {port}.", f"It has {', '.join(map(str, ports))}.")
    if state is JobState.OPEN or row.provider is None:
        raise _not_yet(row.why or "nobody runs it")
    fault = unfit(row.status)
    if fault:
        raise _not_yet(fault)
    if not ports:
        raise _not_yet("its manifest is not read yet")
    return Route(JobId(row.job_id), row.attempt, Address(row.provider), port or ports[0])


def unfit(status: RunStatus | None) -> str:
    """Why a run gets no visitors; "" when it does."""
    if status is None or status.phase != "running":
        return (status.why if status is not None else "") or "it is about to start"
    if status.health not in ("", "healthy"):
        return status.why or f"its health check says {status.health}"
    if not status.ready:
        return "it does not listen on its port yet"
    return ""


def _not_yet(why: str) -> DraasError:
    return Unavailable(f"The service does not run at present: {why[:300]}.", "Try again.")

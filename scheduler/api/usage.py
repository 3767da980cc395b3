"""What a deployment uses, by the second, as server-sent events: first what was kept of it, then each sample as its
agent tells it. What it is worth is counted by the run's rates, as the contract counts reports."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict, dataclass, replace

from pydantic import Field
from sqlalchemy import select

from chain.convert import usage_body
from chain.job import JobId, Rates, Resources, Usage, accepted, earned, usage_cap
from chain.wire import AmountText, RunStatus, Whole, Wire
from scheduler.api.context import Context
from scheduler.api.streams import KEEP_ALIVE_S, LAST_LINES_S, LOOK_S, OVER, event, glance, whole
from scheduler.rows import tables as t
from scheduler.rows.facts import JobFacts, RunFacts
from scheduler.rows.store import load_job, rates_of
from scheduler.sessions.trails import NOTHING, Point, point_of
from scheduler.signals import JOBS, wait_for

POSITION = r"^([1-9][0-9]{0,2}-[0-9]{1,15})?$"  # attempts are counted from 1
Place = tuple[int, int]  # attempt and Unix milliseconds


class UsageEvent(Wire):
    """Totals of one run so far."""

    attempt: Whole
    at_ms: Whole
    cpu_ms: Whole
    memory_mib_s: Whole
    memory_mib: Whole = Field(description="in use at that moment")
    egress_kib: Whole
    wall_ms: Whole
    earned: AmountText = Field(description="base units that a report of these totals comes to")


@dataclass(frozen=True, slots=True)
class Told:
    """One run of a deployment.

    Args:
        rates: None while its rate card is not known.
        newest: its totals as the rows keep them, for when nothing more is known here.
        most: base units that it can have earned.
        reserved: by which the contract caps what is reported.
        deadline: until when it does; None once nothing more is taken of it.
    """

    run: RunFacts
    rates: Rates | None
    newest: Point
    most: int
    reserved: Resources
    deadline: int | None

    def worth(self, totals: Usage, now: int) -> int:
        """Base units that a report of these totals would come to at this chain second: what was used in less time than
        it was reserved for is paid later."""
        if self.rates is None:
            return 0
        if self.deadline is not None:
            span = max(0, min(now, self.deadline) - self.run.started_at)
            totals = accepted(totals, usage_cap(self.reserved, span))
        return earned(totals, self.rates, self.most)


def parse_place(text: str) -> Place:
    """A position of the form of `POSITION`; "" is the beginning."""
    attempt, _, at_ms = text.partition("-")
    return (int(attempt), int(at_ms)) if text else (0, 0)


async def usage(context: Context, job_id: JobId, after: Place) -> AsyncIterator[str]:
    """Events `usage` after a position, and new ones until the job is over; then `end`."""
    quiet = over = looked = 0.0
    seen, runs, shown = None, list[Told](), dict[int, UsageEvent]()
    signals = context.signals
    with signals.listen(f"usage/{job_id}") as fresh, signals.listen(f"{JOBS}{job_id}") as changed:
        while True:
            began = time.monotonic()
            if changed.is_set() or began - looked >= LOOK_S:
                changed.clear()
                looked, before, seen = began, seen, await whole(glance(context, job_id))
                runs = runs if seen == before else await whole(_runs(context, job_id))
            fresh.clear()
            found = [one for told in runs for one in _events(context, job_id, told, after)]
            for one in found:
                after = (one.attempt, one.at_ms)
                yield event("usage", one.model_dump_json(), f"{one.attempt}-{one.at_ms}")
            rest = [one for told in runs for one in _kept(context, job_id, told, after, shown)]
            for one in rest:  # by another clock than the agent's, so that it is no position
                shown[one.attempt] = one
                yield event("usage", one.model_dump_json())
            found += rest
            is_over = seen is not None and seen.state in OVER
            if is_over and (over >= LAST_LINES_S or not runs):
                break
            if runs and not is_over:
                context.hub.trails.watch(runs[-1].run.provider, (job_id, runs[-1].run.attempt))
            await wait_for(fresh, LOOK_S)
            waited = time.monotonic() - began
            over = over + waited if is_over and not found else 0.0
            if (quiet := 0.0 if found else quiet + waited) >= KEEP_ALIVE_S:
                quiet = 0.0
                yield ": keep-alive\n\n"
    yield event("end", "{}")


def _events(context: Context, job_id: JobId, told: Told, after: Place) -> Iterator[UsageEvent]:
    """What of a run comes after a position."""
    run = told.run
    if run.attempt < after[0]:
        return
    since = after[1] if run.attempt == after[0] else 0
    trail = context.hub.trails.of(run.provider, (job_id, run.attempt))
    for point in trail.after(since) if trail is not None else ():
        yield _event(told, point, context.clock.now())


def _kept(
    context: Context, job_id: JobId, told: Told, after: Place, shown: dict[int, UsageEvent]
) -> Iterator[UsageEvent]:
    """What the rows have of a run of which less was heard here: its agent tells another copy, or is cut off.

    Of one that is settled, what came of it: what was heard last was worth as much as could be paid then.
    """
    run = told.run
    trail = context.hub.trails.of(run.provider, (job_id, run.attempt))
    last = trail.last if trail is not None else NOTHING
    is_ahead = told.newest.wall_ms // 1000 > last.wall_ms // 1000
    if run.attempt < after[0] or not (is_ahead or (run.settled and last.wall_ms)):
        return
    point = told.newest if is_ahead else last
    if trail is not None:  # a report says nothing of a moment's memory
        point = replace(point, memory_mib=last.memory_mib)
    one = _event(told, point, context.clock.now())
    if one != shown.get(run.attempt):
        yield one


def _event(told: Told, point: Point, now: int) -> UsageEvent:
    wall_s = point.wall_ms // 1000
    totals = Usage(point.cpu_ms, point.memory_mib_s, point.egress_kib, wall_s)
    worth = told.worth(totals, now)
    return UsageEvent(attempt=told.run.attempt, earned=str(worth), **asdict(point))


async def _runs(context: Context, job_id: JobId) -> list[Told]:
    """The runs of a job, in order; none of one that is unknown."""
    s = t.run_status.c
    async with context.store.read() as tx:
        job = await load_job(tx, job_id)
        if job is None:
            return []
        query = select(s.attempt, s.status, s.at_ms).where(s.job_id == job_id)
        statuses = {row.attempt: (row.status, row.at_ms) for row in await tx.execute(query)}
        rates = {run.attempt: await rates_of(tx, run.provider, run.rate_card) for run in job.runs}
    return [_told(job, run, rates[run.attempt], statuses.get(run.attempt)) for run in job.runs]


def _told(
    job: JobFacts, run: RunFacts, rates: Rates | None, status: tuple[RunStatus, int] | None
) -> Told:
    memory = status[0].memory_mib if status is not None else 0
    newest = point_of(1000 * run.reported_at, usage_body(run.usage), 0, memory)
    if status is not None and not run.settled:
        heard = point_of(status[1], status[0].usage, 0, memory)
        newest = max(newest, heard, key=lambda one: one.wall_ms)
    most, until = (run.earned, None) if run.settled else (job.deposit, job.deadline)
    return Told(run, rates, newest, most, job.terms.resources, until)

"""What the dashboard shows beside its lists, found at most once a second however many look."""

from __future__ import annotations

from chain.api import DeploymentSummary
from chain.market_api import Overview
from chain.wire import Whole, Wire
from scheduler.api.context import Context
from scheduler.api.listing import Filter, list_deployments
from scheduler.rows.failures import newest_failures, why_failed
from scheduler.rows.states import Moment

QUEUE_MOST = FAILURES_MOST = 50


class PartBody(Wire):
    """One thing that this copy needs. `since` is in Unix seconds."""

    name: str
    ok: bool
    needed: bool
    why: str
    since: Whole


class BuildBody(Wire):
    """A build that runs in this copy."""

    cid: str
    step: str
    since_ms: Whole


class FailureBody(Wire):
    """Something that went wrong, with its reason."""

    at_ms: Whole
    what: str
    about: str  # a job's id or a bundle's CID
    why: str


class Now(Wire):
    """This copy of the scheduler at this moment."""

    overview: Overview
    parts: list[PartBody]
    loop_lag_ms: Whole
    queue: list[DeploymentSummary]  # what is not claimed yet, newest first, and why
    builds: list[BuildBody]
    builds_waiting: Whole
    failures: list[FailureBody]  # newest first


async def look(context: Context) -> Now:
    """All of it, now.

    Raises:
        Unavailable: the database does not answer.
    """
    at = Moment(context.clock.now(), context.rules)
    queue = await list_deployments(context.store, at, Filter(state="Open"), QUEUE_MOST, None)
    return Now(
        overview=await context.overview.get(),
        parts=[
            PartBody(name=name, ok=one.ok, needed=one.needed, why=one.why, since=one.since)
            for name, one in context.observed.health.findings().items()
        ],
        loop_lag_ms=round(1000 * context.observed.loop.lag_s),
        queue=queue.items,
        builds=[
            BuildBody(cid=cid, step=turn.step, since_ms=turn.since_ms)
            for cid, turn in context.builder.under_way().items()
        ],
        builds_waiting=context.builder.waiting()[1],
        failures=await _failures(context),
    )


async def _failures(context: Context) -> list[FailureBody]:
    """Of the chain's jobs, of the builds of this copy, and of what it needs."""
    async with context.store.read() as tx:
        rows = await newest_failures(tx, FAILURES_MOST)
    found = [
        FailureBody(
            at_ms=1000 * row.at,
            what=row.name,
            about=row.job_id or "",
            why=why_failed(row.name, row.data),
        )
        for row in rows
    ]
    found += [
        FailureBody(at_ms=one.at_ms, what=f"{one.step} failed", about=one.cid, why=one.why)
        for one in context.builder.failures
    ]
    found += [
        FailureBody(at_ms=1000 * one.since, what=f"{name} lost", about="", why=one.why)
        for name, one in context.observed.health.findings().items()
        if not one.ok
    ]
    return sorted(found, key=lambda one: one.at_ms, reverse=True)[:FAILURES_MOST]

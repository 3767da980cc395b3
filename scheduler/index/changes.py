"""What a batch of events changes: the rows that it is about as they were, and as they are after it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from chain import events as ev
from chain.job import Address, JobId, Rates
from scheduler.index.fold import fold
from scheduler.index.fold_provider import fold_provider, provider_of
from scheduler.rows import tables as t
from scheduler.rows.batch import parts
from scheduler.rows.facts import JobFacts, ProviderFacts
from scheduler.rows.store import load_jobs

# What changes the room, the prices or the record of who offers.
OF_AGENTS = (
    ev.JobClaimed, ev.JobCompleted, ev.JobCancelled, ev.JobLapsed, ev.JobSettled, ev.JobDisputed, ev.DisputeRuled,
    ev.ProviderRegistered, ev.RatesSet, ev.UnbondStarted, ev.BondWithdrawn, ev.BondSlashed,
)  # fmt: skip
PROVIDER_FIELDS = tuple(one.name for one in fields(ProviderFacts))


@dataclass(slots=True)
class Before:
    """What the rows say, as far as a batch is concerned."""

    jobs: dict[JobId, JobFacts] = field(default_factory=dict)
    providers: dict[Address, ProviderFacts] = field(default_factory=dict)
    disputes: dict[int, JobId] = field(default_factory=dict)  # the court's number → job


@dataclass(slots=True)
class After:
    """What the rows are to say."""

    jobs: dict[JobId, JobFacts] = field(default_factory=dict)
    providers: dict[Address, ProviderFacts] = field(default_factory=dict)
    cards: dict[tuple[Address, int], Rates] = field(default_factory=dict)
    events: list[tuple[ev.Event, JobId | None]] = field(default_factory=list)
    touched: set[JobId] = field(default_factory=set)
    broken: set[JobId] = field(default_factory=set)  # met a step that cannot be: events are missing
    found: list[ev.Event] = field(default_factory=list)  # of older blocks, that a node had lost


def fold_batch(
    events: Iterable[ev.Event], before: Before, is_readable: Callable[[ev.JobPosted], bool]
) -> After:
    """All events taken in order.

    Args:
        events: of one batch.
        before: of whatever they are about.
        is_readable: whether a job's terms can be given back as they were posted; jobs whose text is none are not kept.
    """
    after = After()
    disputes = dict(before.disputes)
    for event in events:
        job_id = job_of(event, disputes)
        after.events.append((event, job_id))
        job = _job(before, after, job_id)
        take_provider(before, after, event, job)
        if job_id is None:
            continue
        if isinstance(event, ev.JobPosted) and not is_readable(event):
            continue
        if isinstance(event, ev.JobDisputed):
            disputes[event.dispute_id] = job_id
        facts = fold(job, event)
        if facts is None or facts.alarm:
            after.broken.add(job_id)
        if facts is not None:
            after.jobs[job_id] = facts
            after.touched.add(job_id)
    return after


def take_provider(before: Before, after: After, event: ev.Event, job: JobFacts | None) -> None:
    """One event's effect on its provider."""
    who = provider_of(event, job)
    if who is None:
        return
    facts = after.providers.get(who) or before.providers.get(who) or ProviderFacts(who)
    after.providers[who] = fold_provider(facts, event)
    if isinstance(event, ev.RatesSet):
        after.cards[who, event.rate_card] = event.rates


def job_of(event: ev.Event, disputes: dict[int, JobId]) -> JobId | None:
    """The job that an event is about; what is told of a dispute names its number only."""
    match event:
        case ev.Ruling(dispute_id=dispute_id) | ev.Evidence(evidence_group_id=dispute_id):
            return disputes.get(dispute_id)
        case _:
            return getattr(event, "job_id", None)


def _job(before: Before, after: After, job_id: JobId | None) -> JobFacts | None:
    if job_id is None:
        return None
    return after.jobs.get(job_id) or before.jobs.get(job_id)


async def load_before(tx: AsyncConnection, events: Sequence[ev.Event]) -> Before:
    """The rows that these events are about."""
    before = Before(disputes=await _disputes(tx, events))
    ids = {job_id for one in events if (job_id := job_of(one, before.disputes)) is not None}
    for part in parts(sorted(ids)):
        before.jobs |= {job.job_id: job for job in await load_jobs(tx, part)}
    who = {named for one in events if (named := getattr(one, "provider", None)) is not None}
    # `DisputeRuled` does not name the provider; its run does.
    who |= {run.provider for job in before.jobs.values() for run in job.runs}
    await load_providers(tx, before, who)
    return before


async def load_providers(tx: AsyncConnection, before: Before, who: Iterable[Address]) -> None:
    """Add these providers to what is known of the rows; what is there already stays."""
    for part in parts(sorted(set(who) - before.providers.keys())):
        query = select(t.providers).where(t.providers.c.provider.in_(part))
        for row in await tx.execute(query):
            facts = ProviderFacts(**{name: getattr(row, name) for name in PROVIDER_FIELDS})
            before.providers[facts.provider] = facts


async def _disputes(tx: AsyncConnection, events: Sequence[ev.Event]) -> dict[int, JobId]:
    numbers = {str(one.dispute_id) for one in events if isinstance(one, ev.Ruling)}
    numbers |= {str(one.evidence_group_id) for one in events if isinstance(one, ev.Evidence)}
    found: dict[int, JobId] = {}
    for part in parts(sorted(numbers)):
        query = select(t.runs.c.dispute_id, t.runs.c.job_id).where(t.runs.c.dispute_id.in_(part))
        found |= {int(row.dispute_id): JobId(row.job_id) for row in await tx.execute(query)}
    return found


def concern_agents(events: Iterable[ev.Event]) -> bool:
    """Whether the list of agents tells something else after these."""
    return any(isinstance(event, OF_AGENTS) for event in events)

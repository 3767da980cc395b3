"""A job whose events do not fit each other is read again: a node that lost logs costs time, not a job."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog
from sqlalchemy import select
from web3 import AsyncWeb3

from chain import events as ev
from chain.escrow import Escrow
from chain.follow import Cursor, history_of_job
from chain.job import JobId
from scheduler.index.changes import After, Before, load_providers, take_provider
from scheduler.index.fold import fold
from scheduler.index.fold_provider import provider_of
from scheduler.rows import tables as t
from scheduler.rows.batch import parts
from scheduler.rows.database import Store
from scheduler.rows.facts import JobFacts

log = structlog.get_logger()


async def repair(
    w3: AsyncWeb3[Any],
    escrow: Escrow,
    store: Store,
    from_block: int,
    upto: Cursor,
    before: Before,
    after: After,
    is_readable: Callable[[ev.JobPosted], bool],
) -> set[JobId]:
    """Rebuild the broken jobs of a batch from all that the chain tells of them up to its end. What the chain itself
    tells that cannot be keeps its alarm.

    Returns:
        Jobs that the chain knows and we cannot: their text is none.

    Raises:
        Unavailable: the node does not answer.
    """
    unreadable: set[JobId] = set()
    for job_id in sorted(after.broken):
        events = await history_of_job(w3, escrow, job_id, from_block, upto)
        posted = [event for event in events if isinstance(event, ev.JobPosted)]
        if posted and not is_readable(posted[0]):
            unreadable.add(job_id)
            continue
        lost = await _lost(store, after, events)
        log.warning("job.reread", job=job_id, lost=len(lost), known=bool(posted))
        await _take(store, before, after, job_id, events, lost)
    return unreadable


async def _lost(store: Store, after: After, events: list[ev.Event]) -> list[ev.Event]:
    """Those that no row and no event of the batch tells of."""
    c = t.events.c
    known = {(event.at.block_hash, event.at.log_index) for event, _ in after.events}
    async with store.read() as tx:
        for part in parts(sorted({event.at.block_hash for event in events})):
            query = select(c.block_hash, c.log_index).where(c.block_hash.in_(part))
            known |= {(row.block_hash, row.log_index) for row in await tx.execute(query)}
    return [one for one in events if (one.at.block_hash, one.at.log_index) not in known]


async def _take(
    store: Store,
    before: Before,
    after: After,
    job_id: JobId,
    events: list[ev.Event],
    lost: list[ev.Event],
) -> None:
    facts: JobFacts | None = None
    for event in events:
        facts = fold(facts, event)
    if facts is None:
        return
    after.jobs[job_id] = facts
    after.touched.add(job_id)
    who = {named for one in lost if (named := provider_of(one, facts)) is not None}
    async with store.read() as tx:
        await load_providers(tx, before, who)
    for event in lost:
        take_provider(before, after, event, facts)
        after.events.append((event, job_id))
        after.found.append(event)

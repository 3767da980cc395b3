"""The events of a job that are shown with it: the newest, and all at which its life turned, however many reports and
documents its parties write beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

from sqlalchemy import Index, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from chain.api import Ending
from chain.job import JobId
from scheduler.rows import tables as t

NEWEST = 100
NAMES = (*get_args(Ending), "JobLapsed", "JobDisputed", "DisputeRuled")  # few of each run
_IS_TURN = t.events.c.name.in_([literal_column(f"'{name}'") for name in NAMES])
Index("events_of_turns", t.events.c.job_id, sqlite_where=_IS_TURN, postgresql_where=_IS_TURN)


async def shown_events(tx: AsyncConnection, job_id: JobId) -> Sequence[Any]:
    """Their rows, in the chain's order."""
    e = t.events.c
    mine = select(t.events).where(e.job_id == job_id)
    newest = mine.order_by(e.block_number.desc(), e.log_index.desc()).limit(NEWEST)
    found = {
        (row.block_number, row.log_index): row
        for query in (newest, mine.where(_IS_TURN))
        for row in await tx.execute(query)
    }
    return [found[place] for place in sorted(found)]

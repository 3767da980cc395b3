"""What went wrong on the chain lately: the events that say so, newest first."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Index, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduler.rows import tables as t

NAMES = ("JobLapsed", "JobDeclined", "JobSettled", "JobDisputed", "BondSlashed")
_IS_FAILURE = t.events.c.name.in_([literal_column(f"'{name}'") for name in NAMES])
Index(
    "events_of_failures",
    t.events.c.block_number,
    t.events.c.log_index,
    sqlite_where=_IS_FAILURE,
    postgresql_where=_IS_FAILURE,
)


async def newest_failures(tx: AsyncConnection, most: int) -> Sequence[Any]:
    """The rows of the newest of these events."""
    e = t.events.c
    query = select(e.name, e.job_id, e.at, e.data).where(_IS_FAILURE)
    query = query.order_by(e.block_number.desc(), e.log_index.desc()).limit(most)
    return (await tx.execute(query)).all()


def why_failed(name: str, data: str) -> str:
    """What one of them means."""
    told: Mapping[str, str] = json.loads(data)
    match name:
        case "JobDeclined":
            return f"declined: {told.get('reason', '')}"
        case "JobLapsed":
            return f"its agent {told.get('provider', '')} fell silent"
        case "JobSettled":
            return f"its agent {told.get('provider', '')} sent no last report in time"
        case "JobDisputed":
            return f"disputed by {told.get('opener', '')}"
        case _:
            return (
                f"{told.get('units', '')} units of bond were taken from {told.get('provider', '')}"
            )

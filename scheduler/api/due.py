"""GET /v1/due: the runs of a provider that were not paid out whole yet, however many there were before them."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import select, tuple_

from chain.convert import address_of
from chain.market_api import DuePage, DueRun
from scheduler.api.caching import NOT_CHANGED, answer
from scheduler.api.context import Ctx
from scheduler.api.problems import refusals
from scheduler.rows import tables as t
from scheduler.rows.spending import IS_DUE

router = APIRouter(tags=["market"])
_CURSOR = re.compile(r"^(0x[0-9a-f]{64})-([0-9]{1,3})$")


@router.get("/v1/due", response_model=DuePage, responses=refusals() | NOT_CHANGED)
async def due(
    context: Ctx,
    request: Request,
    provider: Annotated[str, Query(pattern=r"^0x[0-9a-fA-F]{40}$")],
    limit: Annotated[int, Query(ge=1, le=100)] = 100,
    cursor: Annotated[str | None, Query(pattern=_CURSOR.pattern)] = None,
) -> Response:
    """What of a provider's earnings is in the escrow still, run by run: the chain says what of it can be withdrawn."""
    c = t.runs.c
    query = select(c.job_id, c.attempt, c.earned, c.released)
    query = query.where(c.provider == address_of(provider), IS_DUE)
    if cursor is not None and (match := _CURSOR.fullmatch(cursor)):
        query = query.where(tuple_(c.job_id, c.attempt) > tuple_(match[1], int(match[2])))
    async with context.store.read() as tx:
        rows = (await tx.execute(query.order_by(c.job_id, c.attempt).limit(limit + 1))).all()
    items = [
        DueRun(
            job_id=row.job_id,
            attempt=row.attempt,
            earned=str(row.earned),
            released=str(row.released),
        )
        for row in rows[:limit]
    ]
    more = f"{items[-1].job_id}-{items[-1].attempt}" if len(rows) > limit else None
    return answer(request, DuePage(items=items, next=more))

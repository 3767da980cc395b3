"""GET /v1/spending: every usage report of a consumer's or a provider's runs, by what it added; newest first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import Column, ColumnElement, Label, Row, Select, and_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from chain.convert import address_of
from chain.errors import InvalidInput
from chain.job import Usage
from chain.market_api import SpendingBody, SpendingPage
from chain.wire import UsageBody
from scheduler.api.caching import NOT_CHANGED, answer
from scheduler.api.context import Ctx
from scheduler.api.listing import manifests
from scheduler.api.problems import refusals
from scheduler.rows import tables as t
from scheduler.rows.spending import reports

router = APIRouter(tags=["market"])
AddressQuery = Annotated[str | None, Query(pattern=r"^0x[0-9a-fA-F]{40}$")]
_CURSOR = re.compile(r"^([0-9]{1,18})-([0-9]{1,18})-([0-9]{1,9})$")
_NEWEST = (reports.c.at, reports.c.block_number, reports.c.log_index)


@router.get("/v1/spending", response_model=SpendingPage, responses=refusals() | NOT_CHANGED)
async def spending(
    context: Ctx,
    request: Request,
    consumer: AddressQuery = None,
    provider: AddressQuery = None,
    since: Annotated[int, Query(ge=0, le=2**40, description="Unix seconds.")] = 0,
    limit: Annotated[int, Query(ge=1, le=100)] = 100,
    cursor: Annotated[str | None, Query(pattern=_CURSOR.pattern)] = None,
) -> Response:
    """Reports as the chain took them, newest first: a consumer's, a provider's, those of both together, or all."""
    c = reports.c
    wanted = [c.at >= since]
    if consumer is not None:
        wanted.append(c.consumer == address_of(consumer))
    if provider is not None:
        wanted.append(c.provider == address_of(provider))
    if cursor is not None:
        wanted.append(tuple_(*_NEWEST) < tuple_(*_place(cursor)))
    query = _newest(wanted).limit(limit + 1)
    async with context.store.read() as tx:
        rows = (await tx.execute(query)).all()
        items = await _bodies(tx, rows[:limit])
    last = rows[limit - 1] if len(rows) > limit else None
    more = f"{last.at}-{last.block_number}-{last.log_index}" if last is not None else None
    return answer(request, SpendingPage(items=items, next=more))


def _newest(wanted: Sequence[ColumnElement[bool]]) -> Select[Any]:
    """Reports with the totals that stood before each, and what bundle each is about."""
    c, e = reports.c, reports.alias("earlier").c
    earlier = and_(
        e.job_id == c.job_id,
        e.attempt == c.attempt,
        tuple_(e.block_number, e.log_index) < tuple_(c.block_number, c.log_index),
    )

    def before(column: Column[Any]) -> Label[Any]:
        newest = (e.block_number.desc(), e.log_index.desc())
        found = select(column).where(earlier).order_by(*newest).limit(1)
        return found.scalar_subquery().label(f"{column.name}_before")

    return (
        select(reports, before(e.usage), before(e.earned), t.jobs.c.cid)
        .join(t.jobs, t.jobs.c.job_id == c.job_id)
        .where(*wanted)
        .order_by(*(one.desc() for one in _NEWEST))
    )


def _place(cursor: str) -> tuple[int, ...]:
    match = _CURSOR.fullmatch(cursor)
    if match is None:
        raise InvalidInput("That is not a cursor of ours.", "Give back `next` of the page before.")
    return tuple(map(int, match.groups()))


async def _bodies(tx: AsyncConnection, rows: Sequence[Row[Any]]) -> list[SpendingBody]:
    told = await manifests(tx, {row.cid for row in rows})
    return [_body(row, told.get(row.cid, {}).get("name", "")) for row in rows]


def _body(row: Row[Any], name: str) -> SpendingBody:
    return SpendingBody(
        job_id=row.job_id,
        name=name,
        attempt=row.attempt,
        consumer=row.consumer,
        provider=row.provider,
        at=row.at,
        block=row.block_number,
        tx_hash=row.tx_hash,
        earned=str(max(0, row.earned - (row.earned_before or 0))),
        usage=_added(row.usage, row.usage_before or Usage()),
    )


def _added(now: Usage, before: Usage) -> UsageBody:
    return UsageBody(
        cpu_ms=max(0, now.cpu_ms - before.cpu_ms),
        memory_mib_s=max(0, now.memory_mib_s - before.memory_mib_s),
        egress_kib=max(0, now.egress_kib - before.egress_kib),
        wall_s=max(0, now.wall_s - before.wall_s),
    )

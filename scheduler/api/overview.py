"""The market as a whole: where it lives, by which rules, and its figures."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from chain.api import Market
from chain.clock import unix_ms
from chain.market_api import ChainBody, Overview
from scheduler.api.caching import NOT_CHANGED, answer
from scheduler.api.context import Context, Ctx
from scheduler.api.problems import refusals
from scheduler.api.streams import EVENTS, EventStream, event
from scheduler.rows.states import Moment
from scheduler.telemetry.overview import figures

router = APIRouter(tags=["market"])


@router.get("/v1/market", response_model=Market, responses=refusals() | NOT_CHANGED)
async def market(context: Ctx, request: Request) -> Response:
    """Where this market lives, and by which rules."""
    return answer(request, context.market)


@router.get(
    "/v1/market/events",
    status_code=200,
    response_class=EventStream,
    responses=refusals() | EVENTS,
)
async def events(context: Ctx, request: Request) -> EventStream:
    """Server-sent events `news`: at once, whenever something has changed that others of these answers tell of, and
    every five seconds when nothing has."""
    told = (event("news", text) async for text in context.newsroom.follow())
    return EventStream(told, context.gate.followers, request.scope["client_name"])


@router.get("/v1/overview", response_model=Overview, responses=refusals() | NOT_CHANGED)
async def overview(context: Ctx, request: Request) -> Response:
    """The market in figures, a second or so old; of older ones, the `Age` header tells the seconds."""
    found = answer(request, await context.overview.get())
    if outdated_s := context.overview.outdated_s:
        found.headers["Age"] = str(outdated_s)  # RFC 9111
    return found


async def look(context: Context) -> Overview:
    """All figures, counted now."""
    at = Moment(context.clock.now(), context.rules)
    found = await figures(context.store, at, unix_ms(), context.settings.heartbeat_s)
    indexer = context.indexer
    return Overview(
        jobs=found.jobs,
        phases=found.phases,
        due=found.due,
        agents=found.agents,
        agents_live=found.agents_live,
        chain=ChainBody(
            head=indexer.head,
            read=indexer.cursor,
            lag_blocks=indexer.lag,
            synced=indexer.synced,
            fault=indexer.fault,
        ),
        copies=found.copies,
        degraded=context.degraded(),
    )

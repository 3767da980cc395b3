"""Agents: their link, and what the market sees of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, WebSocket
from sqlalchemy import select

from chain.api import AgentBody, AgentPage
from chain.convert import address_of, rates_body, resources_body
from chain.errors import NotFound
from scheduler import tables as t
from scheduler.api.context import Context, Ctx
from scheduler.api.problems import RESPONSES
from scheduler.place import free

router = APIRouter(prefix="/v1/agents", tags=["agents"], responses=RESPONSES)


@router.websocket("/link")
async def link(socket: WebSocket, context: Ctx) -> None:
    """An agent's session: challenge, hello, welcome, then messages both ways."""
    await context.hub.serve(socket)


@router.get("")
async def list_all(
    context: Ctx,
    limit: Annotated[int, Query(ge=1, le=100)] = 100,
    cursor: Annotated[str | None, Query(pattern=r"^0x[0-9a-fA-F]{40}$")] = None,
) -> AgentPage:
    """Agents that ever logged in, by address."""
    items = await show_agents(context)
    if cursor is not None:
        items = [item for item in items if item.agent > cursor]
    page = items[:limit]
    return AgentPage(items=page, next=page[-1].agent if len(items) > limit else None)


@router.get("/{address}")
async def show(
    context: Ctx, address: Annotated[str, Path(pattern=r"^0x[0-9a-fA-F]{40}$")]
) -> AgentBody:
    """One agent."""
    wanted = address_of(address)
    for item in await show_agents(context):
        if item.agent == wanted:
            return item
    raise NotFound(f"No agent {address} has logged in here.", "Check the address.")


async def show_agents(context: Context) -> list[AgentBody]:
    """All of them, with what is free by this scheduler's own count."""
    candidates = {candidate.agent: candidate for candidate in await context.assigner.candidates()}
    live = {session.agent: session for session in context.hub.live()}
    async with context.store.read() as tx:
        rows = (await tx.execute(select(t.agents).order_by(t.agents.c.agent))).all()
    shown = []
    for row in rows:
        session, candidate = live.get(row.agent), candidates.get(row.agent)
        told = session.heartbeat if session and session.heartbeat else row.heartbeat
        shown.append(
            AgentBody(
                agent=row.agent,
                url=row.url,
                live=session is not None,
                last_seen_ms=session.last_seen_ms if session else row.last_seen_ms,
                capacity=row.capacity,
                free=resources_body(free(candidate)) if candidate else row.capacity,
                rates=rates_body(candidate.rates) if candidate and candidate.rates else None,
                cpu_percent=told.cpu_percent if told else 0.0,
                memory_used_mib=told.memory_used_mib if told else 0,
                disk_free_mib=told.disk_free_mib if told else 0,
                running=candidate.jobs if candidate else 0,
            )
        )
    return shown

"""Agents: how they sign in, their link, and what the market sees of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query, Request, Response, WebSocket
from pydantic import StringConstraints

from chain.clock import unix_ms
from chain.convert import address_of
from chain.errors import DraasError, NotFound
from chain.login import Challenge, Login, SessionToken
from chain.market_api import AgentBody, AgentPage
from scheduler.api.caching import NOT_CHANGED, answer
from scheduler.api.context import Context, Ctx
from scheduler.api.problems import RESPONSES, problem_of, refusals
from scheduler.rows.store import oldest_live_ms
from scheduler.sessions.roster import Wanted, list_agents, show_agent

router = APIRouter(prefix="/v1/agents", tags=["agents"], responses=RESPONSES)

PAIR = r"^[A-Za-z_][A-Za-z0-9_]{0,62}=[A-Za-z0-9][A-Za-z0-9._:/-]{0,62}$"
Pairs = Annotated[
    list[Annotated[str, StringConstraints(pattern=PAIR)]] | None,
    Query(max_length=8, description="NAME=VALUE, which the agent must say of itself."),
]


@router.post("/nonce")
async def nonce(context: Ctx) -> Challenge:
    """What an agent signs to sign in."""
    return context.hub.logins.challenge()


@router.post("/login", responses=refusals(401))
async def login(context: Ctx, body: Login, request: Request) -> SessionToken:
    """A short-lived token for the link, for whoever holds the agent's key."""
    peer = request.client.host if request.client else ""
    client = context.names.client(peer, request.headers.getlist("x-forwarded-for"))
    return await context.hub.logins.login(body, client)


@router.websocket("/link")
async def link(socket: WebSocket, context: Ctx) -> None:
    """An agent's session, opened with its token: hello, welcome, then messages both ways."""
    try:
        claims = context.hub.logins.open_link(socket.headers.get("authorization", ""))
    except DraasError as error:
        await socket.send_denial_response(problem_of(error))
        return
    await context.hub.serve(socket, claims)


@router.websocket("/tunnel")
async def tunnel(socket: WebSocket, context: Ctx) -> None:
    """An agent's second connection, for the visitors of its services: frames of `chain.tunnel`, both ways."""
    try:
        claims = context.hub.logins.open_tunnel(socket.headers.get("authorization", ""))
    except DraasError as error:
        await socket.send_denial_response(problem_of(error))
        return
    await context.ingress.tunnels.serve(socket, claims)


@router.get("", response_model=AgentPage, responses=NOT_CHANGED)
async def list_all(
    request: Request,
    context: Ctx,
    limit: Annotated[int, Query(ge=1, le=100)] = 100,
    cursor: Annotated[str | None, Query(pattern=r"^0x[0-9a-fA-F]{40}$")] = None,
    live: bool | None = None,
    attribute: Pairs = None,
) -> Response:
    """Agents that ever logged in, by address."""
    asked = [(name, value) for name, _, value in (text.partition("=") for text in attribute or ())]
    async with context.store.read() as tx:
        wanted = Wanted(cursor, live, asked)
        items = await list_agents(tx, wanted, limit + 1, _oldest(context), context.clock.now())
    page = items[:limit]
    more = page[-1].agent if len(items) > limit else None
    return answer(request, AgentPage(items=page, next=more))


@router.get("/nonce", include_in_schema=False)
@router.get("/login", include_in_schema=False)
async def only_posted() -> None:
    """These are no addresses: they say so themselves, before the route below is asked."""
    raise HTTPException(405)


@router.get("/{address}", response_model=AgentBody, responses=NOT_CHANGED)
async def show(
    request: Request, context: Ctx, address: Annotated[str, Path(pattern=r"^0x[0-9a-fA-F]{40}$")]
) -> Response:
    """One agent."""
    async with context.store.read() as tx:
        now = context.clock.now()
        found = await show_agent(tx, address_of(address), _oldest(context), now)
    if found is None:
        raise NotFound(f"No agent {address} has logged in here.", "Check the address.")
    return answer(request, found)


def _oldest(context: Context) -> int:
    return oldest_live_ms(unix_ms(), context.settings.heartbeat_s)

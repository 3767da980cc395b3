"""Deployments: list, show, follow, read logs, and the transaction that cancels."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from fastapi.responses import PlainTextResponse

from chain.api import (
    Deployment,
    DeploymentPage,
    OutcomeAnswer,
    Phase,
    State,
    TicketBody,
    TransactionPage,
    UnsignedTx,
)
from chain.convert import address_of, terms_of, unsigned_tx
from chain.errors import Conflict
from chain.group import GroupId
from chain.job import Address, Cid, JobId
from chain.messages import Ticket, sign_ticket
from chain.ticket import ticket_text
from scheduler.api.access import NEEDS_SESSION, Gatekeeper
from scheduler.api.build_stream import POSITION, build_lines, parse_read
from scheduler.api.caching import NOT_CHANGED, answer, has_it, tag_of, unchanged
from scheduler.api.context import Context, Ctx
from scheduler.api.listing import Filter, list_deployments
from scheduler.api.problems import refusals
from scheduler.api.streams import EVENTS, EventStream, changes, glance, lines, show
from scheduler.api.usage import POSITION as POSITION_OF_USAGE
from scheduler.api.usage import parse_place, usage
from scheduler.api.views import list_transactions, outcome_of, unknown, url_of_agent
from scheduler.rows.states import Moment
from scheduler.rows.store import load_job
from scheduler.sessions.logs import START, parse_position

router = APIRouter(prefix="/v1/deployments", tags=["deployments"])
Job = Annotated[str, Path(pattern=r"^0x[0-9a-f]{64}$")]
AddressQuery = Annotated[str | None, Query(pattern=r"^0x[0-9a-fA-F]{40}$")]
Limit = Annotated[int, Query(ge=1, le=100)]
Cursor = Annotated[str | None, Query(pattern=r"^[0-9]{1,18}-[0-9]{1,9}$")]
TICKET_S = 300
LogPosition = r"^([0-9]{1,3}-[0-9]{1,18})?$"


def _filter(
    consumer: AddressQuery = None,
    provider: AddressQuery = None,
    cid: Annotated[str | None, Query(pattern=r"^b[a-z2-7]{20,120}$")] = None,
    state: State | None = None,
    phase: Phase | None = None,
    group: Annotated[str | None, Query(pattern=r"^0x[0-9a-f]{48}$")] = None,
) -> Filter:
    return Filter(
        consumer=None if consumer is None else address_of(consumer),
        provider=None if provider is None else address_of(provider),
        cid=cid,
        state=state,
        phase=phase,
        group=None if group is None else GroupId(group),
    )


@router.get("", response_model=DeploymentPage, responses=refusals() | NOT_CHANGED)
async def list_all(
    context: Ctx,
    request: Request,
    wanted: Annotated[Filter, Depends(_filter)],
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response:
    """Deployments, newest first. A page is full as long as more follow."""
    at = Moment(context.clock.now(), context.rules)
    return answer(request, await list_deployments(context.store, at, wanted, limit, cursor))


@router.get("/{job_id}", response_model=Deployment, responses=refusals(404) | NOT_CHANGED)
async def show_one(context: Ctx, request: Request, job_id: Job) -> Response:
    """One deployment; 404 until the scheduler has read its block."""
    seen = await glance(context, JobId(job_id))
    if seen is None:
        raise unknown(JobId(job_id))
    tag = tag_of(seen)
    if has_it(request, tag):
        return unchanged(tag)
    return answer(request, await show(context, JobId(job_id)), tag)


@router.get(
    "/{job_id}/transactions", response_model=TransactionPage, responses=refusals(404) | NOT_CHANGED
)
async def transactions(
    context: Ctx, request: Request, job_id: Job, limit: Limit = 100, cursor: Cursor = None
) -> Response:
    """All events of a job with their transactions, in the chain's order."""
    return answer(request, await list_transactions(context.store, JobId(job_id), limit, cursor))


@router.post("/{job_id}/cancel", dependencies=NEEDS_SESSION, responses=refusals(401, 404, 409))
async def cancel(context: Ctx, access: Gatekeeper, request: Request, job_id: Job) -> UnsignedTx:
    """The transaction by which the consumer cancels; it is for the consumer to sign and send."""
    await access.consumer(request, JobId(job_id))
    deployment = await show(context, JobId(job_id))
    if deployment.state not in ("Open", "Running"):
        raise Conflict(f"The job is {deployment.state} already.", "There is nothing to cancel.")
    call = context.escrow.cancel_job(terms_of(deployment.terms))
    return unsigned_tx(call, context.market.chain_id)


@router.get("/{job_id}/ticket", dependencies=NEEDS_SESSION, responses=refusals(401, 404, 409))
async def ticket(
    context: Ctx, access: Gatekeeper, request: Request, response: Response, job_id: Job
) -> TicketBody:
    """What shows the agent of the job's present run that its bearer may read the log there, for five minutes."""
    response.headers["Cache-Control"] = "no-store"
    caller = await access.consumer(request, JobId(job_id))
    async with context.store.read() as tx:
        job = await load_job(tx, JobId(job_id))
        if job is None:
            raise unknown(JobId(job_id))
        if not job.runs:
            raise Conflict("No agent has run this job yet.", "Ask again once it runs.")
        run = job.runs[-1]
        url = await url_of_agent(tx, run.provider)
    ticket = Ticket(job.job_id, run.attempt, caller.address, access.now() + TICKET_S)
    signature = await asyncio.to_thread(sign_ticket, context.account, context.domain, ticket)
    return TicketBody(
        ticket=ticket_text(ticket, signature),
        attempt=ticket.attempt,
        expires_at=ticket.deadline,
        agent_url=url,
    )


@router.get("/{job_id}/outcome", dependencies=NEEDS_SESSION, responses=refusals(401, 404))
async def outcome(
    context: Ctx, access: Gatekeeper, request: Request, response: Response, job_id: Job
) -> OutcomeAnswer:
    """What the newest run's provider vouches for, while it waits for the verdict of the job's `verify` group."""
    response.headers["Cache-Control"] = "no-store"
    await access.consumer(request, JobId(job_id))
    return await outcome_of(context.store, JobId(job_id))


@router.get("/{job_id}/build-log", response_class=PlainTextResponse, responses=refusals(401, 404))
async def build_log(
    context: Ctx, access: Gatekeeper, request: Request, job_id: Job
) -> PlainTextResponse:
    """What the build has printed so far. For the job's parties, unless its manifest says `logs: public`."""
    await access.reader(request, JobId(job_id))
    deployment = await show(context, JobId(job_id))
    return PlainTextResponse(
        await context.builder.log_of(Cid(deployment.cid), Address(deployment.consumer)),
        headers={"Cache-Control": "no-store"},
    )


@router.get(
    "/{job_id}/build-log/events",
    dependencies=NEEDS_SESSION,
    status_code=200,
    response_class=EventStream,
    responses=refusals(401, 404) | EVENTS,
)
async def build_events(
    context: Ctx,
    access: Gatekeeper,
    request: Request,
    job_id: Job,
    after: Annotated[str, Query(pattern=POSITION)] = "",
    last_event_id: Annotated[str, Header(pattern=POSITION)] = "",
) -> EventStream:
    """Server-sent events: what the build prints, from a position on, until it is over.

    For the job's parties, unless its manifest says `logs: public`. Ends with `expired` when the session does.
    """
    caller = await access.reader(request, JobId(job_id))
    deployment = await show(context, JobId(job_id))
    until = None if caller is None else caller.expires_at
    start = parse_read(last_event_id or after)
    build = Cid(deployment.cid), Address(deployment.consumer)
    told = build_lines(context, JobId(job_id), build, start, until)
    return _stream(context, request, told)


@router.get(
    "/{job_id}/events",
    status_code=200,
    response_class=EventStream,
    responses=refusals(404) | EVENTS,
)
async def events(context: Ctx, request: Request, job_id: Job) -> EventStream:
    """Server-sent events: the deployment at once and after every change, until it is Closed."""
    first = await show(context, JobId(job_id))
    return _stream(context, request, changes(context, first))


@router.get(
    "/{job_id}/logs",
    dependencies=NEEDS_SESSION,
    status_code=200,
    response_class=EventStream,
    responses=refusals(401, 404) | EVENTS,
)
async def logs(
    context: Ctx,
    access: Gatekeeper,
    request: Request,
    job_id: Job,
    follow: bool = True,
    after: Annotated[str, Query(pattern=LogPosition)] = "",
    tail: Annotated[int | None, Query(ge=0, le=100_000)] = None,
    last_event_id: Annotated[str, Header(pattern=LogPosition)] = "",
) -> EventStream:
    """Server-sent events: log lines from a position on, and with `follow` the new ones until the job is over.

    Without a position: from the first, or with `tail` the last so many.

    For the job's parties, unless its manifest says `logs: public`. Ends with `expired` when the session does.
    """
    caller = await access.reader(request, JobId(job_id))
    start = parse_position(last_event_id or after)
    if tail is not None and start == START:
        start = await context.tails.logs.before_last(JobId(job_id), tail)
    until = None if caller is None else caller.expires_at
    return _stream(context, request, lines(context, JobId(job_id), start, follow, until))


@router.get(
    "/{job_id}/usage/events",
    status_code=200,
    response_class=EventStream,
    responses=refusals(404) | EVENTS,
)
async def usage_events(
    context: Ctx,
    request: Request,
    job_id: Job,
    after: Annotated[str, Query(pattern=POSITION_OF_USAGE)] = "",
    last_event_id: Annotated[str, Header(pattern=POSITION_OF_USAGE)] = "",
) -> EventStream:
    """Server-sent events `usage`: the totals of each run (`UsageEvent`), first those that were kept, thinned, then
    about one a second while it runs; `end` after the last. An event's id is a position to go on from."""
    if await glance(context, JobId(job_id)) is None:
        raise unknown(JobId(job_id))
    return _stream(
        context, request, usage(context, JobId(job_id), parse_place(last_event_id or after))
    )


def _stream(context: Context, request: Request, content: AsyncIterator[str | bytes]) -> EventStream:
    return EventStream(content, context.gate.seats, request.scope["client_name"])

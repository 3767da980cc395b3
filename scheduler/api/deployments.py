"""Deployments: list, show, follow, read logs, and the transaction that cancels."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query
from fastapi.responses import PlainTextResponse, StreamingResponse

from chain.api import Deployment, DeploymentPage, UnsignedTx
from chain.convert import address_of, terms_of, unsigned_tx
from chain.errors import Conflict
from chain.job import Cid, JobId
from scheduler.api.context import Context, Ctx
from scheduler.api.problems import RESPONSES
from scheduler.logs import Position, StoredLine, parse_position
from scheduler.signals import wait_for
from scheduler.views import Moment, StateName, list_deployments, show_deployment

router = APIRouter(prefix="/v1/deployments", tags=["deployments"], responses=RESPONSES)
Job = Annotated[str, Path(pattern=r"^0x[0-9a-f]{64}$")]
KEEP_ALIVE_S = 10.0
LOOK_S = 1.0  # states that time alone brings come without a notice
LAST_LINES_S = 3.0
SSE_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@router.get("")
async def list_all(
    context: Ctx,
    consumer: Annotated[str | None, Query(pattern=r"^0x[0-9a-fA-F]{40}$")] = None,
    state: StateName | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=40)] = None,
) -> DeploymentPage:
    """Deployments, newest first. With `state`, a page may hold fewer than `limit` although more follow."""
    payer = None if consumer is None else address_of(consumer)
    at = Moment(context.clock.now(), context.rules)
    return await list_deployments(context.store, at, payer, state, limit, cursor)


@router.get("/{job_id}")
async def show(context: Ctx, job_id: Job) -> Deployment:
    """One deployment; 404 until the scheduler has read its block."""
    return await _shown(context, JobId(job_id))


@router.post("/{job_id}/cancel")
async def cancel(context: Ctx, job_id: Job) -> UnsignedTx:
    """The transaction by which the consumer cancels; it is for the consumer to sign and send."""
    deployment = await _shown(context, JobId(job_id))
    if deployment.state not in ("Open", "Running"):
        raise Conflict(f"The job is {deployment.state} already.", "There is nothing to cancel.")
    call = context.escrow.cancel_job(terms_of(deployment.terms))
    return unsigned_tx(call, context.market.chain_id)


@router.get("/{job_id}/build-log")
async def build_log(context: Ctx, job_id: Job) -> PlainTextResponse:
    """What the build has printed so far."""
    deployment = await _shown(context, JobId(job_id))
    return PlainTextResponse(await context.builder.log_of(Cid(deployment.cid)))


@router.get("/{job_id}/events", response_class=StreamingResponse)
async def events(context: Ctx, job_id: Job) -> StreamingResponse:
    """Server-sent events: the deployment at once and after every change, until it is Closed."""
    first = await _shown(context, JobId(job_id))
    return _stream(_changes(context, first))


@router.get("/{job_id}/logs", response_class=StreamingResponse)
async def logs(
    context: Ctx,
    job_id: Job,
    follow: bool = True,
    after: Annotated[str | None, Query(max_length=40)] = None,
    last_event_id: Annotated[str | None, Header(max_length=40)] = None,
) -> StreamingResponse:
    """Server-sent events: log lines from a position on, and with `follow` the new ones until the job is over."""
    start = parse_position(last_event_id or after)
    await _shown(context, JobId(job_id))
    return _stream(_lines(context, JobId(job_id), start, follow))


async def _shown(context: Context, job_id: JobId) -> Deployment:
    return await show_deployment(context.store, Moment(context.clock.now(), context.rules), job_id)


def _stream(content: AsyncIterator[str]) -> StreamingResponse:
    return StreamingResponse(content, media_type="text/event-stream", headers=SSE_HEADERS)


async def _changes(context: Context, shown: Deployment) -> AsyncIterator[str]:
    job_id = JobId(shown.job_id)
    quiet = 0.0
    with context.signals.listen(f"jobs/{job_id}") as hint:
        yield _event("deployment", shown.model_dump_json())
        while shown.state != "Closed":
            await wait_for(hint, LOOK_S)
            hint.clear()
            now = await _shown(context, job_id)
            if now != shown:
                shown, quiet = now, 0.0
                yield _event("deployment", shown.model_dump_json())
            elif (quiet := quiet + LOOK_S) >= KEEP_ALIVE_S:
                quiet = 0.0
                yield ": keep-alive\n\n"


async def _lines(context: Context, job_id: JobId, at: Position, follow: bool) -> AsyncIterator[str]:
    quiet = over = 0.0
    with context.signals.listen(f"logs/{job_id}") as hint:
        while True:
            hint.clear()
            lines = await context.logs.read(job_id, at)
            for line in lines:
                at, quiet, over = line.at, 0.0, 0.0
                yield _event("log", _line(line), str(line.at))
            if lines:
                continue
            if not follow or over >= LAST_LINES_S:
                break
            await wait_for(hint, LOOK_S)
            shown = await _shown(context, job_id)
            if shown.state in ("Ended", "Disputed", "Closed"):
                over += LOOK_S if shown.runs else LAST_LINES_S
            if (quiet := quiet + LOOK_S) >= KEEP_ALIVE_S:
                quiet = 0.0
                yield ": keep-alive\n\n"
    yield _event("end", "{}")


def _line(line: StoredLine) -> str:
    return json.dumps(
        {
            "attempt": line.at.attempt,
            "seq": line.at.seq,
            "at_ms": line.at_ms,
            "stream": line.stream,
            "text": line.text,
        }
    )


def _event(name: str, data: str, identity: str = "") -> str:
    head = f"id: {identity}\n" if identity else ""
    return f"{head}event: {name}\ndata: {data}\n\n"

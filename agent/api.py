"""The agent's own HTTP: health for anybody, status and logs for this machine only. No work depends on it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from agent.link import VERSION, Link
from agent.look import ChainView
from agent.run import Run
from agent.runs import Runs
from chain.convert import resources_body
from chain.errors import DraasError, NotAllowed, NotFound, NotSignedIn
from chain.job import ZERO_ADDRESS, Address
from chain.messages import Domain
from chain.ticket import read_ticket

POLL_SECONDS = 0.3
LOOPBACK = {"127.0.0.1", "::1"}
LOCAL_NAMES = {"127.0.0.1", "[::1]", "localhost"}


def owner_only(request: Request) -> None:
    """Let through who is on this machine, and no web page that was led here by name.

    Raises:
        NotAllowed: somebody else asks.
    """
    client = request.client.host if request.client else ""
    server = str((request.scope.get("server") or ("",))[0])
    name = request.headers.get("host", "").rsplit(":", 1)[0]
    if client not in LOOPBACK | {server} or name not in LOCAL_NAMES | {server}:
        raise NotAllowed("Only the owner of this machine may ask.", "Ask from the machine itself.")


async def readable(runs: Runs, domain: Domain, job_id: str, attempt: int, request: Request) -> Run:
    """A run that the caller may read: as this machine's owner, or by a ticket of the scheduler that assigned it.

    Raises:
        NotSignedIn: the ticket does not hold; the same for a run that is not here.
        NotAllowed, NotFound: neither owner nor ticket; there is no such run.
    """
    kind, _, text = request.headers.get("authorization", "").partition(" ")
    run = runs.get(job_id, attempt)
    if kind.lower() == "bearer":
        scheduler = run.record.offer.terms.scheduler if run is not None else ZERO_ADDRESS
        ticket = await asyncio.to_thread(read_ticket, text, domain, scheduler, int(time.time()))
        if (ticket.job_id, ticket.attempt) != (job_id, attempt):
            raise NotSignedIn("The ticket is for another run.", "Ask for one for this run.")
    else:
        owner_only(request)
    if run is None:
        raise NotFound(f"There is no run {attempt} of {job_id} here.", "See /v1/runs.")
    return run


def make_api(
    agent: Address,
    runs: Runs,
    link: Link,
    view: ChainView,
    registry: CollectorRegistry,
    domain: Domain,
) -> FastAPI:
    """The routes."""

    async def run_of(job_id: str, attempt: int, request: Request) -> Run:
        return await readable(runs, domain, job_id, attempt, request)

    here = Depends(run_of)
    api = FastAPI(title="DRaaS agent", version=VERSION, docs_url=None, redoc_url=None)

    @api.exception_handler(DraasError)
    async def _problem(_: Request, error: Exception) -> JSONResponse:
        found = error if isinstance(error, DraasError) else DraasError(str(error))
        body = {"type": "about:blank", "title": type(found).__name__, "status": found.status,
                "detail": found.message, "fix": found.fix}  # fmt: skip
        return JSONResponse(body, found.status, media_type="application/problem+json")

    @api.get("/healthz")
    async def healthz() -> dict[str, str]:
        """Whether it serves."""
        return {"status": "ok"}

    @api.get("/metrics", dependencies=[Depends(owner_only)])
    async def metrics() -> Response:
        """Figures of this moment, for Prometheus."""
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    @api.get("/v1/status", dependencies=[Depends(owner_only)])
    async def status() -> dict[str, Any]:
        """Who we are, whom we hear, what is free."""
        return {
            "agent": agent,
            "version": VERSION,
            "scheduler": link.scheduler,
            "connected": link.connected,
            "chain": view.answers,
            "capacity": resources_body(runs.capacity).model_dump(),
            "free": resources_body(runs.free()).model_dump(),
            "runs": len(runs.all()),
        }

    @api.get("/v1/runs", dependencies=[Depends(owner_only)])
    async def all_runs() -> list[dict[str, Any]]:
        """Every run in memory, with the hash that stands for its ledger."""
        return [
            run.status().model_dump() | {"ledger": run.container.meter.head} for run in runs.all()
        ]

    @api.get("/v1/runs/{job_id}/{attempt}")
    async def one_run(run: Run = here) -> dict[str, Any]:
        """Where a run stands; for the owner, and for who holds a ticket."""
        return run.status().model_dump() | {"ledger": run.container.meter.head}

    @api.get("/v1/runs/{job_id}/{attempt}/logs")
    async def logs(request: Request, run: Run = here, after: int = -1) -> StreamingResponse:
        """A run's lines as server-sent events, from a sequence number on, until it is over; for the owner, and for who
        holds a ticket."""
        asked = request.headers.get("last-event-id", "")
        start = int(asked) if asked.isdigit() else after
        return StreamingResponse(_events(run, start), media_type="text/event-stream")

    return api


async def _events(run: Run, after: int) -> AsyncIterator[str]:
    while True:
        lines = run.container.spool.read(after, 500)
        for line in lines:
            yield f"event: log\nid: {line.seq}\ndata: {line.model_dump_json()}\n\n"
            after = line.seq
        if not lines and run.record.exit is not None:
            yield "event: end\ndata: {}\n\n"
            return
        await asyncio.sleep(POLL_SECONDS)

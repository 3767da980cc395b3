"""One run over the agent's own HTTP: where it stands, and its lines. For this machine's owner, and for a reader with a
ticket of the scheduler that assigned it (`chain.ticket`)."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse

from agent.api.owner import owner_only
from agent.output.tail import tail
from agent.runs.run import Run
from agent.runs.runs import Runs
from chain.errors import NotFound, NotSignedIn
from chain.job import ZERO_ADDRESS
from chain.messages import Domain
from chain.ticket import read_ticket


async def readable(runs: Runs, domain: Domain, job_id: str, attempt: int, request: Request) -> Run:
    """A run that the caller may read.

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


def reading(runs: Runs, domain: Domain) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/v1/runs/{job_id}/{attempt}")

    async def run_of(job_id: str, attempt: int, request: Request) -> Run:
        return await readable(runs, domain, job_id, attempt, request)

    here = Depends(run_of)

    @router.get("")
    async def one_run(run: Run = here) -> dict[str, Any]:
        """Where a run stands."""
        return run.status().model_dump() | {"ledger": run.container.meter.head}

    @router.get("/logs")
    async def logs(request: Request, run: Run = here, after: int = -1) -> StreamingResponse:
        """A run's lines as server-sent events, from a sequence number on, until it is over."""
        asked = request.headers.get("last-event-id", "")
        start = int(asked) if asked.isdigit() else after
        spool = run.container.spool
        events = tail(spool, start, lambda: bool(run.record.exit) or spool.ended)
        return StreamingResponse(events, media_type="text/event-stream")

    return router

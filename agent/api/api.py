"""The agent's own HTTP: health for anybody, status for this machine only, runs also for who has a ticket. No work
depends on it."""

from __future__ import annotations

from typing import Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from agent.api.owner import owner_only
from agent.api.reading import reading
from agent.link.link import VERSION, Link
from agent.runs.look import ChainView
from agent.runs.runs import Runs
from chain.convert import resources_body
from chain.errors import DraasError
from chain.job import Address
from chain.messages import Domain


def make_api(
    agent: Address,
    runs: Runs,
    link: Link,
    view: ChainView,
    registry: CollectorRegistry,
    domain: Domain,
) -> FastAPI:
    """The routes."""
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

    api.include_router(reading(runs, domain))
    return api

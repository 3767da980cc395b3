"""Whether the process lives, whether it can work, by which rules, and its figures."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel

from scheduler.api.context import Ctx
from scheduler.api.problems import refusals

router = APIRouter(tags=["health"], responses=refusals())
FRESH_S, FRESH_LOST_S = (
    3.0,
    0.5,
)  # for which what was found is told again; shorter while something is missing


class Liveness(BaseModel):
    """That the process serves, and how late its event loop was at worst in the last ten seconds."""

    status: str = "ok"
    loop_lag_s: float


class DependencyFinding(BaseModel):
    """One thing that this copy needs. `since` is in Unix seconds: when it became so."""

    ok: bool
    needed: bool
    why: str
    since: int


class Readiness(BaseModel):
    """Whether this copy can work; `degraded` names what is not as it should be, needed or not."""

    status: Literal["ready", "not ready"]
    degraded: list[str]
    dependencies: dict[str, DependencyFinding]


@router.get("/healthz")
async def healthz(context: Ctx) -> Liveness:
    """The process serves; says nothing about what it needs."""
    return Liveness(loop_lag_s=round(context.observed.loop.lag_s, 3))


NOT_READY = {
    "model": Readiness,
    "description": "Something needed is missing, or the caller has to wait.",
    "content": refusals()[503]["content"],
}


@router.get("/readyz", responses={503: NOT_READY})
async def readyz(context: Ctx, response: Response) -> Readiness:
    """Whether everything that this copy needs answers: 503 when not, and each dependency by name."""
    health = context.observed.health
    await health.look(FRESH_S if health.ready else FRESH_LOST_S)
    found = {
        name: DependencyFinding(ok=one.ok, needed=one.needed, why=one.why, since=one.since)
        for name, one in health.findings().items()
    }
    if not health.ready:
        response.status_code = 503
    return Readiness(
        status="ready" if health.ready else "not ready",
        degraded=[name for name, one in found.items() if not one.ok],
        dependencies=found,
    )


@router.get("/metrics", response_class=Response)
async def metrics(context: Ctx) -> Response:
    """Figures of this moment, for Prometheus."""
    return Response(generate_latest(context.observed.registry), media_type=CONTENT_TYPE_LATEST)

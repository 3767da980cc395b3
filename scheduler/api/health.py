"""Whether the process lives, whether it can work, by which rules, and its figures."""

from __future__ import annotations

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from chain import ipfs
from chain.errors import Unavailable
from scheduler.api.context import Ctx
from scheduler.api.problems import RESPONSES
from scheduler.overview import count_states
from scheduler.signals import unix_ms
from scheduler.states import Moment

router = APIRouter(tags=["health"], responses=RESPONSES)


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process serves."""
    return {"status": "ok"}


@router.get("/readyz")
async def readyz(context: Ctx) -> dict[str, str]:
    """The chain is read to its head, and the content store answers."""
    if not context.indexer.synced:
        raise Unavailable(f"The chain: {context.indexer.fault}.", "Check RPC_URL, or wait.")
    await ipfs.version(context.ipfs_api, deadline_s=2)
    return {"status": "ready"}


@router.get("/metrics", response_class=Response)
async def metrics(context: Ctx) -> Response:
    """Figures of this moment, for Prometheus."""
    registry = CollectorRegistry()
    jobs = Gauge("draas_jobs", "Jobs by state", ["state"], registry=registry)
    counts = await count_states(context.store, Moment(context.clock.now(), context.rules))
    for state, count in counts.items():
        jobs.labels(state).set(count)
    live = context.hub.live()
    Gauge("draas_agents_live", "Agents that are connected", registry=registry).set(len(live))
    ages = [(unix_ms() - session.last_seen_ms) / 1000 for session in live]
    oldest = Gauge("draas_agent_heartbeat_age_seconds", "The oldest heartbeat", registry=registry)
    oldest.set(max(ages, default=0))
    lag = Gauge("draas_chain_head_lag_blocks", "Blocks not read yet", registry=registry)
    lag.set(max(0, context.indexer.head - context.indexer.cursor))
    Gauge("draas_chain_synced", "1 when the chain is read to its head", registry=registry).set(
        context.indexer.synced
    )
    Gauge("draas_log_bytes", "Bytes of logs kept", registry=registry).set(
        await context.logs.count()
    )
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

"""The answer to a scheduler's probe: how a run is at this moment, by the Docker Engine and by its meter."""

from __future__ import annotations

import asyncio

from agent.observed import Container
from agent.runs.run import Run
from agent.runs.runs import Runs
from chain.clock import unix_ms
from chain.convert import usage_body, usage_of
from chain.errors import DraasError
from chain.wire import Probe, ProbeAnswer

ENGINE_SECONDS = 8.0  # an Engine that takes longer has not answered


async def answer(runs: Runs, probe: Probe) -> ProbeAnswer:
    """Always an answer, also when the Engine gives none or there is no such run."""
    run = runs.get(probe.job_id, probe.attempt)
    if run is None:
        return ProbeAnswer(nonce=probe.nonce, at_ms=unix_ms())
    running, started_ms = await _look(run)
    stated = await run.container.meter.state(probe.nonce)
    used = run.container.meter.usage if stated is None else usage_of(stated)
    return ProbeAnswer(
        nonce=probe.nonce,
        at_ms=unix_ms(),
        running=running,
        started_ms=started_ms,
        usage=usage_body(used),
        ledger=run.container.meter.head if stated is None else stated.ledger,
        statement=stated,
    )


async def _look(run: Run) -> tuple[bool | None, int]:
    """Whether its program runs, None when the Engine does not say or it is about to be started again; and since when,
    in Unix milliseconds, its first start where there were several."""
    starts = run.record.starts
    if run.record.exit is not None:
        return False, starts.first_ms or run.record.exit.started_ms
    try:
        looking = run.container.look(run.record.container_id)
        seen = await asyncio.wait_for(looking, ENGINE_SECONDS)
    except (DraasError, OSError, TimeoutError):
        return None, 0
    if isinstance(seen, Container):
        ended = None if run.record.offer.manifest.restarts else False
        return seen.status == "running" or ended, starts.first_ms or seen.started_ms
    wall_ms = run.container.meter.totals.wall_ms  # of a container that somebody has removed
    return False, unix_ms() - wall_ms if wall_ms else 0

"""What a node kept of runs that were cleaned away while it was not reached: removed when it is back."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from functools import partial

import structlog
from docker.errors import NotFound

from agent.engine import Engine
from agent.isolation import LABEL_AGENT
from agent.swarm.api import call
from agent.swarm.spec import LABEL_KEEPER, LABEL_VOLUME
from chain.job import Address

log = structlog.get_logger()


async def sweep_node(engine: Engine, agent: Address, known: Collection[str]) -> None:
    """Remove the results spaces of this agent's runs, but for those it still knows.

    Args:
        known: the runs, as "jobId/attempt".

    Raises:
        Unavailable: the node does not answer.
    """
    filters = {"label": [LABEL_KEEPER, f"{LABEL_AGENT}={agent}"]}
    for keeper in await call(lambda: engine.api.containers(all=True, filters=filters)):
        labels = keeper["Labels"]
        if labels[LABEL_KEEPER] in known:
            continue
        log.info("fleet.swept", run=labels[LABEL_KEEPER])
        await engine.remove(str(keeper["Id"]))
        volume = str(labels.get(LABEL_VOLUME))
        with suppress(NotFound):
            await call(partial(engine.api.remove_volume, volume, force=True))

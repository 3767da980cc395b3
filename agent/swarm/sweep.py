"""What a node kept of runs that were cleaned away while it was not reached: removed when it is back."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from functools import partial

import structlog
from docker.errors import NotFound

from agent.engine.call import call
from agent.engine.engine import Engine
from agent.engine.isolation import LABEL_AGENT
from agent.swarm.spec import LABEL_KEEPER, LABEL_RUN, LABEL_VOLUME
from chain.job import Address

log = structlog.get_logger()


async def sweep_node(engine: Engine, agent: Address, known: Collection[str]) -> None:
    """Remove containers and results spaces of this agent's runs, but for those it still knows.

    Args:
        known: the runs, as "jobId/attempt".

    Raises:
        Unavailable: the node does not answer.
    """
    filters = {"label": f"{LABEL_AGENT}={agent}"}
    found = await call(lambda: engine.api.containers(all=True, filters=filters))
    running = [one for one in found if one["State"] == "running" and LABEL_RUN in one["Labels"]]
    stay = {_run_of(one["Labels"]) for one in running} | {"", *known}  # those end with their leases
    left = [one for one in found if _run_of(one["Labels"]) not in stay]
    for one in sorted(left, key=lambda one: LABEL_KEEPER in one["Labels"]):  # they use the volumes
        log.info("fleet.swept", run=_run_of(one["Labels"]), container=one["Names"][:1])
        await engine.remove(str(one["Id"]))
        volume = one["Labels"].get(LABEL_VOLUME)
        if volume:
            with suppress(NotFound):
                await call(partial(engine.api.remove_volume, volume, force=True))


def _run_of(labels: Mapping[str, str]) -> str:
    return labels.get(LABEL_KEEPER) or labels.get(LABEL_RUN) or ""

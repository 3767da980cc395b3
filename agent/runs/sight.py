"""What one run sees: the chain and its container, each looked at when that is worth the asking."""

from __future__ import annotations

import time
from dataclasses import replace

from agent.container.host import JobContainer
from agent.observed import Absent, Container, Here
from agent.runs.look import Seen
from agent.runs.reconcile import decide
from agent.runs.record import RunRecord
from agent.runs.steps import Action
from agent.runs.surroundings import Surroundings
from chain.clock import unix_ms
from chain.errors import Unavailable

LOOK_SECONDS = 0.5  # between two looks at a container whose end is not told
CHAIN_SECONDS = 2.0  # between two looks at the chain, unless it is woken
CONTAINER_SECONDS = 5.0  # between two looks at a container whose end is told by the Engine


class Sight:
    """The last look of a run.

    Args:
        container: the run's.

    `chain` is what was seen on it, None before; `engine` what the Engine said of the container, None: nothing.
    """

    def __init__(self, around: Surroundings, container: JobContainer) -> None:
        self._around = around
        self._of = container
        self.chain: Seen | None = None
        self.engine: Container | Absent | None = None
        self._looked = self._saw = 0.0

    def renew_chain(self) -> None:
        """Look at the chain at the next decision."""
        self._looked = 0.0

    def renew_container(self) -> None:
        """Look at the container at the next decision."""
        self._saw = 0.0

    async def decide(self, record: RunRecord) -> Action:
        """Look, and choose the next step.

        Raises:
            Unavailable: the chain does not answer.
        """
        now, view = time.monotonic(), self._around.view
        waits = isinstance(self.engine, Container) and self.engine.status == "created"
        if now - self._looked > (LOOK_SECONDS if waits else CHAIN_SECONDS):
            self._looked = now
            self.chain = await view.look(record.job_id, record.attempt)
        self.engine = await self._look(record) if record.lives else Absent()
        seen, grace = self.chain, view.parameters.settle_grace
        chain = replace(seen.chain, now=view.clock.now()) if seen is not None else None
        here = Here(unix_ms(), view.lease_seconds(seen) if seen is not None else 0.0)
        return decide(record, self.engine, chain, self._of.meter.usage, grace, here)

    async def _look(self, record: RunRecord) -> Container | Absent | None:
        """At the container; while it runs and its end would be told, only now and then."""
        now, before = time.monotonic(), self.engine
        runs = isinstance(before, Container) and before.status == "running"
        # How a program is is looked for, and not told.
        told = self._around.tells_ends() and record.offer.manifest.healthcheck is None
        if runs and told and now - self._saw < CONTAINER_SECONDS:
            return before
        self._saw = now  # from before: what is told meanwhile is a reason to look again
        try:
            return await self._of.look(record.container_id)
        except Unavailable:
            return None

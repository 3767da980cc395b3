"""Whether services take connections: tried until one does, and looked at again now and then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from agent.runs.run import Run
from agent.serve.dial import Dialer
from chain.errors import DraasError
from chain.wire import RunStatus

SOON_S, LATER_S = 0.25, 3.0


class Readiness:
    """Tries the first port of each service.

    Args:
        tell: told of a run's status when that has changed.
    """

    def __init__(self, dialer: Dialer, tell: Callable[[RunStatus], None]) -> None:
        self._dialer = dialer
        self._tell = tell
        self._news = asyncio.Event()

    def changed(self) -> None:
        """A run has taken a step."""
        self._news.set()

    async def work(self) -> None:
        """Look, for ever; not at all while there is no service."""
        while True:
            self._news.clear()
            services = self._dialer.services()
            await asyncio.gather(*(self._look(run) for run in services))
            if not services:
                await self._news.wait()
            elif all(run.container.ready for run in services):
                await self._wait(LATER_S)
            else:
                await asyncio.sleep(SOON_S)

    async def _wait(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._news.wait(), seconds)
        except TimeoutError:
            return

    async def _look(self, run: Run) -> None:
        if run.phase != "running":
            return
        ready = await self._answers(run)
        if ready != run.container.ready:
            run.container.ready = ready
            self._tell(run.status())

    async def _answers(self, run: Run) -> bool:
        try:
            pipe = await self._dialer.connect(run, run.record.offer.manifest.ports[0])
        except DraasError:
            return False
        pipe.close()
        return True

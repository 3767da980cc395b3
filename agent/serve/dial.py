"""From the agent to a port of one of its containers: only where a service runs, and only to ports that it named."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agent.engine.engine import Engine
from agent.observed import Absent, Container
from agent.runs.run import Run
from agent.runs.runs import Runs
from chain.errors import NotFound, Unavailable
from chain.proxy.pipe import SocketPipe, connect

AT_ONCE = 256  # connections to one run
KNOWN_MOST = 1000


class Dialer:
    """Connects to services."""

    def __init__(self, engine: Engine, runs: Runs) -> None:
        self._engine = engine
        self._runs = runs
        self._addresses: dict[str, str] = {}  # by container
        self._held: dict[str, int] = {}  # connections, by run

    def services(self) -> list[Run]:
        """Runs that have ports, from their claim to their end."""
        return [run for run in self._runs.all() if run.record.offer.manifest.ports and _lasts(run)]

    def newest(self, job_id: str) -> Run:
        """The run of a job that answers here.

        Raises:
            NotFound: there is none.
        """
        found = [run for run in self.services() if run.record.job_id == job_id]
        if not found:
            raise NotFound("There is no such service here.", "Ask the scheduler where it runs.")
        return found[-1]

    def get(self, job_id: str, attempt: int) -> Run:
        """One run.

        Raises:
            Unavailable: it does not answer here (any more): ask elsewhere.
        """
        run = self._runs.get(job_id, attempt)
        if run is None or not _lasts(run):
            raise Unavailable("The agent does not run this service.", "Try again.")
        return run

    @asynccontextmanager
    async def dial(self, run: Run, port: int | None) -> AsyncIterator[SocketPipe]:
        """A connection to a port, the first by default.

        Raises:
            NotFound: it has no such port.
            Unavailable: nothing listens, or there are too many connections.
        """
        ports, key = run.record.offer.manifest.ports, run.key.text
        port = port or ports[0]
        if port not in ports:
            raise NotFound(f"This service has no port {port}.", "See its `ports`.")
        if self._held.get(key, 0) >= AT_ONCE:
            raise Unavailable("This service has too many visitors just now.", "Try again.")
        self._held[key] = self._held.get(key, 0) + 1
        try:
            pipe = await self.connect(run, port)
            try:
                yield pipe
            finally:
                pipe.close()
        finally:
            self._held[key] -= 1
            if not self._held[key]:
                del self._held[key]

    async def connect(self, run: Run, port: int) -> SocketPipe:
        """A connection; the container is looked up again when it is not where it was.

        Raises:
            Unavailable: nothing listens there.
        """
        container = run.record.container_id
        known = self._addresses.get(container)
        if known:
            try:
                return await connect(known, port)
            except Unavailable:
                del self._addresses[container]
        seen = await self._engine.inspect(container) if container else Absent()
        found = seen.address if isinstance(seen, Container) else ""
        if not found:
            raise Unavailable("The service does not run at present.", "Try again.")
        pipe = await connect(found, port)
        if len(self._addresses) >= KNOWN_MOST:
            self._addresses.clear()
        self._addresses[container] = found
        return pipe


def _lasts(run: Run) -> bool:
    return bool(run.record.claimed_at) and run.phase in ("starting", "running")

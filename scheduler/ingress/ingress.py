"""A visitor's request to a service: who answers for it, within whose share, and carried there through the tunnel."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from starlette.types import Receive, Scope, Send

from chain.errors import DraasError, TooMany, Unavailable
from chain.instruments import counter
from chain.proxy.answers import refuse
from chain.proxy.headers import Front
from chain.proxy.http import Asked, Patience
from chain.proxy.mux import Stream
from chain.proxy.paths import Wanted, to_folder
from chain.proxy.visit import visit
from chain.tunnel import Open
from scheduler.ingress.routes import Routes
from scheduler.ingress.tunnels import Tunnels
from scheduler.sessions.bucket import Buckets


@dataclass(frozen=True, slots=True)
class Shares:
    """How much of the ingress there is.

    Args:
        visits_per_s: that one visitor may begin; five times as many at once. Of a deployment, five times that.
        at_once_each: connections of one visitor.
        at_once_service: connections to one deployment.
        at_once: connections in all.
    """

    visits_per_s: int = 100
    at_once_each: int = 64
    at_once_service: int = 256
    at_once: int = 1000


class Ingress:
    """Carries visitors to services.

    Args:
        shares: of visitors and deployments.
    """

    def __init__(
        self, routes: Routes, tunnels: Tunnels, shares: Shares, patience: Patience | None = None
    ) -> None:
        self.tunnels = tunnels
        self._routes = routes
        self._shares = shares
        self._patience = patience or Patience()
        self._visitors = Buckets(shares.visits_per_s, 5 * shares.visits_per_s)
        self._services = Buckets(5 * shares.visits_per_s, 25 * shares.visits_per_s)
        self._held: dict[str, int] = {}
        self.now = 0  # connections
        self.visits = counter("draas_ingress_visits_total", "Visits to services.", ("outcome",))

    async def serve(
        self, wanted: Wanted, front: Front, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Answer one request or WebSocket, whatever becomes of it."""
        if not wanted.target:
            await to_folder(wanted, scope, send)
            return
        try:
            with self._seat(wanted.job[:34], front.client):
                stream = await self._reach(wanted)
                method = scope.get("method", "GET")
                asked = Asked(method, wanted.target, list(scope["headers"]), front)
                await visit(asked, stream, self._patience, scope, receive, send)
            self.visits.labels("carried").inc()
        except DraasError as error:
            self.visits.labels(type(error).__name__).inc()
            await refuse(error, scope, send)

    async def _reach(self, wanted: Wanted) -> Stream:
        """A connection to the port. Nothing of the request is sent yet, so it may be tried twice."""
        for anew in (False, True):
            route = await self._routes.find(wanted, anew=anew)
            try:
                what = Open(job_id=route.job_id, attempt=route.attempt, port=route.port)
                return await self.tunnels.open(route.agent, what)
            except Unavailable:
                if anew:
                    raise
        raise AssertionError("not reached")

    @contextmanager
    def _seat(self, job: str, client: str) -> Iterator[None]:
        """A connection's place, as long as it lasts; `job` is a deployment however it was named.

        Raises:
            TooMany: the visitor's share is used up.
            Unavailable: the deployment's is, or all are taken.
        """
        shares, now = self._shares, time.monotonic()
        wait = self._visitors.take(client, now)
        if wait or self._held.get(client, 0) >= shares.at_once_each:
            raise TooMany("You visit more than your share.", "Wait, then ask again.", int(wait) + 1)
        if self._services.take(job, now) or self._held.get(job, 0) >= shares.at_once_service:
            raise Unavailable("This service has too many visitors just now.", "Try again.")
        if self.now >= shares.at_once:
            raise Unavailable("There are too many visitors just now.", "Try again.")
        self._hold(client, job, 1)
        try:
            yield
        finally:
            self._hold(client, job, -1)

    def _hold(self, client: str, job: str, change: int) -> None:
        self.now += change
        for name in (client, job):
            self._held[name] = self._held.get(name, 0) + change
            if not self._held[name]:
                del self._held[name]

"""Requests that are for services, by host name or path, leave for the ingress here, before anything of ours looks at
them: neither a session nor the rules of our own API are theirs."""

from __future__ import annotations

from types import SimpleNamespace

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from chain.errors import DraasError, NotAllowed, Unavailable
from chain.proxy.answers import refuse
from chain.proxy.headers import Front
from chain.proxy.paths import START, Wanted, by_path
from scheduler.api.origins import Names
from scheduler.ingress.ingress import Ingress
from scheduler.ingress.places import Places

ROUTE = SimpleNamespace(path="/d/{job_id}")  # for the count of requests


class FrontDoor:
    """The middleware."""

    def __init__(self, app: ASGIApp, names: Names, places: Places) -> None:
        self._app = app
        self._names = names
        self._places = places

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request to a service, or on to our own application."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        named = self._places.has(host)
        if not named and not scope["path"].startswith(START):
            await self._app(scope, receive, send)
            return
        scope["route"] = ROUTE
        try:
            wanted = self._wanted(scope, host, named)
            ingress = _ingress(scope)
        except DraasError as error:
            await refuse(error, scope, send)
            return
        peer = scope.get("client")
        client = self._names.client(peer[0] if peer else "", headers.getlist("x-forwarded-for"))
        front = Front(self._places.scheme, host, client, wanted.prefix)
        await ingress.serve(wanted, front, scope, receive, send)

    def _wanted(self, scope: Scope, host: str, named: bool) -> Wanted:
        path = scope.get("raw_path") or scope["path"].encode()
        query = scope.get("query_string", b"")
        if named:
            return self._places.by_name(host, path, query)
        if not self._names.serves(host):
            raise NotAllowed(
                f"This scheduler is not called {host[:100]!r}.", "Add the name to ALLOWED_HOSTS."
            )
        return by_path(path, query)


def _ingress(scope: Scope) -> Ingress:
    context = getattr(scope["app"].state, "context", None)
    if context is None:
        raise Unavailable("The scheduler is starting.", "Try again.")
    found: Ingress = context.ingress
    return found

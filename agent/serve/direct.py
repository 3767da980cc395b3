"""Visitors that reach the agent itself, at `/d/JOB/…`: the same proxy as the scheduler's, without the tunnel.

Pages here share an origin with the owner's own endpoints, so they are sandboxed as at the scheduler.
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from agent.serve.dial import Dialer
from chain.errors import DraasError, TooMany
from chain.proxy.answers import refuse
from chain.proxy.headers import Front
from chain.proxy.http import Asked, Patience
from chain.proxy.paths import START, Wanted, by_path, to_folder
from chain.proxy.visit import visit

AT_ONCE_EACH = 64  # connections of one visitor


class DirectDoor:
    """The middleware.

    Args:
        scheme: by which the world reaches the agent.
    """

    def __init__(self, app: ASGIApp, dialer: Dialer, scheme: str = "http") -> None:
        self._app = app
        self._dialer = dialer
        self._scheme = scheme
        self._held: dict[str, int] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request to a service, or on to our own application."""
        if scope["type"] not in ("http", "websocket") or not scope["path"].startswith(START):
            await self._app(scope, receive, send)
            return
        client = str((scope.get("client") or ("",))[0])
        self._held[client] = self._held.get(client, 0) + 1
        try:
            if self._held[client] > AT_ONCE_EACH:
                raise TooMany("You visit more than your share.", "End a visit first.")
            path = scope.get("raw_path") or scope["path"].encode()
            wanted = by_path(path, scope.get("query_string", b""))
            await self._serve(wanted, client, scope, receive, send)
        except DraasError as error:
            await refuse(error, scope, send)
        finally:
            self._held[client] -= 1
            if not self._held[client]:
                del self._held[client]

    async def _serve(
        self, wanted: Wanted, client: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if not wanted.target:
            await to_folder(wanted, scope, send)
            return
        host = Headers(scope=scope).get("host", "")
        front = Front(self._scheme, host, client, wanted.prefix)
        method = scope.get("method", "GET")
        asked = Asked(method, wanted.target, list(scope["headers"]), front)
        async with self._dialer.dial(self._dialer.newest(wanted.job), wanted.port) as pipe:
            await visit(asked, pipe, Patience(), scope, receive, send)

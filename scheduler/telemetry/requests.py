"""Every HTTP request: counted and timed by its route, with an id that its log lines and its answer carry."""

from __future__ import annotations

import re
import secrets
import time

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chain.instruments import QUICK_S, counter, histogram

log = structlog.get_logger()
SLOW_AFTER_S = 1.0
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
UNMATCHED = "(none)"
TOLD_ELSEWHERE = {"/readyz", "/d/{job_id}"}  # asked again and again, or a service's own affair
_ID = re.compile(r"^[\w-]{8,64}$")


class Requests:
    """The instruments, and the ASGI layer that feeds them.

    A stream counts as answered with its first byte: how long a client then listens is its own affair.
    """

    def __init__(self) -> None:
        self.total = counter(
            "draas_http_requests_total", "Requests answered.", ("method", "route", "status")
        )
        self.seconds = histogram(
            "draas_http_request_seconds",
            "Time until the answer began.",
            ("method", "route"),
            QUICK_S,
        )

    def layer(self, app: ASGIApp) -> ASGIApp:
        """The application with this around it."""

        async def observed(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            one = _Request(self, scope, send)
            with structlog.contextvars.bound_contextvars(request=one.identity):
                try:
                    await app(scope, receive, one.send)
                finally:
                    one.note()

        return observed


class _Request:
    """One request under way."""

    def __init__(self, to: Requests, scope: Scope, send: Send) -> None:
        self._to, self._scope, self._send = to, scope, send
        self._began = time.perf_counter()
        self._seconds: float | None = None
        self._status = 500  # when the application ends without an answer
        self.identity = _asked_id(scope) or secrets.token_hex(8)

    async def send(self, message: Message) -> None:
        """Pass a message on; the first carries the id."""
        if message["type"] == "http.response.start":
            self._seconds = time.perf_counter() - self._began
            self._status = message["status"]
            headers = [*message.get("headers", []), (b"x-request-id", self.identity.encode())]
            message = {**message, "headers": headers}
        await self._send(message)

    def note(self) -> None:
        """Count it, and tell of one that failed or was slow."""
        seconds = self._seconds or time.perf_counter() - self._began
        method = self._scope["method"] if self._scope["method"] in METHODS else "OTHER"
        route = _route(self._scope)
        self._to.total.labels(method, route, str(self._status)).inc()
        self._to.seconds.labels(method, route).observe(seconds)
        failed = self._status >= 500 and route not in TOLD_ELSEWHERE
        if failed or seconds > SLOW_AFTER_S:
            log.warning(
                "http.failed" if failed else "http.slow",
                method=method,
                route=route,
                status=self._status,
                seconds=round(seconds, 3),
            )


def _asked_id(scope: Scope) -> str:
    """The id that a proxy in front of us has given the request; "" when there is none that is fit."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            text = str(value.decode("latin-1"))
            return text if _ID.fullmatch(text) else ""
    return ""


def _route(scope: Scope) -> str:
    """The route's template, never the path: that is a stranger's, and has no end of values."""
    path = getattr(scope.get("route"), "path", None)
    return str(path) if path else UNMATCHED

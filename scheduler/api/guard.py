"""What every request passes first: is it meant for us, is it within the client's share, and small and quick enough?

Plain ASGI, so that streams flow through untouched. Agents' log-in and link keep limits of their own
(`scheduler.sessions.login`, `scheduler.sessions.session`).
"""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chain.errors import DraasError, InvalidInput, NotAllowed, TooLarge, TooMany, Unavailable
from chain.proxy.headers import OWN_COOKIE
from scheduler.api.origins import Names
from scheduler.api.problems import problem_of
from scheduler.api.seats import Seats
from scheduler.sessions.bucket import Buckets

MAX_BODY = 64 * 1024
BODY_S = 10.0  # for a small body to arrive
ANSWER_S = 30.0
HEAVY_PER_S, HEAVY_BURST = 10, 60  # of uploads and sign-ins
COOKIE = OWN_COOKIE  # which a service is never shown
_AGENTS_OWN = re.compile(r"/v1/agents/(nonce|login|link|tunnel)")
_UPLOAD = "/v1/bundles"
_HEAVY = re.compile(r"/v1/(bundles|session|session/nonce)")
_STREAM = re.compile(
    r"/dashboard/events|/v1/(market/events|deployments/[^/]+/(logs|events|build-log/events|usage/events)|(layers|content)/[^/]+|images/[^/]+/archive)"
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client may ask."""

    requests_per_s: int = 100
    streams_each: int = 20
    streams: int = 1000
    followers_each: int = 200
    followers: int = 5000


class Gate:
    """The limits, and who has used how much of them."""

    def __init__(self, names: Names, limits: Limits) -> None:
        self.names = names
        self.seats = Seats(limits.streams_each, limits.streams)
        self.followers = Seats(
            limits.followers_each, limits.followers
        )  # of the market: cheap, and each page is one
        self._all = Buckets(limits.requests_per_s, 2 * limits.requests_per_s)
        self._heavy = Buckets(HEAVY_PER_S, HEAVY_BURST)

    def admit(self, client: str, method: str, path: str) -> None:
        """Take from the client's buckets.

        Raises:
            TooMany: they are empty.
        """
        if _AGENTS_OWN.fullmatch(path):
            return
        now = time.monotonic()
        wait = self._all.take(client, now)
        if not wait and method != "GET" and _HEAVY.fullmatch(path):
            wait = self._heavy.take(client, now)
        if wait:
            raise TooMany("You ask more than your share.", "Wait, then ask again.", int(wait) + 1)


class Guard:
    """The middleware."""

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self._app = app
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it here."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        scope["client_name"] = client_of(self._gate.names, scope, headers)
        try:
            self._check(scope, headers)
            if scope["type"] == "http":
                receive = await _small(scope, headers, receive)
        except DraasError as refusal:
            await _refuse(refusal, scope, receive, send)
            return
        await self._within_time(scope, receive, send)

    def _check(self, scope: Scope, headers: Headers) -> None:
        host = headers.get("host", "")
        if not self._gate.names.serves(host):
            raise NotAllowed(
                f"This scheduler is not called {host[:100]!r}.", "Add the name to ALLOWED_HOSTS."
            )
        origin = headers.get("origin")
        own = origin is None or self._gate.names.own_origin(origin, host)
        if scope["type"] == "websocket" and not own:
            raise NotAllowed(
                "A page from elsewhere may not open this link.", "Add it to ALLOWED_ORIGINS."
            )
        self._gate.admit(scope["client_name"], scope.get("method", "GET"), scope["path"])

    async def _within_time(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if scope["type"] != "http" or path == _UPLOAD or _STREAM.fullmatch(path):
            await self._app(scope, receive, send)  # these watch their own progress
            return
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            async with asyncio.timeout(ANSWER_S) as limit:
                await self._app(scope, receive, noted)
        except TimeoutError:
            if begun or not limit.expired():
                raise
            late = Unavailable(f"No answer was found within {ANSWER_S:.0f} seconds.", "Try again.")
            await _refuse(late, scope, receive, send)


def client_of(names: Names, scope: Scope, headers: Headers) -> str:
    """Whose share a request is taken from: who is signed in, else the address it comes from."""
    context = getattr(scope["app"].state, "context", None)
    caller = context.access.caller(headers) if context is not None else None
    if caller is not None:
        return str(caller.address)
    peer = scope.get("client")
    return names.client(peer[0] if peer else "", headers.getlist("x-forwarded-for"))


def token_of(headers: Headers) -> tuple[str, bool]:
    """The session token that came along, "" when there is none; and whether a browser sent it by itself."""
    kind, _, value = headers.get("authorization", "").partition(" ")
    if kind:
        return (value.strip(), False) if kind.lower() == "bearer" else ("-", False)
    try:
        cookies = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return "", True
    morsel = cookies.get(COOKIE)
    return ("" if morsel is None else morsel.value), True


async def _small(scope: Scope, headers: Headers, receive: Receive) -> Receive:
    """The request with its body read already, where it has one that must be small.

    Raises:
        TooLarge, Unavailable: it is not, or does not arrive.
    """
    told = headers.get("content-length")
    if scope["path"] == _UPLOAD or (told is None and "transfer-encoding" not in headers):
        return receive
    if told is not None and not (told.isascii() and told.isdigit()):
        raise InvalidInput("Content-Length is no number.", "Correct it.")
    if told is not None and int(told) > MAX_BODY:
        raise _too_large()
    try:
        async with asyncio.timeout(BODY_S):
            body = await _body(receive)
    except TimeoutError:
        raise Unavailable(f"The body took over {BODY_S:.0f} seconds.", "Send it again.") from None
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if len(body) > MAX_BODY:
            raise _too_large()
        if not message.get("more_body", False):
            return body


def _too_large() -> TooLarge:
    return TooLarge(f"The body is larger than {MAX_BODY // 1024} KiB.", "Send less.")


async def _refuse(error: DraasError, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await problem_of(error)(scope, receive, send)
    else:
        await send({"type": "websocket.close", "code": 4403, "reason": error.message[:100]})

"""What a visitor is told when there is no answer of the service: an RFC 9457 problem document."""

from __future__ import annotations

import json

from starlette.types import Scope, Send

from chain.errors import DraasError, TooMany, Unavailable
from chain.proxy.headers import SANDBOX

PROBLEM = "application/problem+json"
RETRY_S = 2  # after something did not answer


def retry_after(error: DraasError) -> int | None:
    """Seconds after which it is worth asking again; None where that is not known to help."""
    if isinstance(error, TooMany):
        return error.wait_s
    return RETRY_S if isinstance(error, Unavailable) else None


async def refuse(error: DraasError, scope: Scope, send: Send) -> None:
    """Answer a request, or a WebSocket that was not accepted yet."""
    body = json.dumps(
        {
            "type": "about:blank",
            "title": type(error).__name__,
            "status": error.status,
            "detail": error.message,
            "fix": error.fix,
        }
    ).encode()
    headers = [
        (b"content-type", PROBLEM.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"content-security-policy", SANDBOX),
    ]
    if (wait_s := retry_after(error)) is not None:
        headers.append((b"retry-after", str(wait_s).encode()))
    await answer(scope, send, error.status, headers, body)


async def answer(
    scope: Scope, send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    """A whole answer, to a request or instead of a WebSocket."""
    kind = "websocket.http.response" if scope["type"] == "websocket" else "http.response"
    await send({"type": f"{kind}.start", "status": status, "headers": headers})
    await send({"type": f"{kind}.body", "body": body, "more_body": False})

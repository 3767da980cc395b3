"""One visit to a service, a request or a WebSocket, over a pipe that leads to its port."""

from __future__ import annotations

from starlette.types import Receive, Scope, Send

from chain.proxy.http import Asked, Exchange, Patience
from chain.proxy.pipe import Pipe
from chain.proxy.sockets import SocketExchange


async def visit(
    asked: Asked, pipe: Pipe, patience: Patience, scope: Scope, receive: Receive, send: Send
) -> None:
    """Carry it, and let go of the pipe.

    Raises:
        DraasError: nothing was answered yet, and nothing will be.
    """
    try:
        if scope["type"] == "websocket":
            named = scope.get("subprotocols") or []
            await SocketExchange(pipe, asked, patience, named).carry(scope, receive, send)
        else:
            await Exchange(pipe, asked, patience).carry(receive, send)
    finally:
        pipe.close()

"""Who is this machine's owner: whoever asks from the machine itself, by its own name."""

from __future__ import annotations

from fastapi import Request

from chain.errors import NotAllowed

LOOPBACK = {"127.0.0.1", "::1"}
LOCAL_NAMES = {"127.0.0.1", "[::1]", "localhost"}


def owner_only(request: Request) -> None:
    """Let through who is on this machine, and no web page that was led here by name.

    Raises:
        NotAllowed: somebody else asks.
    """
    client = request.client.host if request.client else ""
    server = str((request.scope.get("server") or ("",))[0])
    name = request.headers.get("host", "").rsplit(":", 1)[0]
    if client not in LOOPBACK | {server} or name not in LOCAL_NAMES | {server}:
        raise NotAllowed("Only the owner of this machine may ask.", "Ask from the machine itself.")

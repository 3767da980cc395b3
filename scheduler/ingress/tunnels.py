"""The tunnels of agents at this copy: a second WebSocket of each agent that runs a service, opened by the agent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog
from fastapi import WebSocket, WebSocketDisconnect
from pydantic import ValidationError

from chain.errors import InvalidInput, NotSignedIn, Unavailable
from chain.job import Address
from chain.proxy.mux import Mux, Stream
from chain.tunnel import Open
from chain.wire import Renew
from scheduler.sessions.bucket import Bucket
from scheduler.sessions.session import BAD_MESSAGE, REPLACED, SIGNED_OUT, STOPPING, close
from scheduler.sessions.tokens import Claims

log = structlog.get_logger()
WAIT_S = 3.0  # for an agent that is about to come back
TUNNELS_MOST = 10_000
EMPTY_PER_S, SMALL = 5000.0, 32  # frames; bytes of one that carries next to nothing
RENEWAL = 25_600  # bytes, as which a renewal counts


class Spent:
    """What an agent sends that carries nothing to anybody: so much a second is in order, and more is a flood. What it
    sends to a visitor is held back by the visitor's own pace."""

    def __init__(self) -> None:
        self._bucket = Bucket.full(EMPTY_PER_S, 10 * EMPTY_PER_S, time.monotonic())

    def spend(self, size: int, carries: bool) -> None:
        """For one message.

        Raises:
            InvalidInput: it is a flood.
        """
        cost = 0 if carries and size > SMALL else 1 + (0 if carries else size // 256)
        if cost and self._bucket.take(cost, time.monotonic()) > 0:
            raise InvalidInput("Too many frames carry nothing.")


class Tunnels:
    """One tunnel for each agent that has come here.

    Args:
        read: what a token says; raises NotSignedIn.
    """

    def __init__(self, read: Callable[[str], Claims]) -> None:
        self._read = read
        self._by_agent: dict[Address, tuple[Mux, WebSocket]] = {}
        self._changed = asyncio.Condition()

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._by_agent)

    async def open(self, agent: Address, what: Open) -> Stream:
        """A stream to a port of a run on this agent.

        Raises:
            Unavailable: the agent has no tunnel here, or refuses.
            Broken, TooSlow: it does not answer.
        """
        if agent not in self._by_agent:
            await self._until_here(agent)
        return await self._by_agent[agent][0].open(what)

    async def _until_here(self, agent: Address) -> None:
        try:
            async with asyncio.timeout(WAIT_S), self._changed:
                await self._changed.wait_for(lambda: agent in self._by_agent)
        except TimeoutError:
            raise Unavailable(
                "The agent that runs this service is not connected at present.", "Try again."
            ) from None

    async def serve(self, socket: WebSocket, claims: Claims) -> None:
        """Run the tunnel of an agent that signed in, to its end."""
        await socket.accept()
        agent = claims.address
        if self.count >= TUNNELS_MOST:
            await close(socket, STOPPING, "there are too many tunnels here")
            return
        mux = Mux(_sender(socket))
        old = self._by_agent.pop(agent, None)
        self._by_agent[agent] = (mux, socket)
        async with self._changed:
            self._changed.notify_all()
        if old is not None:
            old[0].close("was replaced")
            await close(old[1], REPLACED, "a newer tunnel of this agent took its place")
        try:
            await self._listen(socket, mux, claims)
        except (InvalidInput, ValidationError) as error:
            await close(socket, BAD_MESSAGE, str(error)[:100])
        except NotSignedIn as error:
            await close(socket, SIGNED_OUT, error.message)
        except WebSocketDisconnect:
            pass
        finally:
            mux.close("has ended")
            if self._by_agent.get(agent, (None,))[0] is mux:
                del self._by_agent[agent]

    async def _listen(self, socket: WebSocket, mux: Mux, claims: Claims) -> None:
        until, spent = claims.expires_at, Spent()
        while True:
            try:
                async with asyncio.timeout(max(0.0, until + 1 - time.time())):
                    message = await socket.receive()
            except TimeoutError:
                raise NotSignedIn("The tunnel's token has run out.") from None
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(message.get("code", 1000))
            data = message.get("bytes")
            if data is not None:
                spent.spend(len(data), mux.take(data))
                continue
            spent.spend(RENEWAL, False)
            renewed = self._read(Renew.model_validate_json(message.get("text") or "").token)
            if renewed.address != claims.address:
                raise NotSignedIn("The token is another agent's.")
            until = max(until, renewed.expires_at)

    async def close(self) -> None:
        """End them all; agents come back to whoever listens next."""
        for mux, socket in list(self._by_agent.values()):
            mux.close("has ended")
            await close(socket, STOPPING, "the scheduler stops")


def _sender(socket: WebSocket) -> Callable[[bytes], Awaitable[None]]:
    async def send(data: bytes) -> None:
        try:
            await socket.send_bytes(data)
        except (WebSocketDisconnect, RuntimeError):
            raise Unavailable("The agent has gone.", "Try again.") from None

    return send

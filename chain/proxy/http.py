"""One HTTP request carried to a service and its answer back, both as they come: nothing is gathered on the way."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import h11
from starlette.types import Receive, Send

from chain.errors import DraasError, InvalidInput
from chain.proxy.headers import Front, Headers, request_headers, response_headers
from chain.proxy.pipe import Broken, Pipe, TooSlow

HEAD_BYTES = 64 * 1024  # that a head of an answer may have


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited, in seconds.

    Args:
        answer: for an answer to begin, since the last piece of the request's body.
        idle: between its pieces, or between messages of a WebSocket.
        taken: for the visitor to take a piece.
    """

    answer: float = 60.0
    idle: float = 300.0
    taken: float = 60.0


@dataclass(frozen=True, slots=True)
class Asked:
    """What the visitor asks of the service.

    Args:
        target: path and query, as the service is to see them.
        headers: as the visitor sent them.
    """

    method: str
    target: bytes
    headers: Headers
    front: Front


class Exchange:
    """One request and its answer over a pipe."""

    def __init__(self, pipe: Pipe, asked: Asked, patience: Patience) -> None:
        self._pipe = pipe
        self._asked = asked
        self._patience = patience
        self._talk = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_BYTES)
        self._for_answer = _within(patience.answer, "The service does not answer.")
        self.begun = False  # the answer, at the visitor

    async def carry(self, receive: Receive, send: Send) -> None:
        """Do it. When the visitor goes, or the service breaks off an answer that has begun, this ends without having
        finished it, and the server cuts the visitor's connection.

        Raises:
            DraasError: there is no answer; nothing was sent to the visitor.
        """
        await self._ask()
        up = asyncio.create_task(self._upload(receive))
        down = asyncio.create_task(self._answer(send))
        try:
            await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
            if not down.done() and not up.result():
                await asyncio.wait({down})  # the service may answer without reading all
            if down.done():
                down.result()
        except DraasError:
            if not self.begun:
                raise
        finally:
            for task in (up, down):
                task.cancel()
            await asyncio.gather(up, down, return_exceptions=True)

    async def _ask(self) -> None:
        asked = self._asked
        headers = [*request_headers(asked.headers, asked.front), (b"connection", b"close")]
        try:
            request = h11.Request(method=asked.method, target=asked.target, headers=headers)
            data = self._talk.send(request)
        except h11.LocalProtocolError as error:
            raise InvalidInput(f"This request cannot be passed on: {error}.") from None
        await self._pipe.write(data or b"")

    async def _upload(self, receive: Receive) -> bool:
        """Pass the body on; True when the visitor has gone, False when the service takes no more."""
        sending = True
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return True
            if not sending:
                continue
            self._for_answer.postpone(self._patience.answer)  # it may want to hear all first
            try:
                if body := message.get("body"):
                    await self._pipe.write(self._talk.send(h11.Data(data=body)) or b"")
                if not message.get("more_body", False):
                    sending = False
                    await self._pipe.write(self._talk.send(h11.EndOfMessage()) or b"")
            except (DraasError, h11.LocalProtocolError):
                return False

    async def _answer(self, send: Send) -> None:
        head = await self._head()
        status = head.status_code
        headers = response_headers(head.headers, self._asked.front)
        self.begun = True
        await self._give(
            send, {"type": "http.response.start", "status": status, "headers": headers}
        )
        while True:
            event = await self._next(self._patience.idle)
            if isinstance(event, h11.Data):
                body = bytes(event.data)
                await self._give(
                    send, {"type": "http.response.body", "body": body, "more_body": True}
                )
            elif isinstance(event, h11.EndOfMessage):
                await self._give(
                    send, {"type": "http.response.body", "body": b"", "more_body": False}
                )
                return
            else:
                raise Broken("The service broke off its answer.")

    async def _head(self) -> h11.Response:
        async with self._for_answer:
            while True:
                event = await self._next(None)
                if isinstance(event, h11.Response):
                    return event
                if not isinstance(event, h11.InformationalResponse) or event.status_code == 101:
                    raise Broken("The service answers with what is no answer.")

    async def _next(self, seconds: float | None) -> object:
        while True:
            try:
                event = self._talk.next_event()
            except h11.RemoteProtocolError as error:
                raise Broken(f"The service answers with what is no HTTP: {error}.") from None
            if event is not h11.NEED_DATA:
                return event
            async with _within(seconds, "The service has fallen silent."):
                self._talk.receive_data(await self._pipe.read())

    async def _give(self, send: Send, message: dict[str, object]) -> None:
        async with _within(self._patience.taken, "The visitor does not take the answer."):
            await send(message)


class _within:
    """At most so many seconds.

    Raises:
        TooSlow: they are over.
    """

    def __init__(self, seconds: float | None, why: str) -> None:
        self._limit = asyncio.timeout(seconds)
        self._why = why
        self._waits = False

    def postpone(self, seconds: float) -> None:
        """Its end: from now on, if it is waited at all."""
        if self._waits and not self._limit.expired():
            self._limit.reschedule(asyncio.get_running_loop().time() + seconds)

    async def __aenter__(self) -> None:
        await self._limit.__aenter__()
        self._waits = True

    async def __aexit__(self, *ended: object) -> None:
        self._waits = False
        try:
            await self._limit.__aexit__(*ended)  # type: ignore[arg-type]
        except TimeoutError:
            raise TooSlow(self._why, "Try again.") from None

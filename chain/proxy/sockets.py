"""One WebSocket carried to a service (RFC 6455): two connections, whose messages pass whole and in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from starlette.types import Receive, Scope, Send
from websockets.client import ClientProtocol
from websockets.datastructures import Headers as SocketHeaders
from websockets.exceptions import InvalidState, InvalidStatus
from websockets.frames import Close, Frame, Opcode
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol
from websockets.uri import WebSocketURI

from chain.errors import DraasError
from chain.proxy.answers import answer
from chain.proxy.headers import Headers, request_headers, response_headers
from chain.proxy.http import Asked, Patience
from chain.proxy.pipe import Broken, Pipe, TooSlow

MAX_MESSAGE = 1024 * 1024  # bytes, from the service
GOING_AWAY, NO_STATUS, ABNORMAL, BAD_GATEWAY = 1001, 1005, 1006, 1014


class SocketExchange:
    """One WebSocket over a pipe."""

    def __init__(
        self, pipe: Pipe, asked: Asked, patience: Patience, subprotocols: Sequence[str]
    ) -> None:
        self._pipe = pipe
        self._asked = asked
        self._patience = patience
        path, _, query = asked.target.decode("latin-1").partition("?")
        uri = WebSocketURI(False, "service", 80, path, query)
        named = [Subprotocol(one) for one in subprotocols]
        self._talk = ClientProtocol(uri, subprotocols=named or None, max_size=MAX_MESSAGE)
        self._gone = False  # the visitor
        self._parts: list[bytes] = []
        self._kind = Opcode.TEXT
        self._stirred = 0.0
        self.begun = False

    async def carry(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Open it and carry messages until either side ends.

        Raises:
            DraasError: it could not be opened; the visitor has no answer yet.
        """
        await receive()  # websocket.connect
        await self._ask()
        try:
            async with asyncio.timeout(self._patience.answer):
                refused = await self._opened()
        except TimeoutError:
            raise TooSlow("The service does not answer.", "Try again.") from None
        if refused is not None:
            self.begun = True
            headers = response_headers(_pairs(refused.headers), self._asked.front)
            kept = [pair for pair in headers if pair[0] != b"content-length"]
            await answer(scope, send, refused.status_code, kept, bytes(refused.body or b""))
            return
        self.begun = True
        await send({"type": "websocket.accept", "subprotocol": self._talk.subprotocol})
        await self._both_ways(receive, send)

    async def _ask(self) -> None:
        request = self._talk.connect()
        headers = SocketHeaders()
        for key, said in request_headers(self._asked.headers, self._asked.front):
            text = key.decode("latin-1")
            if not text.startswith("sec-websocket-") and text != "content-length":
                headers[text] = said.decode("latin-1")
        for name, value in request.headers.raw_items():
            if name.lower() != "host":
                headers[name] = value
        self._talk.send_request(Request(request.path, headers))
        await self._flush()

    async def _opened(self) -> Response | None:
        """None when it is open, else how the service refused."""
        while True:
            await self._hear()
            fault = self._talk.handshake_exc
            if isinstance(fault, InvalidStatus):
                return fault.response
            if fault is not None:
                raise Broken(f"The service opens no WebSocket: {str(fault)[:200]}.")
            if self._talk.state.name == "OPEN":
                return None

    async def _both_ways(self, receive: Receive, send: Send) -> None:
        up = asyncio.create_task(self._up(receive))
        down = asyncio.create_task(self._down(send))
        idle = asyncio.create_task(self._idle())
        tasks = {up, down, idle}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            code, reason = await _first_result(tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if not self._gone:
            await send({"type": "websocket.close", "code": code, "reason": reason})

    async def _up(self, receive: Receive) -> tuple[int, str]:
        """From the visitor, until it closes."""
        while True:
            message = await receive()
            self._stir()
            if message["type"] == "websocket.disconnect":
                self._gone = True
                code = message.get("code") or GOING_AWAY
                with_code = None if code in (NO_STATUS, ABNORMAL) else code
                try:
                    self._talk.send_close(with_code, "")
                except InvalidState:
                    return GOING_AWAY, ""
                await self._flush()
                return GOING_AWAY, ""
            text = message.get("text")
            try:
                if text is not None:
                    self._talk.send_text(text.encode())
                else:
                    self._talk.send_binary(message.get("bytes") or b"")
            except InvalidState:
                await asyncio.sleep(self._patience.answer)  # it is closing: `_down` ends this
                return GOING_AWAY, ""
            await self._flush()

    async def _down(self, send: Send) -> tuple[int, str]:
        """From the service, until it closes."""
        async for opcode, data in self._messages():
            self._stir()
            shown = {"text": data.decode()} if opcode is Opcode.TEXT else {"bytes": data}
            async with asyncio.timeout(self._patience.taken):
                await send({"type": "websocket.send", **shown})
        close = self._talk.close_rcvd
        if close is None:
            return BAD_GATEWAY, "the service broke the connection"
        return _sendable(close), close.reason

    async def _messages(self) -> AsyncIterator[tuple[Opcode, bytes]]:
        while True:
            for event in self._talk.events_received():
                if isinstance(event, Frame) and event.opcode in (
                    Opcode.TEXT, Opcode.BINARY, Opcode.CONT,
                ):  # fmt: skip
                    whole = self._gather(event)
                    if whole is not None:
                        yield self._kind, whole
            if self._talk.close_rcvd is not None or self._talk.state.name == "CLOSED":
                return
            if not await self._hear():
                return

    def _gather(self, frame: Frame) -> bytes | None:
        """A whole message, once its last piece is here."""
        if frame.opcode is not Opcode.CONT:
            self._kind, self._parts = frame.opcode, []
        self._parts.append(bytes(frame.data))
        return b"".join(self._parts) if frame.fin else None

    async def _hear(self) -> bool:
        """Take what comes next; False at the end."""
        data = await self._pipe.read()
        if data:
            self._talk.receive_data(data)
        else:
            self._talk.receive_eof()
        await self._flush()  # pongs
        return bool(data)

    async def _flush(self) -> None:
        for data in self._talk.data_to_send():
            if data:
                await self._pipe.write(data)

    def _stir(self) -> None:
        self._stirred = asyncio.get_running_loop().time()

    async def _idle(self) -> tuple[int, str]:
        """Until nothing has passed for long."""
        self._stir()
        while True:
            left = self._stirred + self._patience.idle - asyncio.get_running_loop().time()
            if left <= 0:
                return GOING_AWAY, "nothing was said for long"
            await asyncio.sleep(left)


async def _first_result(tasks: set[asyncio.Task[tuple[int, str]]]) -> tuple[int, str]:
    for task in tasks:
        if task.done():
            try:
                return task.result()
            except (DraasError, TimeoutError, UnicodeDecodeError):
                return BAD_GATEWAY, "the service broke the connection"
    return GOING_AWAY, ""


def _sendable(close: Close) -> int:
    return 1000 if close.code in (NO_STATUS, ABNORMAL, 1015) else close.code


def _pairs(headers: SocketHeaders) -> Headers:
    return [(n.encode("latin-1"), v.encode("latin-1")) for n, v in headers.raw_items()]

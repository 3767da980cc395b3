"""Requests to a node over HTTP or WebSocket, where silence is `Unavailable` and nothing else.

web3's own WebSocket provider is made for subscriptions: it spins while it waits, and ends for good when the
connection is lost. We only ask and get answers.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

import aiohttp
from web3 import AsyncHTTPProvider
from web3.providers.async_base import AsyncJSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from chain.errors import Unavailable

MAX_ANSWER_BYTES = 64 * 1024 * 1024


class Http(AsyncHTTPProvider):
    """A node over HTTP, with a session of its own: web3's are kept behind one lock of the whole process, which a
    request that is cancelled at the wrong moment leaves locked for ever."""

    global_ccip_read_enabled = False  # a contract must not make us fetch addresses of its choice

    def __init__(self, url: str, timeout_s: float, patience: int = 1) -> None:
        timeout = aiohttp.ClientTimeout(total=timeout_s)
        super().__init__(
            url, request_kwargs={"timeout": timeout}, exception_retry_configuration=None
        )
        self._patience = patience
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def place(self) -> str:
        """The address without what may be secret."""
        return place_of(str(self.endpoint_uri))

    async def _make_request(self, method: RPCEndpoint, request_data: bytes) -> bytes:
        headers = self.get_request_headers()
        session = self._opened()
        async with session.post(str(self.endpoint_uri), data=request_data, headers=headers) as told:
            return await told.read()

    def _opened(self) -> aiohttp.ClientSession:
        """The session of this event loop."""
        loop = asyncio.get_running_loop()
        if self._session is None or self._session.closed or self._loop is not loop:
            connector = aiohttp.TCPConnector(force_close=True)
            self._session = aiohttp.ClientSession(
                connector=connector, timeout=self._timeout, raise_for_status=True
            )
            self._loop = loop
        return self._session

    async def disconnect(self) -> None:
        """Close the session; a second call does nothing."""
        if self._session is not None:
            await self._session.close()

    async def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """Ask, and ask again while patience lasts: every request of ours may be repeated.

        Raises:
            Unavailable: no answer, or none that is JSON.
        """
        for left in reversed(range(self._patience)):
            try:
                return await super().make_request(method, params)
            except (TimeoutError, OSError, aiohttp.ClientError, ValueError) as error:
                if not left:
                    raise silence(str(self.endpoint_uri), error) from None
        raise AssertionError("patience is at least 1")


class Socket(AsyncJSONBaseProvider):
    """A node over WebSocket: connects at the first request, and again after the connection was lost."""

    global_ccip_read_enabled = False  # as `Http`

    def __init__(self, url: str, timeout_s: float) -> None:
        super().__init__()
        self._url = url
        self._timeout_s = timeout_s
        self._connecting = asyncio.Lock()
        self._connection: ClientConnection | None = None
        self._listener: asyncio.Task[None] | None = None
        self._answers: dict[int, asyncio.Future[RPCResponse]] = {}
        self._subscribed: ClientConnection | None = None  # where new heads are told
        self._head = asyncio.Event()  # set at the next one, and then another in its place
        self._heads = 0  # how many were told

    @property
    def place(self) -> str:
        """The address without what may be secret."""
        return place_of(self._url)

    async def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """Ask once.

        Raises:
            Unavailable: no connection, or no answer.
        """
        question = self.encode_rpc_request(method, params)
        number = json.loads(question)["id"]
        answer: asyncio.Future[RPCResponse] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(self._timeout_s):
                connection = await self._connected()
                self._answers[number] = answer
                await connection.send(question.decode())
                return await answer
        except (TimeoutError, OSError, WebSocketException) as error:
            raise silence(self._url, error) from None
        finally:
            self._answers.pop(number, None)

    async def wait_head(self, seconds: float, told: int) -> int:
        """Wait until the node tells of a new head, or the connection ends, at most so long. The node is asked to tell
        once a connection; one that cannot costs the whole wait.

        Args:
            told: what the last call of this reader gave, so that none is missed in between; 0 at first.
        """
        ends = asyncio.get_running_loop().time() + seconds
        if self._subscribed is None or self._subscribed is not self._connection:
            try:
                await self.make_request(RPCEndpoint("eth_subscribe"), ["newHeads"])
            except Unavailable:
                pass  # the wait is the same
            else:
                self._subscribed = self._connection
        if self._heads == told:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(ends):
                    await self._head.wait()
        return self._heads

    def _tell_head(self) -> None:
        self._heads += 1
        self._head.set()
        self._head = asyncio.Event()

    async def disconnect(self) -> None:
        """Close the connection; a second call does nothing."""
        if self._connection is not None:
            await self._connection.close()
        if self._listener is not None:
            await self._listener
        self._connection = self._listener = None

    async def is_connected(self, show_traceback: bool = False) -> bool:
        """Whether there is a connection now."""
        return self._listener is not None and not self._listener.done()

    async def _connected(self) -> ClientConnection:
        async with self._connecting:
            if self._connection is None or self._listener is None or self._listener.done():
                self._connection = await connect(self._url, max_size=MAX_ANSWER_BYTES)
                self._listener = asyncio.create_task(self._listen(self._connection))
            return self._connection

    async def _listen(self, connection: ClientConnection) -> None:
        """Hand each answer to who waits for it, until the connection ends."""
        try:
            async for text in connection:
                self._hand_over(text)
        except WebSocketException:
            pass  # told to whoever waits, below
        self._tell_head()
        for waiting in self._answers.values():
            if not waiting.done():
                waiting.set_exception(ConnectionError("the connection was lost"))

    def _hand_over(self, text: str | bytes) -> None:
        try:
            answer = json.loads(text)
        except ValueError:
            return
        if isinstance(answer, dict) and answer.get("method") == "eth_subscription":
            self._tell_head()
            return
        number = answer.get("id") if isinstance(answer, dict) else None
        waiting = self._answers.get(number) if isinstance(number, int) else None
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)


def place_of(url: str) -> str:
    """A node's address without path, query and password: those of hosted nodes are keys."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.split('/')[0].split('?')[0].rpartition('@')[2]}"


def silence(url: str, error: BaseException) -> Unavailable:
    """The node did not answer."""
    why = type(error).__name__
    if isinstance(error, aiohttp.ClientResponseError):
        why = f"HTTP {error.status}"
    return Unavailable(
        f"The chain's node at {place_of(url)} does not answer ({why}).",
        "Start the node, or set RPC_URL to one that runs.",
    )

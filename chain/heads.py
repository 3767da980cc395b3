"""New blocks, waited for by many at the price of one: pushed over a WebSocket, looked for over HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

from web3 import AsyncWeb3

from chain.errors import Unavailable
from chain.nodes import socket_of
from chain.rpc import NodeRefused, request

LONGEST_S = 1.0  # between two looks of whoever waits, whatever is told


class Heads:
    """The heads of the node in use.

    Args:
        look_s: seconds between two looks at the head's number, where heads are not pushed.
    """

    def __init__(self, w3: AsyncWeb3[Any], look_s: float) -> None:
        self._w3 = w3
        self._look_s = look_s
        self._told = 0
        self._number = ""
        self._looking: asyncio.Task[None] | None = None
        self._waiting = 0

    async def wait(self, seconds: float) -> None:
        """Wait until there may be a new block, at most so long. One that came since the last wait counts.
        Nobody looks while nobody waits."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._next())
        looking = self._looking
        self._waiting += 1
        try:
            await asyncio.wait({looking}, timeout=seconds)
        finally:
            self._waiting -= 1
            if not self._waiting:
                looking.cancel()

    async def _next(self) -> None:
        socket = socket_of(self._w3)
        if socket is not None:
            self._told = await socket.wait_head(LONGEST_S, self._told)
            return
        loop = asyncio.get_running_loop()
        ends = loop.time() + LONGEST_S
        while not await self._moved():
            if loop.time() > ends:
                return
            await asyncio.sleep(self._look_s)

    async def _moved(self) -> bool:
        try:
            number = await request(self._w3, "eth_blockNumber")
        except (Unavailable, NodeRefused):
            return False
        before, self._number = self._number, number
        return bool(before != number)

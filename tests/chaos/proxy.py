"""A part's way to the chain: a TCP proxy that can be cut, closed or made to stall."""

from __future__ import annotations

import asyncio
from typing import Literal

CHUNK = 64 * 1024
Mood = Literal["open", "refuse", "stall"]


class Proxy:
    """Passes bytes on between one part and the chain's node.

    Args:
        port: of the node on this machine.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._mood: Mood = "open"
        self._goes_on = asyncio.Event()
        self._goes_on.set()
        self.url = ""

    async def start(self) -> None:
        """Listen at a free port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"

    def set_mood(self, mood: Mood) -> None:
        """From now on: pass on, refuse, or take and say nothing."""
        self._mood = mood
        if mood == "stall":
            self._goes_on.clear()
        else:
            self._goes_on.set()
        if mood == "refuse":
            self.cut()

    def cut(self) -> None:
        """Close all connections at once, whatever is under way on them."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def stop(self) -> None:
        """Listen no more."""
        self.cut()
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._mood == "refuse":
            writer.transport.abort()
            return
        self._writers.add(writer)
        try:
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            self._close(writer)
            return
        self._writers.add(inner_writer)
        ways = (self._pass_on(reader, inner_writer), self._pass_on(inner_reader, writer))
        await asyncio.gather(*ways)
        for one in (writer, inner_writer):
            self._close(one)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(CHUNK):
                await self._goes_on.wait()
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    def _close(self, writer: asyncio.StreamWriter) -> None:
        self._writers.discard(writer)
        writer.close()

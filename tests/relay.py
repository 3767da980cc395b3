"""Stands between a client and a service, and lets the service fail: silent, broken off, or answering nonsense."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Literal

ERROR_500 = (
    b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\n"
    b'Content-Length: 21\r\nConnection: close\r\n\r\n{"message": "broken"}'
)
A_PAGE = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 17\r\n"
    b"Connection: close\r\n\r\n<html>hi</html>\r\n"
)


class Relay:
    """Listens in place of a service.

    Args:
        target: a Unix socket, or host and port.

    Attributes:
        mode: how connections from now on fare.
        answers: what is said instead to requests that contain a text; those never reach the service.
    """

    def __init__(self, target: Path | tuple[str, int]) -> None:
        self._target = target
        self._writers: set[asyncio.StreamWriter] = set()
        self.mode: Literal["pass", "hang", "refuse"] = "pass"
        self.answers: dict[bytes, bytes] = {}
        self.asked: list[bytes] = []  # the beginning of every request

    def count(self, part: bytes) -> int:
        """How many requests had this in their first line."""
        return sum(part in request.split(b"\r\n")[0] for request in self.asked)

    def cut(self) -> None:
        """Break off every connection that is open."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self._writers.add(writer)
        with suppress(OSError):
            await self._serve(reader, writer)
        self._writers.discard(writer)
        writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mode == "refuse":
            return
        if self.mode == "hang":
            await asyncio.sleep(3600)
        if isinstance(self._target, Path):
            back, forth = await asyncio.open_unix_connection(self._target)
        else:
            back, forth = await asyncio.open_connection(*self._target)
        self._writers.add(forth)

        def instead(request: bytes) -> bytes | None:
            self.asked.append(request[:400])
            first = request.split(b"\r\n")[0]
            return next((said for part, said in self.answers.items() if part in first), None)

        up = asyncio.create_task(_pump(reader, forth, instead, writer))
        down = asyncio.create_task(_pump(back, writer))
        try:  # whoever goes first, the other is told
            await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            up.cancel()
            down.cancel()
            self._writers.discard(forth)
            forth.close()


async def _pump(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    instead: Callable[[bytes], bytes | None] | None = None,
    asker: asyncio.StreamWriter | None = None,
) -> None:
    with suppress(OSError):
        while chunk := await reader.read(65536):
            said = instead(chunk) if instead and b" HTTP/1.1\r\n" in chunk[:4000] else None
            if said is not None and asker is not None:
                asker.write(said)
                await asker.drain()
                return
            writer.write(chunk)
            await writer.drain()


@asynccontextmanager
async def engine_relay(folder: Path) -> AsyncIterator[tuple[Relay, str]]:
    """In front of the Docker Engine; with its DOCKER_HOST."""
    relay = Relay(Path("/var/run/docker.sock"))
    socket = folder / "engine.sock"
    server = await asyncio.start_unix_server(relay.serve, socket)
    try:
        yield relay, f"unix://{socket}"
    finally:
        server.close()
        relay.cut()


@asynccontextmanager
async def tcp_relay(host: str, port: int) -> AsyncIterator[tuple[Relay, int]]:
    """In front of a service at a TCP port; with the port at which it listens instead."""
    relay = Relay((host, port))
    server = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
    try:
        yield relay, int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        relay.cut()

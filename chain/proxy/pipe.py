"""A stream of bytes to a port of a container: a socket on the agent, a stream of its tunnel at the scheduler."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Protocol

from chain.errors import DraasError, Unavailable

CHUNK = 64 * 1024
CONNECT_S = 5.0


class Broken(DraasError):
    """The service ended the connection, or says what is no HTTP."""

    status = 502


class TooSlow(DraasError):
    """The service, or who asks it, takes too long."""

    status = 504


class Pipe(Protocol):
    """Both ways, with back-pressure: a write waits until it is taken."""

    async def read(self) -> bytes:
        """The next bytes; b"" at the end.

        Raises:
            Broken: it was cut.
        """
        ...

    async def write(self, data: bytes) -> None:
        """Send all of it.

        Raises:
            Broken: it was cut.
        """
        ...

    async def write_eof(self) -> None:
        """Nothing more is sent."""
        ...

    def close(self) -> None:
        """Let go of it, both ways. No error when it is over already."""
        ...


class SocketPipe:
    """A TCP connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self) -> bytes:
        """As `Pipe`."""
        try:
            return await self._reader.read(CHUNK)
        except OSError as error:
            raise _cut(error) from None

    async def write(self, data: bytes) -> None:
        """As `Pipe`."""
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError as error:
            raise _cut(error) from None

    async def write_eof(self) -> None:
        """As `Pipe`."""
        with contextlib.suppress(OSError):
            self._writer.write_eof()

    def close(self) -> None:
        """As `Pipe`."""
        self._writer.close()


async def connect(host: str, port: int) -> SocketPipe:
    """Connect.

    Raises:
        Unavailable: nothing listens there.
    """
    try:
        async with asyncio.timeout(CONNECT_S):
            return SocketPipe(*await asyncio.open_connection(host, port, limit=CHUNK))
    except (OSError, TimeoutError):
        raise Unavailable(
            f"The service does not listen on port {port}.", "Wait until it has started."
        ) from None


async def join(one: Pipe, other: Pipe) -> None:
    """Carry bytes both ways until both have ended, or either is cut; then both are closed."""

    async def copy(source: Pipe, target: Pipe) -> None:
        while data := await source.read():
            await target.write(data)
        await target.write_eof()

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(copy(one, other))
            group.create_task(copy(other, one))
    except* DraasError:
        pass
    finally:
        one.close()
        other.close()


def _cut(error: OSError) -> Broken:
    return Broken(f"The service broke the connection: {error.strerror or type(error).__name__}.")

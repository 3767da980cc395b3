"""A forward proxy with a list of places: plain HTTP by absolute address, all else through CONNECT (RFC 9110, 9.3.6).

It speaks for one build. What is not on the list is answered with 403, and told in the build's log.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from chain.errors import DraasError, InvalidInput, Unavailable
from scheduler.images.allow import Place, check_place, reachable
from scheduler.images.build_log import BuildLog

HEAD_BYTES = 32 * 1024
HEAD_S = 30
DIAL_S = 20
AT_ONCE = 64
CHUNK = 64 * 1024
_OURS = ("connection", "proxy-connection", "proxy-authorization", "keep-alive", "te", "upgrade")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request's target, and the head to pass on; a tunnel passes none on."""

    host: str
    port: int
    head: bytes


@asynccontextmanager
async def serving(
    listener: socket.socket, allowed: Sequence[Place], log: BuildLog
) -> AsyncIterator[None]:
    """Serve on a socket that listens already, until the block ends; then every connection is cut. One too many is cut
    at once: connections are this process's own files."""
    under_way: set[asyncio.Task[None]] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _answer(reader, writer, allowed, log)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # either side went: the other sees it
        finally:
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(under_way) >= AT_ONCE:
            writer.transport.abort()
            return
        task = asyncio.create_task(answer(reader, writer))
        under_way.add(task)
        task.add_done_callback(under_way.discard)

    server = await asyncio.start_server(accept, sock=listener, limit=HEAD_BYTES)
    try:
        yield
    finally:
        server.close()
        left = list(under_way)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


async def _answer(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    allowed: Sequence[Place],
    log: BuildLog,
) -> None:
    async with asyncio.timeout(HEAD_S):
        head = await reader.readuntil(b"\r\n\r\n")
    try:
        asked = read_head(head)
        check_place(allowed, asked.host, asked.port)
        there_reader, there = await _dial(asked)
    except DraasError as error:
        log.add(f"network: {error.message}\n")
        writer.write(_refusal(error))
        await writer.drain()
        return
    try:
        if asked.head:
            there.write(asked.head)
        else:
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await writer.drain()
        await _both_ways((reader, writer), (there_reader, there))
    finally:
        there.close()


def _refusal(error: DraasError) -> bytes:
    status = b"502 Bad Gateway" if isinstance(error, Unavailable) else b"403 Forbidden"
    said = error.message.encode()
    length = b"Content-Length: %d" % len(said)
    return b"\r\n".join([b"HTTP/1.1 " + status, b"Connection: close", length, b"", said])


def read_head(head: bytes) -> Asked:
    """A request's head as a client sends it to a proxy. One request a connection: the answer ends with it.

    Raises:
        InvalidInput: it is not meant for a proxy, or cannot be read.
    """
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise InvalidInput("This is no request to a proxy.")
    method, target, version = words
    try:
        if method == "CONNECT":
            url = urlsplit(f"//{target}")
            return Asked(_host(url.hostname), url.port or 443, b"")
        url = urlsplit(target)
        host, port = _host(url.hostname), url.port or 80
    except ValueError:
        raise InvalidInput("This is no address.") from None
    if url.scheme.lower() != "http":
        raise InvalidInput("This is no request to a proxy.")
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    kept = [line for line in lines[1:-2] if line.partition(":")[0].strip().lower() not in _OURS]
    at = host if port == 80 else f"{host}:{port}"
    kept = [line for line in kept if not line.lower().startswith("host:")]
    passed = [f"{method} {path} {version}", f"Host: {at}", *kept, "Connection: close", "", ""]
    return Asked(host, port, "\r\n".join(passed).encode("latin-1"))


def _host(host: str | None) -> str:
    if not host or not host.isascii():
        raise InvalidInput("This is no address.")
    return host.lower().rstrip(".")


async def _dial(asked: Asked) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Resolve once, and dial what was looked at: an answer that changes meanwhile changes nothing.

    Raises:
        NotAllowed: the name is at no public address.
        Unavailable: nobody answers there.
    """
    loop = asyncio.get_running_loop()
    why = ""
    try:
        async with asyncio.timeout(DIAL_S):
            found = await loop.getaddrinfo(asked.host, asked.port, type=socket.SOCK_STREAM)
            for address in reachable(asked.host, [str(one[4][0]) for one in found]):
                try:
                    return await asyncio.open_connection(address, asked.port)
                except OSError as error:
                    why = f" ({error.strerror})"
    except (OSError, TimeoutError):
        pass
    raise Unavailable(f"{asked.host}:{asked.port} does not answer{why}.")


Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _both_ways(here: Ends, there: Ends) -> None:
    """Until the far side ends; the build's own time bounds it."""
    up = asyncio.create_task(_copy(here[0], there[1]))
    try:
        await _copy(there[0], here[1])
    finally:
        up.cancel()
        await asyncio.gather(up, return_exceptions=True)


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(CHUNK):
        sink.write(data)
        await sink.drain()
    with suppress(OSError):
        sink.write_eof()

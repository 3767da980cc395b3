"""The agent's tunnels: while it has a service, one to each scheduler it is told of, opened by it.

They are apart from the link so that no visitor's download delays a heartbeat or a log line; and there is one to every
copy of the scheduler, so that each of them can answer a visitor by itself.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from agent.link.link import RENEW_AT, Link
from agent.link.outbound import DICE, first_of, outbound, pause_s
from agent.link.signin import Signed
from agent.serve.dial import Dialer
from chain.errors import DraasError, TooMany, Unavailable
from chain.proxy.mux import Mux, Stream
from chain.proxy.pipe import join
from chain.tunnel import MAX_FRAME, Open
from chain.wire import Renew

log = structlog.get_logger()
LOST = (ConnectionClosed, InvalidHandshake, InvalidURI, OSError, TimeoutError, DraasError)
IDLE_S = 10.0  # without a service, after which the tunnel is closed


class Tunnels:
    """Keeps them."""

    def __init__(self, urls: tuple[str, ...], link: Link, dialer: Dialer) -> None:
        self._urls = urls
        self._link = link
        self._dialer = dialer
        self._news = asyncio.Event()  # a new one after each step

    def changed(self) -> None:
        """A run has taken a step."""
        self._news.set()
        self._news = asyncio.Event()

    async def work(self) -> None:
        """Keep them, for ever."""
        await asyncio.gather(*(self._keep(url) for url in self._urls))

    async def _keep(self, url: str) -> None:
        failures = 0
        while True:
            while not self._dialer.services():
                await self._news.wait()
            began, least = time.monotonic(), 0.0
            try:
                await self._serve(url)
                failures = 0
                continue
            except TooMany as error:
                least = error.wait_s
            except LOST as error:
                log.info("tunnel.lost", scheduler=url, error=str(error)[:200])
            except Exception:
                log.exception("tunnel.failed")
            failures = 1 if time.monotonic() - began > 30 else failures + 1
            await asyncio.sleep(pause_s(failures, 1, least, DICE.random()))

    async def _serve(self, url: str) -> None:
        """One tunnel, until it breaks or there has been no service for a while."""
        signed = await self._link.session(url)
        async with outbound(url, "tunnel", signed.token, MAX_FRAME) as socket:
            mux = Mux(_sender(socket), self._accept)
            log.info("tunnel.open", url=url)
            try:
                await first_of(
                    self._listen(socket, mux), self._renew(url, socket, signed), self._needed()
                )
            finally:
                mux.close("has ended")

    async def _listen(self, socket: ClientConnection, mux: Mux) -> None:
        async for data in socket:
            if isinstance(data, bytes):
                mux.take(data)

    async def _accept(self, stream: Stream, what: Open) -> None:
        run = self._dialer.get(what.job_id, what.attempt)
        async with self._dialer.dial(run, what.port) as pipe:
            stream.accept()
            await join(stream, pipe)

    async def _renew(self, url: str, socket: ClientConnection, signed: Signed) -> None:
        """Show a newer token before the one that was shown ends."""
        while True:
            await asyncio.sleep(max(1.0, (signed.ends - time.monotonic()) * RENEW_AT))
            try:
                signed = await self._link.session(url, newer_than=signed)
            except DraasError as error:
                log.warning("tunnel.renewal", error=str(error))  # tried again while it lasts
                continue
            await socket.send(Renew(token=signed.token).model_dump_json())

    async def _needed(self) -> None:
        """Until there has been no service for a while."""
        last = time.monotonic()
        while time.monotonic() - last < IDLE_S:
            await asyncio.sleep(IDLE_S / 4)
            if self._dialer.services():
                last = time.monotonic()


def _sender(socket: ClientConnection) -> Callable[[bytes], Awaitable[None]]:
    async def send(data: bytes) -> None:
        try:
            await socket.send(data)
        except ConnectionClosed:
            raise Unavailable("The scheduler has gone.") from None

    return send

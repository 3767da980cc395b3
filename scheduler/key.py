"""The key among several schedulers that share it: one of them sends at a time, and another takes over when it dies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from chain.calls import Call
from chain.errors import Conflict, DraasError, Unavailable
from chain.journal_place import KeyLost
from chain.sender import WATCH_S, Receipt, Sender

log = structlog.get_logger()
AGAIN_S = 1.0  # after which a key that another holds is asked for again
CHECK_S = 4.0  # a shared key is lost to 15 seconds of silence


class Elsewhere(Conflict):
    """Another process holds the key; what is to be sent is for that one."""


class Key:
    """Sends with the key whenever this process holds it.

    Args:
        opened: takes the key, or raises `Conflict` when another process has it.
    """

    def __init__(self, opened: Callable[[], Sender]) -> None:
        self._opened = opened
        self._sender: Sender | None = None
        self._turn = asyncio.Lock()
        self._again_at = 0.0

    @property
    def is_held(self) -> bool:
        """Whether this process is the one that sends."""
        return self._sender is not None

    async def send(self, call: Call, name: str) -> Receipt:
        """As `Sender.send`.

        Raises:
            Elsewhere: another process holds the key.
            KeyLost: it was lost on the way; the transaction stays under way, and whoever has the key goes on.
        """
        sender = await self.take()
        try:
            return await sender.send(call, name)
        except KeyLost:
            await self._let_go(sender)
            raise

    async def take(self) -> Sender:
        """The sender, of a key that is held from here on.

        Raises:
            Elsewhere: another process holds it.
            Unavailable: the journal's database does not answer.
        """
        async with self._turn:
            if self._sender is not None:
                return self._sender
            now = asyncio.get_running_loop().time()
            if now < self._again_at:
                raise Elsewhere("Another process sends with the key.")
            try:
                self._sender = await asyncio.to_thread(self._opened)
            except Conflict as error:
                self._again_at = now + AGAIN_S
                raise Elsewhere(error.message, error.fix) from None
            log.info("key.taken")
            return self._sender

    async def keep(self) -> None:
        """Ask for the key again and again while it is held: silence would lose it, and a loss is noticed."""
        while True:
            await asyncio.sleep(CHECK_S)
            sender = self._sender
            if sender is None:
                continue
            try:
                await sender.check()
            except KeyLost:
                await self._let_go(sender)
            except Unavailable as error:
                log.warning("key.degraded", error=str(error))

    async def watch(self) -> None:
        """Look after what was sent with the key, for ever; whichever process holds it does."""
        while True:
            try:
                sender = await self.take()
                await self._tend(sender)
            except Elsewhere:
                pass
            except DraasError as error:  # of the node or the database, which costs time only
                log.info("key.waits", error=error.message)
            await asyncio.sleep(WATCH_S)

    async def _tend(self, sender: Sender) -> None:
        try:
            await sender.tend()
        except KeyLost:
            await self._let_go(sender)

    async def close(self) -> None:
        """Let the key go, for another to take."""
        sender, self._sender = self._sender, None
        if sender is not None:
            await asyncio.to_thread(sender.close)

    async def _let_go(self, sender: Sender) -> None:
        async with self._turn:
            if self._sender is sender:
                log.warning("key.lost")
                await self.close()

"""Hints from one scheduler to the others that share its PostgreSQL, by LISTEN and NOTIFY.

They are hints as those inside a process are: lost ones cost a second, since every loop looks again by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator

import psycopg
import structlog
from psycopg.conninfo import make_conninfo

from chain.journal_postgres import PATIENCE
from scheduler.signals import EVERYTHING, Signals

log = structlog.get_logger()
CHANNEL = "draas"
GATHER_S = 0.02  # what is said within goes together
RETRY_S = 1.0
MAX_BYTES = 7900  # PostgreSQL takes 8000
MAX_NAMES = 1000  # at once; more are told as everything


class Notices:
    """Carries names both ways while it runs.

    Args:
        url: a postgresql:// address.
        me: the process's name, by which it knows its own notices.
        signals: whose names are carried.
    """

    def __init__(self, url: str, me: str, signals: Signals) -> None:
        self._address = make_conninfo(url, application_name="draas-notices", **PATIENCE)
        self._me = me
        self._signals = signals
        self._pending: dict[str, None] = {}  # in order, each once
        self._spoken = asyncio.Event()
        signals.carry = self._note

    async def run(self) -> None:
        """Until cancelled; a server that does not answer is tried again."""
        await asyncio.gather(self._keep(self._hear), self._keep(self._tell))

    def _note(self, names: Iterable[str]) -> None:
        self._pending.update(dict.fromkeys(names))
        self._spoken.set()

    async def _keep(self, talk: Callable[[psycopg.AsyncConnection], Awaitable[None]]) -> None:
        while True:
            try:
                async with await self._connect() as connection:
                    await talk(connection)
            except psycopg.Error as error:
                log.warning("notices.degraded", error=str(error))
            await asyncio.sleep(RETRY_S)

    async def _hear(self, connection: psycopg.AsyncConnection) -> None:
        await connection.execute(f"LISTEN {CHANNEL}".encode())
        self._signals.hear([EVERYTHING])  # what was said meanwhile is not known
        async for notice in connection.notifies():
            sender, *names = notice.payload.split(" ")
            if sender != self._me:
                self._signals.hear(names)

    async def _tell(self, connection: psycopg.AsyncConnection) -> None:
        while True:
            await self._spoken.wait()
            await asyncio.sleep(GATHER_S)
            await self._flush(connection)

    async def _flush(self, connection: psycopg.AsyncConnection) -> None:
        self._spoken.clear()
        names, self._pending = list(self._pending), {}
        if len(names) > MAX_NAMES:
            names = [EVERYTHING]
        parts = list(payloads(self._me, names))
        query = "SELECT pg_notify(%s, part) FROM unnest(%s::text[]) AS part"
        try:
            await connection.execute(query, (CHANNEL, parts))
        except psycopg.Error:
            self._note([EVERYTHING])  # what was to be said is said again as that
            raise

    async def _connect(self) -> psycopg.AsyncConnection:
        return await psycopg.AsyncConnection.connect(self._address, autocommit=True)


def payloads(me: str, names: Iterable[str]) -> Iterator[str]:
    """The names behind the sender's, in as few messages as PostgreSQL's limit allows."""
    text = me
    for name in names:
        if len(text) + 1 + len(name) > MAX_BYTES:
            yield text
            text = me
        text += " " + name
    if text != me:
        yield text

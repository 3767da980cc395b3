"""Heartbeats: kept in memory as they come, and written about once a second, many in each transaction.

The same look ends sessions that are silent, whose token has run out, or whose agent went to another copy, and
notices agents that no copy hears any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from chain.clock import ChainClock, unix_ms
from scheduler.rows.batch import NO_ANSWER
from scheduler.rows.database import Store
from scheduler.rows.store import oldest_live_ms, silence_ms
from scheduler.sessions import links
from scheduler.sessions.doors import write_news
from scheduler.sessions.session import REPLACED, SIGNED_OUT, SILENT, Session, close
from scheduler.sessions.sightings import any_watched, note_sightings
from scheduler.sessions.witness import beats_of
from scheduler.signals import AGENTS, Signals

log = structlog.get_logger()
FLUSH_S = 1.0
ELSEWHERE_EVERY = 5  # flushes, between looks at whether sessions went to another copy
AGENTS_AT_ONCE = 200


class Beats:
    """Writes heartbeats.

    Args:
        me: this copy's name.
        sessions: those of this copy, now.
    """

    def __init__(
        self,
        me: str,
        store: Store,
        signals: Signals,
        clock: ChainClock,
        heartbeat_s: int,
        sessions: Callable[[], list[Session]],
    ) -> None:
        self._me = me
        self._store = store
        self._signals = signals
        self._clock = clock
        self._heartbeat_s = heartbeat_s
        self._sessions = sessions
        self._looks = 0

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await asyncio.sleep(FLUSH_S)
            try:
                await self.flush()
                await self._lose()
                await self._let_go()
            except NO_ANSWER as error:
                log.warning("beats.postponed", error=str(error)[:300])
            await self._end_sessions()

    async def flush(self) -> None:
        """Write what changed since the last time, some agents in each transaction: others write in between."""
        heard = [session for session in self._sessions() if session.heard]
        for start in range(0, len(heard), AGENTS_AT_ONCE):
            part = heard[start : start + AGENTS_AT_ONCE]
            await self._write(part)
            telling = [session for session in part if session.news]
            await write_news(telling, self._store, self._signals, self._clock)

    async def _write(self, heard: list[Session]) -> None:
        for session in heard:
            session.heard = False
        try:
            async with self._store.write() as tx:
                await links.beat(tx, self._me, heard)
                await self._sight(tx, heard)
        except NO_ANSWER:
            for session in heard:
                session.heard = True
            raise

    async def _sight(self, tx: AsyncConnection, heard: list[Session]) -> None:
        """Keep what heartbeats say of runs that are watched."""
        if not await any_watched(tx):
            return
        told = ((one.agent, one.heartbeat) for one in heard if one.heartbeat is not None)
        beats = [beat for agent, heartbeat in told for beat in beats_of(agent, heartbeat)]
        await note_sightings(tx, beats, unix_ms(), silence_ms(self._heartbeat_s))

    async def _lose(self) -> None:
        """Notice agents that are silent, whichever copy they were at."""
        oldest = oldest_live_ms(unix_ms(), self._heartbeat_s)
        async with self._store.read() as tx:
            gone = await links.silent(tx, oldest)
        if not gone:
            return
        async with self._store.write() as tx:
            await links.lose(tx, gone, oldest, self._clock.now())
        log.info("agents.silent", agents=gone)
        self._signals.notify(AGENTS, "work")

    async def _let_go(self) -> None:
        """End the sessions of agents that went to another copy."""
        self._looks += 1
        if self._looks % ELSEWHERE_EVERY:
            return
        here = self._sessions()
        async with self._store.read() as tx:
            gone = await links.elsewhere(tx, self._me, [session.agent for session in here])
        for session in here:
            if session.agent in gone:
                await close(session.socket, REPLACED, "the agent has a session elsewhere")

    async def _end_sessions(self) -> None:
        now_ms = unix_ms()
        oldest = oldest_live_ms(now_ms, self._heartbeat_s)
        for session in self._sessions():
            if session.expires_at * 1000 + 999 < now_ms:
                await close(session.socket, SIGNED_OUT, "the session's token has run out")
            elif session.last_seen_ms < oldest and not session.held_back:
                await close(session.socket, SILENT, "no heartbeat for three of its intervals")

"""Agents come, go, and answer offers: written at once, and together with whoever comes at the same moment, so that
a thousand agents that all come back cost a few transactions."""

from __future__ import annotations

import asyncio

import structlog

from chain.clock import ChainClock, unix_ms
from chain.wire import Welcome, run_key
from scheduler.rows.batch import NO_ANSWER
from scheduler.rows.database import Store
from scheduler.sessions import links
from scheduler.sessions.lines import cursors_of
from scheduler.sessions.session import NO_ROWS, Refusal, RunId, Session
from scheduler.signals import AGENTS, CLAIMS, JOBS, Signals

log = structlog.get_logger()
AT_ONCE = 500


class Doors:
    """Writes who is here.

    Args:
        me: this copy's name.
    """

    def __init__(self, me: str, store: Store, signals: Signals, clock: ChainClock) -> None:
        self._me = me
        self._store = store
        self._signals = signals
        self._clock = clock
        self._hint = asyncio.Event()
        self._coming: dict[Session, asyncio.Future[None]] = {}
        self._going: set[Session] = set()
        self._answering: set[Session] = set()

    async def enter(self, session: Session, heartbeat_s: int) -> Welcome:
        """Write that an agent is here; where the logs of the runs that it named are stored up to.

        Raises:
            Refusal: the rows cannot be written just now.
        """
        written = asyncio.get_running_loop().create_future()
        self._coming[session] = written
        self._hint.set()
        try:
            await written
        finally:
            self._coming.pop(session, None)
        asked = [_run_of(key) for key in session.hello.runs]
        found = {}
        if asked:
            async with self._store.read() as tx:
                found = await cursors_of(tx, session.agent, asked)
        cursors = {run_key(*run): seq for run, seq in found.items()}
        return Welcome(heartbeat_s=heartbeat_s, cursors=cursors)

    def leave(self, session: Session) -> None:
        """An agent has gone in good order."""
        self._going.add(session)
        self._hint.set()

    def answered(self, session: Session) -> None:
        """An agent has answered offers."""
        self._answering.add(session)
        self._hint.set()

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self._hint.wait()
            self._hint.clear()
            try:
                await self._come_and_go()
                await self._answer()
            except NO_ANSWER as error:
                log.warning("doors.postponed", error=str(error)[:300])
                await asyncio.sleep(1)
                self._hint.set()

    async def _come_and_go(self) -> None:
        coming = list(self._coming)[:AT_ONCE]
        going, self._going = self._going, set()
        if not coming and not going:
            return
        now = self._clock.now()
        try:
            async with self._store.write() as tx:
                if going:
                    await links.leave(tx, self._me, [one.agent for one in going], now)
                if coming:
                    await links.enter(tx, self._me, coming, now)
        except NO_ANSWER:
            for session in coming:
                self._done(session, Refusal(NO_ROWS, "the database does not answer"))
            raise
        for session in coming:
            self._done(session, None)
        if self._coming:
            self._hint.set()
        self._signals.notify(AGENTS, "work")

    def _done(self, session: Session, fault: Refusal | None) -> None:
        written = self._coming.pop(session, None)
        if written is None or written.done():
            return
        if fault is None:
            written.set_result(None)
        else:
            written.set_exception(fault)

    async def _answer(self) -> None:
        answering, self._answering = self._answering, set()
        await write_news(list(answering), self._store, self._signals, self._clock)


async def write_news(
    sessions: list[Session], store: Store, signals: Signals, clock: ChainClock
) -> None:
    """Write what these sessions told of their runs, a fair part of each."""
    taken = [(session, links.take_news(session)) for session in sessions]
    if not any(news for _, news in taken):
        return
    try:
        async with store.write() as tx:
            flat = [item for _, news in taken for item in news]
            noted = await links.note_statuses(tx, flat, clock.now(), unix_ms())
    except NO_ANSWER:
        for session, news in taken:
            links.put_back(session, news)
        raise
    links.mark_written(sessions, noted)
    names = {f"{JOBS}{item.run[0]}" for item in noted}
    if any(item.answered for item in noted):
        names.add("work")
    if any(item.status.phase == "starting" for item in noted):
        names.add(CLAIMS)
    signals.notify(*sorted(names))


def _run_of(key: str) -> RunId:
    job, _, attempt = key.partition("/")
    return job, int(attempt)

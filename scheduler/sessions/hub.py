"""The agents' sessions at this copy: heartbeats, answers and log lines up, offers and wake-ups down.

An agent signs in over HTTP (`scheduler.sessions.login`), then opens one WebSocket with its token. What it says is
believed about itself and its own runs only.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog
from fastapi import WebSocket, WebSocketDisconnect

from chain.clock import ChainClock, unix_ms
from chain.errors import DraasError
from chain.instruments import counter
from chain.job import Address
from chain.link_messages import AgentMessage, Metered
from chain.wire import (
    Heartbeat,
    Hello,
    LogLines,
    ProbeAnswer,
    Renew,
    RunUpdate,
    Wire,
)
from scheduler.rows.batch import NO_ANSWER
from scheduler.rows.database import Store
from scheduler.rows.store import oldest_live_ms
from scheduler.sessions.beats import Beats
from scheduler.sessions.deliver import Delivery
from scheduler.sessions.doors import Doors
from scheduler.sessions.intake import Intake
from scheduler.sessions.login import Logins
from scheduler.sessions.session import (
    BAD_MESSAGE,
    NO_ROWS,
    REPLACED,
    SIGNED_OUT,
    SILENT,
    STOPPING,
    Refusal,
    Session,
    close,
    read,
    receive,
)
from scheduler.sessions.tokens import Claims
from scheduler.sessions.trails import Trails
from scheduler.signals import Signals

log = structlog.get_logger()
HELLO_S = 10.0
SESSIONS_MOST = 10_000
IN_GOOD_ORDER = (1000, 1001)  # close codes of an agent that stops


class Hub:
    """All sessions of this process.

    Args:
        me: this copy's name, as rows say who holds a session.
        max_log_bytes: that one run's log may have.
        url_of: where a job's service is reached.

    `on_answer` takes the answers to probes.
    """

    def __init__(
        self,
        me: str,
        logins: Logins,
        store: Store,
        signals: Signals,
        clock: ChainClock,
        heartbeat_s: int,
        max_log_bytes: int,
        url_of: Callable[[str], str] = lambda _: "",
    ) -> None:
        self.logins = logins
        self.on_answer: Callable[[Session, ProbeAnswer], Awaitable[None]] = _pass_over
        self._heartbeat_s = heartbeat_s
        self._signals = signals
        self._sessions: dict[Address, Session] = {}
        self.heartbeats = counter("draas_heartbeats_total", "Heartbeats taken from agents.")
        self._doors = Doors(me, store, signals, clock)
        self.intake = Intake(store, signals, max_log_bytes)
        self.trails = Trails(signals, self.send)
        self._beats = Beats(me, store, signals, clock, heartbeat_s, self.sessions)
        self._delivery = Delivery(me, store, signals, clock, self._sessions, url_of)

    def sessions(self) -> list[Session]:
        """Every session of this copy."""
        return list(self._sessions.values())

    def live(self) -> list[Session]:
        """Sessions that were heard from lately."""
        oldest = oldest_live_ms(unix_ms(), self._heartbeat_s)
        return [session for session in self._sessions.values() if session.last_seen_ms >= oldest]

    def send(self, agent: Address, message: Wire) -> bool:
        """Send to an agent soon; False when it is not connected here, or takes nothing."""
        session = self._sessions.get(agent)
        return session is not None and session.post(message)

    async def run(self) -> None:
        """Everything that goes on beside the sessions themselves, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for loop in (
                self._doors.run(),
                self.intake.run(),
                self._beats.run(),
                self._delivery.offers(),
                self._delivery.wakes(),
            ):
                group.create_task(loop)

    async def serve(self, socket: WebSocket, claims: Claims) -> None:
        """Run the connection of an agent that signed in, from its hello to its end."""
        await socket.accept()
        session: Session | None = None
        speaker: asyncio.Task[None] | None = None
        try:
            session = await self._enter(socket, claims)
            speaker = asyncio.create_task(session.speak())
            await self._listen(session)
        except Refusal as refusal:
            await close(socket, refusal.code, refusal.reason)
        except WebSocketDisconnect as gone:
            if session is not None and gone.code in IN_GOOD_ORDER:
                self._leave(session)
        finally:
            if speaker is not None:
                speaker.cancel()
            if session is not None:
                self.intake.drop(session)
                if self._sessions.get(session.agent) is session:
                    del self._sessions[session.agent]

    async def close(self) -> None:
        """End every session; agents come back to whoever listens next."""
        ends = (close(one.socket, STOPPING, "the scheduler stops") for one in self.sessions())
        await asyncio.gather(*ends)

    async def _enter(self, socket: WebSocket, claims: Claims) -> Session:
        if len(self._sessions) >= SESSIONS_MOST:
            raise Refusal(NO_ROWS, "there are too many sessions here")
        try:
            hello = read(await asyncio.wait_for(receive(socket), HELLO_S))
        except TimeoutError:
            raise Refusal(SILENT, f"no hello within {HELLO_S:.0f} seconds") from None
        if not isinstance(hello, Hello):
            raise Refusal(BAD_MESSAGE, "the first message must be a hello")
        session = Session(claims.address, hello, socket, claims.expires_at, unix_ms())
        await self._replace(session.agent)
        try:
            welcome = await self._doors.enter(session, self._heartbeat_s)
        except NO_ANSWER:
            raise Refusal(NO_ROWS, "the database does not answer") from None
        await self._replace(session.agent)
        self._sessions[session.agent] = session
        session.post(welcome)
        self._signals.notify("offers")
        return session

    async def _replace(self, agent: Address) -> None:
        old = self._sessions.pop(agent, None)
        if old is not None:
            self.intake.drop(old)
            await close(old.socket, REPLACED, "a newer session of this agent took its place")

    def _leave(self, session: Session) -> None:
        if self._sessions.get(session.agent) is session:
            self._doors.leave(session)

    async def _listen(self, session: Session) -> None:
        while True:
            text = await receive(session.socket)
            session.held_back = True
            pause = session.budget.spend(len(text), time.monotonic())
            if pause:
                await asyncio.sleep(pause)
            session.heard_now(unix_ms())
            await self._take(session, read(text), len(text))
            session.held_back = False

    async def _take(self, session: Session, message: AgentMessage, size: int) -> None:
        match message:
            case Heartbeat():
                session.heartbeat = message
                self.heartbeats.inc()
                session.keep_written(message.runs)
                session.note_runs(message.runs, answered=False)
                self.trails.beaten(session.agent, message)
            case Metered():
                self.trails.metered(session.agent, message)
            case RunUpdate(runs=runs):
                if session.note_runs(runs, answered=True):
                    self._doors.answered(session)
            case LogLines():
                await self.intake.put(session, message, size)
            case ProbeAnswer():
                await self.on_answer(session, message)
            case Renew(token=token):
                self._renew(session, token)
            case Hello():
                raise Refusal(BAD_MESSAGE, "already said hello")

    def _renew(self, session: Session, token: str) -> None:
        try:
            claims = self.logins.read(token)
        except DraasError as error:
            raise Refusal(SIGNED_OUT, error.message) from None
        if claims.address != session.agent:
            raise Refusal(SIGNED_OUT, "the token is another agent's")
        session.expires_at = max(session.expires_at, claims.expires_at)


async def _pass_over(session: Session, answer: ProbeAnswer) -> None:
    """Nobody has asked."""

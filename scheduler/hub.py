"""The agents' sessions: login, heartbeats and log lines up, offers and wake-ups down.

An agent opens one WebSocket. What it says is believed about its own runs only.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from fastapi import WebSocket, WebSocketDisconnect
from pydantic import ValidationError
from starlette.websockets import WebSocketState

from chain.errors import DraasError
from chain.instruments import counter
from chain.job import Address, JobId
from chain.messages import Domain, signer_of_login
from chain.wire import (
    AgentMessage,
    Challenge,
    Heartbeat,
    Hello,
    LogLines,
    Offer,
    RunUpdate,
    Wake,
    Welcome,
    Wire,
    agent_message,
)
from scheduler.links import Links
from scheduler.logs import Logs
from scheduler.signals import Signals, unix_ms

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
LOGIN_SECONDS = 10
SEND_SECONDS = 5
REPLACED, BAD_MESSAGE, LOGIN_REFUSED, NOT_YOURS = 4001, 4400, 4401, 4403
TOO_SLOW, RESEND, TOO_LARGE, STOPPING = 4408, 4409, 4413, 1012


class Refusal(Exception):
    """Ends a session with a close code and a reason that the agent can log."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason.encode()[:120].decode(errors="ignore")


@dataclass(eq=False)
class Session:
    """One logged-in agent."""

    agent: Address
    hello: Hello
    socket: WebSocket
    last_seen_ms: int
    heartbeat: Heartbeat | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Hub:
    """All sessions of this process."""

    def __init__(
        self,
        scheduler: Address,
        domain: Domain,
        links: Links,
        logs: Logs,
        heartbeat_s: int,
        on_change: Callable[[], None],
    ) -> None:
        self._scheduler = scheduler
        self._domain = domain
        self._links = links
        self._logs = logs
        self._heartbeat_s = heartbeat_s
        self._on_change = on_change
        self._sessions: dict[Address, Session] = {}
        self.heartbeats = counter("draas_heartbeats_total", "Heartbeats taken from agents.")

    @property
    def sessions(self) -> int:
        """Agents connected to this process."""
        return len(self._sessions)

    def live(self) -> list[Session]:
        """Sessions that were heard from lately."""
        oldest = unix_ms() - 1000 * (3 * self._heartbeat_s + 2)
        return [session for session in self._sessions.values() if session.last_seen_ms >= oldest]

    def is_live(self, agent: Address) -> bool:
        """Whether this agent is connected and heard from lately."""
        return any(session.agent == agent for session in self.live())

    async def send(self, agent: Address, message: Offer | Wake) -> bool:
        """Send to an agent; False when it is not connected. Never waits long."""
        session = self._sessions.get(agent)
        return session is not None and await self._send(session, message)

    async def serve(self, socket: WebSocket) -> None:
        """Run one agent's connection from its challenge to its end."""
        await socket.accept()
        session: Session | None = None
        try:
            session = await self._login(socket)
            await self._listen(session)
        except Refusal as refusal:
            await _close(socket, refusal.code, refusal.reason)
        except DraasError as error:
            await _close(socket, BAD_MESSAGE, error.message)
        except WebSocketDisconnect:
            pass
        finally:
            if session is not None and self._sessions.get(session.agent) is session:
                del self._sessions[session.agent]
                self._on_change()

    async def wake_on(self, signals: Signals, links: Links) -> None:
        """Tell the agents whose runs the chain has touched to look at it now. Runs until cancelled."""
        with signals.listen("chain") as hint:
            while True:
                await hint.wait()
                hint.clear()
                for job_id in signals.take_touched():
                    for agent in await links.agents_of(job_id):
                        await self.send(agent, Wake(job_id=job_id))

    async def close(self) -> None:
        """End every session; agents come back to whoever listens next."""
        for session in list(self._sessions.values()):
            await _close(session.socket, STOPPING, "the scheduler stops")

    async def _login(self, socket: WebSocket) -> Session:
        nonce = "0x" + secrets.token_hex(32)
        challenge = Challenge(
            nonce=nonce,
            scheduler=self._scheduler,
            chain_id=self._domain.chain_id,
            escrow=self._domain.escrow,
        )
        await socket.send_text(challenge.model_dump_json())
        try:
            hello = await asyncio.wait_for(_receive(socket), LOGIN_SECONDS)
        except TimeoutError:
            raise Refusal(TOO_SLOW, f"no hello within {LOGIN_SECONDS} seconds") from None
        if not isinstance(hello, Hello):
            raise Refusal(BAD_MESSAGE, "the first message must be a hello")
        agent = self._signer(hello, nonce)
        await self._links.note_agent(agent, hello, None)
        session = Session(agent, hello, socket, unix_ms())
        old = self._sessions.pop(agent, None)
        if old is not None:
            await _close(old.socket, REPLACED, "a newer session of this agent took its place")
        cursors = await self._logs.cursors(agent)
        welcome = Welcome(heartbeat_s=self._heartbeat_s, cursors=cursors)
        await socket.send_text(welcome.model_dump_json())
        self._sessions[agent] = session
        await self._links.wake_placing()
        self._on_change()
        return session

    def _signer(self, hello: Hello, nonce: str) -> Address:
        try:
            signer = signer_of_login(self._domain, self._scheduler, nonce, hello)
        except DraasError as error:
            raise Refusal(LOGIN_REFUSED, error.message) from None
        if signer.lower() != hello.agent.lower():
            raise Refusal(LOGIN_REFUSED, "the signature is not by the agent named in the hello")
        return signer

    async def _listen(self, session: Session) -> None:
        patience = 3 * self._heartbeat_s + 10
        while True:
            try:
                message = await asyncio.wait_for(_receive(session.socket), patience)
            except TimeoutError:
                raise Refusal(TOO_SLOW, f"nothing heard for {patience} seconds") from None
            session.last_seen_ms = unix_ms()
            await self._take(session, message)

    async def _take(self, session: Session, message: AgentMessage) -> None:
        match message:
            case Heartbeat():
                session.heartbeat = message
                self.heartbeats.inc()
                await self._links.note_agent(session.agent, session.hello, message)
                for status in message.runs:
                    await self._links.note_status(session.agent, status, answered=False)
                self._on_change()
            case RunUpdate(run=status):
                await self._links.note_status(session.agent, status, answered=True)
            case LogLines():
                await self._take_logs(session, message)
            case Hello():
                raise Refusal(BAD_MESSAGE, "already logged in")

    async def _take_logs(self, session: Session, message: LogLines) -> None:
        job_id = JobId(message.job_id)
        owned = await self._links.owns(session.agent, job_id, message.attempt)
        if owned is False:
            raise Refusal(NOT_YOURS, f"{job_id[:12]}/{message.attempt} is not a run of this agent")
        if owned is None:
            return
        expected = await self._logs.append(job_id, message.attempt, message.lines)
        if expected is not None:
            raise Refusal(
                RESEND, f"log lines are missing: expected seq {expected} of {job_id[:12]}"
            )

    async def _send(self, session: Session, message: Wire) -> bool:
        try:
            async with session.turn:
                await asyncio.wait_for(
                    session.socket.send_text(message.model_dump_json()), SEND_SECONDS
                )
        except (TimeoutError, WebSocketDisconnect, RuntimeError):
            await _close(session.socket, TOO_SLOW, "messages are not taken")
            return False
        return True


async def _receive(socket: WebSocket) -> AgentMessage:
    frame = await socket.receive()
    if frame["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(frame.get("code", 1000))
    text = frame.get("text")
    if text is None:
        raise Refusal(BAD_MESSAGE, "messages are text")
    if len(text) > MAX_MESSAGE_BYTES:
        raise Refusal(TOO_LARGE, f"a message may have {MAX_MESSAGE_BYTES} bytes")
    try:
        return agent_message.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise Refusal(BAD_MESSAGE, f"{place}: {first['msg']}") from None


async def _close(socket: WebSocket, code: int, reason: str) -> None:
    if socket.application_state is WebSocketState.DISCONNECTED:
        return
    try:
        await asyncio.wait_for(socket.close(code, reason.encode()[:120].decode(errors="ignore")), 2)
    except (TimeoutError, WebSocketDisconnect, RuntimeError):
        return

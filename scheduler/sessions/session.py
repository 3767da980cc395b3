"""One agent's session: its socket, what it may send, what it said last, and what waits to be sent to it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from fastapi import WebSocket, WebSocketDisconnect
from pydantic import ValidationError
from starlette.websockets import WebSocketState

from chain.job import Address
from chain.link_messages import AgentMessage, agent_message
from chain.wire import Heartbeat, Hello, RunStatus, Wire
from scheduler.sessions.bucket import Bucket

MAX_MESSAGE_BYTES = 2 * 1024**2
MESSAGES_PER_S, MESSAGES_BURST = 20.0, 60.0
BYTES_PER_S, BYTES_BURST = 4.0 * 1024**2, 8.0 * 1024**2
OUTPUT_PER_S, OUTPUT_BURST = 48.0 * 1024**2, 96.0 * 1024**2  # of programs, on top of that
SLOWED_S = 20.0  # an agent that sends too much for so long is shown out
SEND_S = 5.0
OUTBOX_MOST = 500
NEWS_MOST = 2000

REPLACED, BAD_MESSAGE, SIGNED_OUT = 4001, 4400, 4401
SILENT, TOO_LARGE, TOO_MUCH, STOPPING, NO_ROWS = 4408, 4413, 4429, 1012, 4503

RunId = tuple[str, int]  # job and attempt


class Refusal(Exception):
    """Ends a session with a close code and a reason that the agent can log."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Budget:
    """What a session may send. Whoever sends more is not read from for a while, and shown out if it goes on.

    New output of its own runs does not count, up to a limit of its own: rows take it in at their own pace, and the
    agent waits for their word.
    """

    def __init__(self, now: float) -> None:
        self._messages = Bucket.full(MESSAGES_PER_S, MESSAGES_BURST, now)
        self._bytes = Bucket.full(BYTES_PER_S, BYTES_BURST, now)
        self._output = Bucket.full(OUTPUT_PER_S, OUTPUT_BURST, now)
        self._slowed_at: float | None = None

    def give_back(self, messages: float, size: int, now: float) -> None:
        """So much of it was new output: it did not count after all."""
        if self._output.take_if(size, now):
            return
        self._messages.take(-messages, now)
        self._bytes.take(-size, now)

    def spend(self, size: int, now: float) -> float:
        """For one message: seconds to wait before it is looked at and the next is read.

        Raises:
            Refusal: it has been too much for too long.
        """
        pause = max(self._messages.take(1, now), self._bytes.take(size, now))
        if pause:
            self._slowed_at = now if self._slowed_at is None else self._slowed_at
            if now - self._slowed_at > SLOWED_S:
                raise Refusal(TOO_MUCH, "more messages or bytes a second than allowed, for long")
        elif self._messages.level > MESSAGES_BURST / 2 and self._bytes.level > BYTES_BURST / 2:
            self._slowed_at = None
        return pause


@dataclass(eq=False)
class Session:
    """A logged-in agent.

    Args:
        expires_at: the last second of its token.
        last_seen_ms: when it last said anything.
        heard: whether it did since its row was last written.
        held_back: whether we do not read from it just now, since it sends too much.
        written: run statuses as they are in rows.
        news: run statuses to be written; True for those that answer an offer.
        waiting_bytes: of log lines that wait to be stored.
        outbox: waits to be sent.
    """

    agent: Address
    hello: Hello
    socket: WebSocket
    expires_at: int
    last_seen_ms: int
    heartbeat: Heartbeat | None = None
    heard: bool = False
    held_back: bool = False
    budget: Budget = field(default_factory=lambda: Budget(time.monotonic()))
    written: dict[RunId, RunStatus] = field(default_factory=dict)
    news: dict[RunId, tuple[RunStatus, bool]] = field(default_factory=dict)
    waiting_bytes: int = 0
    outbox: asyncio.Queue[Wire] = field(default_factory=lambda: asyncio.Queue(OUTBOX_MOST))

    def post(self, message: Wire) -> bool:
        """Send soon; False when too much waits already."""
        try:
            self.outbox.put_nowait(message)
        except asyncio.QueueFull:
            return False
        return True

    def heard_now(self, now_ms: int) -> None:
        """It said something."""
        self.last_seen_ms = now_ms
        self.heard = True

    def keep_written(self, runs: list[RunStatus]) -> None:
        """Forget what was written of runs that the agent no longer names."""
        named = {(status.job_id, status.attempt) for status in runs}
        if len(self.written) > len(named):
            self.written = {run: told for run, told in self.written.items() if run in named}

    def note_runs(self, runs: list[RunStatus], answered: bool) -> bool:
        """Keep what is new of these; says whether anything is."""
        changed = False
        for status in runs:
            key = (status.job_id, status.attempt)
            if not answered and self.written.get(key) == status:
                continue
            before = self.news.get(key)
            if before is None and len(self.news) >= NEWS_MOST:
                continue  # comes again with the next heartbeat
            self.news[key] = (status, answered or (before is not None and before[1]))
            changed = True
        return changed

    async def speak(self) -> None:
        """Send what is posted, in order, until cancelled or the agent takes no more."""
        try:
            while True:
                message = await self.outbox.get()
                await asyncio.wait_for(self.socket.send_text(message.model_dump_json()), SEND_S)
        except (TimeoutError, WebSocketDisconnect, RuntimeError):
            await close(self.socket, SILENT, "messages are not taken")


async def receive(socket: WebSocket) -> str:
    """The next message, unread.

    Raises:
        WebSocketDisconnect: there is none any more.
        Refusal: it is not text, or too long.
    """
    frame = await socket.receive()
    if frame["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(frame.get("code", 1000))
    text: str | None = frame.get("text")
    if text is None:
        raise Refusal(BAD_MESSAGE, "messages are text")
    if len(text) > MAX_MESSAGE_BYTES:
        raise Refusal(TOO_LARGE, f"a message may have {MAX_MESSAGE_BYTES} bytes")
    return text


def read(text: str) -> AgentMessage:
    """What a message says.

    Raises:
        Refusal: it is none of ours.
    """
    try:
        return agent_message.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise Refusal(BAD_MESSAGE, f"{place}: {first['msg']}") from None


async def close(socket: WebSocket, code: int, reason: str) -> None:
    """End a connection; one that is gone already is let be."""
    if socket.application_state is WebSocketState.DISCONNECTED:
        return
    short = reason.encode()[:120].decode(errors="ignore")
    try:
        await asyncio.wait_for(socket.close(code, short), 2)
    except (TimeoutError, WebSocketDisconnect, RuntimeError):
        return

"""What goes up the link, and when: runs' steps at once, heartbeats on time, log lines in between.

A line that comes alone is sent at once. While a run's message is on its way its lines gather, so that messages grow
with the load; and they are of every run in turn: one that prints without end delays no other.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from agent.link.metering import Watched
from agent.link.window import Window
from agent.runs.runs import Runs
from chain.errors import Unavailable
from chain.printed import MAX_BODY
from chain.wire import (
    Heartbeat,
    LogLines,
    ProbeAnswer,
    RunLines,
    RunStatus,
    RunUpdate,
)

UPDATES_A_MESSAGE = 100
RUNS_A_MESSAGE = 64
BYTES_A_MESSAGE = MAX_BODY
WORTH_MORE = 192 * 1024  # bytes that are sent while others of the same run are on their way
FLYING_BYTES = 4 * 1024**2  # of all runs: what comes after them waits for no more than that
LOG_EVERY_S = 0.012  # between small messages
FLOW_BYTES = 4 * 1024  # of a message that comes of a flow
FLOW_EVERY_S = 0.1  # after such a one: each costs the scheduler a transaction
SHORT_S = 0.03  # a wait that no news shortens


@dataclass(frozen=True, slots=True)
class Queues:
    """What waits to be told: steps of runs, answers to probes, and what watched runs use."""

    updates: deque[RunStatus]
    answers: deque[ProbeAnswer]
    watched: Watched


class Speaker:
    """Sends on one connection.

    Args:
        queues: what waits to be told.
        news: set whenever there is something to send.
    """

    def __init__(
        self,
        socket: ClientConnection,
        runs: Runs,
        window: Window,
        queues: Queues,
        news: asyncio.Event,
    ) -> None:
        self._socket = socket
        self._runs = runs
        self._window = window
        self._updates = queues.updates
        self._answers = queues.answers
        self._watched = queues.watched
        self._news = news
        self._next_log = 0.0
        self._turn = 0

    async def speak(self, heartbeat: Callable[[], Awaitable[Heartbeat]], heartbeat_s: int) -> None:
        """Send until cancelled.

        Raises:
            Unavailable: the scheduler does not say what became of log lines.
        """
        next_beat = 0.0
        while True:
            self._news.clear()
            await self._send_updates()
            while self._answers:
                await self._socket.send(self._answers.popleft().model_dump_json())
            if time.monotonic() >= next_beat:
                next_beat = time.monotonic() + heartbeat_s
                await self._socket.send((await heartbeat()).model_dump_json())
            metered = self._watched.news(self._runs, time.monotonic())
            if metered is not None:
                await self._socket.send(metered.model_dump_json())
            look_again = min(next_beat, await self._send_logs())
            look_again = min(look_again, self._watched.next_look(time.monotonic()))
            if self._window.lost(time.monotonic()):
                raise Unavailable("The scheduler does not answer for log lines.")
            wait = look_again - time.monotonic()
            if wait <= SHORT_S:
                await asyncio.sleep(max(0.001, wait))
                continue
            try:
                await asyncio.wait_for(self._news.wait(), wait)
            except TimeoutError:
                continue

    async def _send_updates(self) -> None:
        while self._updates:
            most = min(len(self._updates), UPDATES_A_MESSAGE)
            runs = [self._updates.popleft() for _ in range(most)]
            try:
                await self._socket.send(RunUpdate(runs=runs).model_dump_json())
            except ConnectionClosed:
                self._updates.extendleft(reversed(runs))  # for the next connection
                raise

    async def _send_logs(self) -> float:
        """Send what may go now; when to look again, in seconds of the monotonic clock."""
        now = time.monotonic()
        if now < self._next_log:
            return self._next_log
        picked = self._pick(now)
        if not picked:
            return self._window.next_try(now)
        text = LogLines(runs=picked).model_dump_json()
        await self._socket.send(text)
        self._next_log = time.monotonic() + _gap_s(len(text))
        return self._next_log

    def _pick(self, now: float) -> list[RunLines]:
        """The next lines of as many runs as fit into one message, beginning where the last one ended."""
        runs = self._runs.all()
        picked: list[RunLines] = []
        size = 0
        if self._window.flying_bytes() >= FLYING_BYTES:
            return []
        for step in range(len(runs)):
            run = runs[(self._turn + step) % len(runs)]
            key = run.key.text
            if not run.record.claimed_at or not self._window.may_send(key, now):
                continue
            first = self._window.reached(key) + 1
            body, lines = run.container.spool.packed(first - 1, BYTES_A_MESSAGE - size)
            if not lines or (len(body) < WORTH_MORE and self._window.is_flying(key)):
                continue
            record, text = run.record, body.decode(errors="replace")
            part = RunLines.model_construct(  # our own records: the scheduler checks them
                job_id=record.job_id, attempt=record.attempt, first=first, body=text
            )
            picked.append(part)
            self._window.sent(key, first + lines - 1, now, len(body))
            size += len(body)
            if size >= BYTES_A_MESSAGE or len(picked) >= RUNS_A_MESSAGE:
                self._turn = (self._turn + step + 1) % len(runs)
                break
        return picked


def _gap_s(size: int) -> float:
    """How long lines gather after a message of so many characters."""
    if size >= WORTH_MORE:
        return 0.0
    return FLOW_EVERY_S if size >= FLOW_BYTES else LOG_EVERY_S

"""What goes up the link, and when: runs' steps at once, heartbeats on time, log lines in between.

Log lines are sent at a pace that leaves room for heartbeats, and of every run in turn: one that prints without end
delays no other.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from agent.run import Run
from agent.runs import Runs
from agent.window import Window
from chain.errors import Unavailable
from chain.wire import (
    Heartbeat,
    LogLine,
    LogLines,
    ProbeAnswer,
    RunLines,
    RunStatus,
    RunUpdate,
    run_key,
)

UPDATES_A_MESSAGE = 100
RUNS_A_MESSAGE = 64
LINES_A_RUN, LINES_A_MESSAGE = 500, 2000
BYTES_A_MESSAGE = 512 * 1024
LOG_EVERY_S = 0.15
LOG_BYTES_PER_S = 1024**2


@dataclass(frozen=True, slots=True)
class Queues:
    """What waits to be told: steps of runs, and answers to probes."""

    updates: deque[RunStatus]
    answers: deque[ProbeAnswer]


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
            look_again = min(next_beat, await self._send_logs())
            if self._window.lost(time.monotonic()):
                raise Unavailable("The scheduler does not answer for log lines.")
            try:
                wait = max(0.02, look_again - time.monotonic())
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
        for part in picked:
            self._window.sent(run_key(part.job_id, part.attempt), now)
        await self._socket.send(text)
        self._next_log = time.monotonic() + max(LOG_EVERY_S, len(text) / LOG_BYTES_PER_S)
        return self._next_log

    def _pick(self, now: float) -> list[RunLines]:
        """The next lines of as many runs as fit into one message, beginning where the last one ended."""
        runs = self._runs.all()
        picked: list[RunLines] = []
        count = size = 0
        for step in range(len(runs)):
            run = runs[(self._turn + step) % len(runs)]
            key = run.key.text
            if not run.record.claimed_at or not self._window.may_send(key, now):
                continue
            lines, used = within(self._waiting(run), BYTES_A_MESSAGE - size)
            if not lines:
                continue
            record = run.record
            picked.append(RunLines(job_id=record.job_id, attempt=record.attempt, lines=lines))
            count, size = count + len(lines), size + used
            if count >= LINES_A_MESSAGE or size >= BYTES_A_MESSAGE or len(picked) >= RUNS_A_MESSAGE:
                self._turn = (self._turn + step + 1) % len(runs)
                break
        return picked

    def _waiting(self, run: Run) -> list[LogLine]:
        return run.container.spool.read(self._window.stored(run.key.text), LINES_A_RUN)


def within(lines: list[LogLine], room: int) -> tuple[list[LogLine], int]:
    """As many of the lines as fit into so many bytes, but at least one, and their size."""
    size, taken = 0, 0
    for line in lines:
        grown = size + len(line.model_dump_json()) + 1
        if taken and grown > room:
            break
        size, taken = grown, taken + 1
    return lines[:taken], size

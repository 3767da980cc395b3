"""Whether the event loop turns: how late it is, and what holds it when it stands still."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import traceback
from collections import deque

import structlog

log = structlog.get_logger()
EVERY_S = 0.25
BLOCKED_S = 1.0  # without a turn after which the stack is logged
KEPT = 40  # beats: the lag told is the worst of the last ten seconds


class LoopWatch:
    """Beats in the loop, and a thread beside it that sees when the beats stay away.

    Start it inside the loop with `start`; `stop` ends both.
    """

    def __init__(self) -> None:
        self._lags: deque[float] = deque([0.0], maxlen=KEPT)
        self._beat_at = time.monotonic()
        self._over = threading.Event()
        self._task: asyncio.Task[None] | None = None
        self.blocked = 0  # times that it stood still for over a second

    @property
    def lag_s(self) -> float:
        """The worst lateness of the last ten seconds, in seconds; of this moment, while it stands still."""
        return max(*self._lags, time.monotonic() - self._beat_at - EVERY_S, 0.0)

    def start(self) -> None:
        """Begin, in the running loop's thread."""
        self._task = asyncio.create_task(self._beat())
        watched = threading.get_ident()
        threading.Thread(target=self._look, args=(watched,), name="loop-watch", daemon=True).start()

    async def stop(self) -> None:
        """End the beats and the thread."""
        self._over.set()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            now = time.monotonic()
            self._lags.append(max(0.0, now - self._beat_at - EVERY_S))
            self._beat_at = now

    def _look(self, watched: int) -> None:
        told_of = 0.0
        while not self._over.wait(EVERY_S):
            beat, late = self._beat_at, time.monotonic() - self._beat_at - EVERY_S
            if late < BLOCKED_S or told_of == beat:
                continue
            told_of = beat
            self.blocked += 1
            frame = sys._current_frames().get(watched)
            stack = "".join(traceback.format_stack(frame)) if frame is not None else ""
            log.warning("loop.blocked", seconds=round(late, 2), stack=stack)

"""The Engine tells when one of our containers ends: one stream of its events for all runs, read by one thread.

What is missed while the stream is broken is asked for again from the second of the last event, and every run looks by
itself then: a hint that does not come costs a few seconds, never more.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import structlog

from agent.engine.engine import Engine
from agent.engine.isolation import LABEL_ATTEMPT, LABEL_JOB
from agent.engine.stream import LogStream
from chain.errors import Unavailable
from chain.job import Address
from chain.wire import run_key

log = structlog.get_logger()
AGAIN_SECONDS = 1.0


class Ends:
    """Hears of ended containers for as long as it is open.

    Args:
        tell: called in the event loop with "jobId/attempt" of a run whose container has ended, and with "" when any
            may have.
    """

    def __init__(self, engine: Engine, agent: Address, tell: Callable[[str], None]) -> None:
        self._engine = engine
        self._agent = agent
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self._stream: LogStream | None = None
        self._since = 0
        self._stopping = threading.Event()
        self.hears = False
        self._thread = threading.Thread(target=self._read, name="ends", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while not self._stopping.is_set():
            try:
                self._listen()
            except (Unavailable, OSError) as error:
                log.info("events.lost", error=str(error)[:200])
            self.hears = False
            self._stopping.wait(AGAIN_SECONDS)

    def _listen(self) -> None:
        self._stream = self._engine.follow_ends(self._agent, self._since)
        if self._stopping.is_set():
            self._stream.close()
            return
        self.hears = True
        self._pass_on("")
        for event in events_of(self._stream):
            self._since = max(self._since, int(event.get("time") or 0))
            run = run_of(event)
            if run:
                self._pass_on(run)

    def _pass_on(self, run: str) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: the agent stops
            self._loop.call_soon_threadsafe(self._tell, run)

    async def close(self) -> None:
        """Stop listening."""
        self._stopping.set()
        if self._stream is not None:
            await asyncio.to_thread(self._stream.close)
        await asyncio.to_thread(self._thread.join, 5)


def events_of(chunks: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """The events in a stream of bytes, one a line; what is no event is passed over."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            with contextlib.suppress(ValueError):
                event = json.loads(line)
                if isinstance(event, dict):
                    yield event


def run_of(event: dict[str, Any]) -> str:
    """Which run an event is about, by the labels of its container; "" when it is none of ours."""
    actor = event.get("Actor")
    labels = actor.get("Attributes") if isinstance(actor, dict) else None
    if not isinstance(labels, dict):
        return ""
    job, attempt = str(labels.get(LABEL_JOB, "")), str(labels.get(LABEL_ATTEMPT, ""))
    return run_key(job, int(attempt)) if job and attempt.isdigit() else ""

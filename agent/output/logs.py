"""Reading what a container prints into its run's spool. After a restart reading goes on where the spool ends."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Sequence

from agent.engine.engine import Engine
from agent.engine.frames import Frames
from agent.engine.stream import LogStream
from agent.output.hidden import Hider
from agent.output.spool import Spool
from chain import printed
from chain.errors import Unavailable

BUSY_S = 0.02  # within which more output comes that is worth to be gathered
LAST_LINES = "200"
GATHER_S = 0.001  # the Engine's socket holds some hundred lines: longer would hold it up
_LOST = "The Docker Engine has thrown away what was printed here before it could be read."


class Fresh:
    """Leaves out the records that are stored already: they come first, and with the same stamps. Where the Engine
    has thrown old output away, only later records than the last stored one are new, and a notice comes before them.

    Args:
        known: the stamps of what is stored.
    """

    def __init__(self, known: Sequence[bytes]) -> None:
        self._known = known
        self._met = 0  # of the known ones
        self._last = known[-1] if known else b""
        self._seen_last = not known

    @property
    def met_last(self) -> bool:
        """Whether the last of what is stored was among what came, or nothing is stored."""
        return self._seen_last

    def of(self, records: list[bytes]) -> list[bytes]:
        """The new ones of these."""
        if not self._known:
            return records
        for place, record in enumerate(records):
            stamp = record[: printed.STAMP]
            if self._met < len(self._known) and stamp == self._known[self._met]:
                self._met += 1
                self._seen_last = self._met == len(self._known)
            elif self._met < len(self._known) and stamp <= self._last:
                self._seen_last = self._seen_last or stamp == self._last
            else:
                self._known = ()
                lost = [] if self._seen_last else [_notice(stamp)]
                return lost + records[place:]
        return []


def _notice(stamp: bytes) -> bytes:
    return printed.record(int(stamp), "notice", _LOST).encode()


class Follower:
    """Reads one container's output into its spool, in a thread of its own, until it ends.

    Args:
        notify: called in the event loop whenever there are new lines, and at the end.
        past: stamp of the last stored line that another container has printed; "" for none.
        forms: what is hidden in it, of `hidden.forms_of`.
    """

    def __init__(
        self,
        engine: Engine,
        container_id: str,
        spool: Spool,
        notify: Callable[[], None],
        past: str = "",
        forms: Sequence[bytes] = (),
    ) -> None:
        self._forms = forms
        self._engine = engine
        self._container_id = container_id
        self._spool = spool
        self._notify = notify
        self._past = past.encode()
        self._loop = asyncio.get_running_loop()
        self._stream: LogStream | None = None
        self._stopping = False
        self._told = False
        self.done = asyncio.Event()
        self.failed = False
        self._thread = threading.Thread(target=self._read, name="logs", daemon=True)
        self._thread.start()

    def _resume_at(self) -> tuple[int, list[bytes]]:
        since, known = self._spool.resume_at()
        return since, [stamp for stamp in known if stamp > self._past]

    def _read(self) -> None:
        try:
            since, known = self._resume_at()
            self._stream = self._engine.follow_logs(self._container_id, since)
            if not self._stopping:
                self._take(self._stream, Fresh(known))
        except (Unavailable, OSError, ValueError):  # ValueError: closed from outside while reading
            self.failed = True
        finally:
            if self._stream is not None:
                self._stream.close()
            with contextlib.suppress(RuntimeError):  # the loop is closed: the agent stops
                self._loop.call_soon_threadsafe(self._end)

    def _take(self, stream: Iterable[bytes], fresh: Fresh) -> None:
        """Store what comes: at once what comes alone, together what comes in numbers."""
        frames, hider, before = Frames(), Hider(self._forms), 0.0
        for data in stream:
            if self._stopping or not self._store(fresh.of(hider.of(frames.feed(data)))):
                return
            now = time.monotonic()
            if now - before < BUSY_S:
                time.sleep(GATHER_S)
            before = now
        if not self._stopping and self._store(fresh.of(hider.of(frames.end()) + hider.end())):
            self._take_rest()

    def _take_rest(self) -> None:
        """The Engine may end its stream before the last lines of a program that ends: they are asked for again."""
        since, known = self._resume_at()
        for tail in (LAST_LINES, "all") if known else ("all",):
            stream = self._stream = self._engine.follow_logs(self._container_id, since, tail)
            frames, fresh, found = Frames(), Fresh(known), list[bytes]()
            hider = Hider(self._forms)
            for data in stream:
                found += fresh.of(hider.of(frames.feed(data)))
            stream.close()
            if self._stopping:
                return
            if fresh.met_last or tail == "all":
                self._store(found + fresh.of(hider.of(frames.end()) + hider.end()))
                return

    def _store(self, records: list[bytes]) -> bool:
        going_on = self._spool.add(records)
        if records and not self._told:
            self._told = True
            self._loop.call_soon_threadsafe(self._tell)
        return going_on

    def _tell(self) -> None:
        self._told = False
        self._notify()

    def _end(self) -> None:
        self.done.set()
        self._notify()

    async def close(self) -> None:
        """Stop reading; the container is left as it is."""
        self._stopping = True
        if self._stream is not None:
            await asyncio.to_thread(self._stream.close)
        await asyncio.to_thread(self._thread.join, 5)

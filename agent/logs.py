"""What a container prints, as numbered lines.

The Engine stores output frame by frame: a line, or 16 KiB of a longer one, each with its stream and its time.
A frame becomes a `LogLine`, written to the run's spool before anybody sees it, so a line's number is the same for
ever. After a restart reading goes on where the spool ends. Past the byte limit one notice is written, and nothing
more is read.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from agent.engine import Engine, LogStream
from agent.engine_state import unix_ms_of
from chain.errors import Unavailable
from chain.wire import LogLine

MAX_LOG_BYTES = 4 * 1024 * 1024
LINE_OVERHEAD = 64  # bytes that a line counts beside its text
MAX_TEXT = 16 * 1024
_HEADER = 8
_STREAMS: dict[int, Literal["stdout", "stderr"]] = {1: "stdout", 2: "stderr"}


@dataclass(frozen=True, slots=True)
class Frame:
    """One record of the Engine's log.

    Args:
        stamp: its time as the Engine wrote it, with nanoseconds.
        text: without the line's end; bytes that are not UTF-8 are replaced.
    """

    stream: Literal["stdout", "stderr"]
    stamp: str
    text: str


def split_frames(chunks: Iterable[bytes]) -> Iterator[Frame]:
    """Cut the Engine's multiplexed stream into frames. What is cut off at the end is left out."""
    rest = bytearray()
    for chunk in chunks:
        rest += chunk
        start = 0
        while len(rest) - start >= _HEADER:
            body = start + _HEADER
            end = body + int.from_bytes(rest[start + 4 : body], "big")
            if len(rest) < end:
                break
            yield _frame(rest[start], bytes(rest[body:end]))
            start = end
        del rest[:start]


def _frame(stream: int, body: bytes) -> Frame:
    stamp, _, text = body.partition(b" ")
    plain = text.removesuffix(b"\n").removesuffix(b"\r").decode(errors="replace")
    return Frame(_STREAMS.get(stream, "stdout"), stamp.decode(errors="replace"), plain[:MAX_TEXT])


class Spool:
    """The stored lines of one run. One writer, in the thread that reads the Engine; many readers."""

    def __init__(self, path: Path, max_bytes: int = MAX_LOG_BYTES) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._lines: list[LogLine] = []
        self._stamps: list[str] = []
        self._used = 0
        self.full = False
        self._load()
        self._file = path.open("a")

    def _load(self) -> None:
        if not self._path.exists():
            return
        good = 0
        for raw in self._path.read_bytes().splitlines(keepends=True):
            try:
                stamp, line = json.loads(raw)
                self._keep(str(stamp), LogLine(seq=len(self._lines), **line))
            except (ValueError, TypeError):
                break  # cut off by a crash
            good += len(raw)
        with self._path.open("rb+") as file:
            file.truncate(good)

    def _keep(self, stamp: str, line: LogLine) -> None:
        self._lines.append(line)
        self._used += len(line.text.encode()) + LINE_OVERHEAD
        if stamp:  # a notice of the agent's own has none
            self._stamps.append(stamp)
            self.full = self.full or line.stream == "notice"

    @property
    def length(self) -> int:
        """How many lines there are."""
        return len(self._lines)

    def read(self, after: int, limit: int) -> list[LogLine]:
        """The lines after a sequence number (-1: from the first)."""
        with self._lock:
            return self._lines[after + 1 : after + 1 + limit]

    def add(self, frame: Frame) -> bool:
        """Store a frame; False when the limit is reached, and nothing more is stored."""
        if self.full:
            return False
        at_ms = unix_ms_of(frame.stamp)
        size = len(frame.text.encode()) + LINE_OVERHEAD
        if self._used + size > self._max_bytes:
            text = f"The log limit of {self._max_bytes // 1024} KiB is reached; what follows is not kept."
            self._write(
                frame.stamp, LogLine(seq=self.length, at_ms=at_ms, stream="notice", text=text)
            )
            return False
        line = LogLine(seq=self.length, at_ms=at_ms, stream=frame.stream, text=frame.text)
        self._write(frame.stamp, line)
        return True

    def _write(self, stamp: str, line: LogLine) -> None:
        body = line.model_dump(exclude={"seq"})
        self._file.write(json.dumps([stamp, body]) + "\n")
        self._file.flush()
        with self._lock:
            self._keep(stamp, line)

    def note(self, at_ms: int, text: str) -> None:
        """Add a notice of the agent's own, once of each moment; left out when the limit is reached. Only between two
        readings of the Engine."""
        told = any((line.at_ms, line.text) == (at_ms, text) for line in self._lines[-3:])
        size = len(text.encode()) + LINE_OVERHEAD
        if not (told or self.full) and self._used + size <= self._max_bytes:
            line = LogLine(seq=self.length, at_ms=at_ms, stream="notice", text=text[:MAX_TEXT])
            self._write("", line)

    def resume_at(self) -> tuple[int, list[str]]:
        """The second to read the Engine's log from, and the stamps of the stored lines from then on."""
        if not self._stamps:
            return 0, []
        since = unix_ms_of(self._stamps[-1]) // 1000
        return since, [stamp for stamp in self._stamps if unix_ms_of(stamp) // 1000 >= since]

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def new_frames(frames: Iterable[Frame], known: list[str]) -> Iterator[Frame]:
    """Leave out the frames that are stored already: they come first, and with the same stamps. Where the Engine
    has thrown old output away, only later frames than the last stored one are new."""
    waiting = list(known)
    last = known[-1] if known else ""
    for frame in frames:
        if waiting and frame.stamp == waiting[0]:
            waiting.pop(0)
        elif waiting and frame.stamp <= last:
            continue
        else:
            waiting.clear()
            yield frame


class Follower:
    """Reads one container's output into its spool, in a thread of its own, until it ends.

    Args:
        notify: called in the event loop whenever there are new lines.
    """

    def __init__(
        self, engine: Engine, container_id: str, spool: Spool, notify: Callable[[], None]
    ) -> None:
        self._engine = engine
        self._container_id = container_id
        self._spool = spool
        self._notify = notify
        self._loop = asyncio.get_running_loop()
        self._stream: LogStream | None = None
        self._stopping = False
        self.done = asyncio.Event()
        self.failed = False
        self._thread = threading.Thread(target=self._read, name="logs", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            since, known = self._spool.resume_at()
            self._stream = self._engine.follow_logs(self._container_id, since)
            if not self._stopping:
                self._take(split_frames(self._stream), known)
        except (Unavailable, OSError):
            self.failed = True
        finally:
            if self._stream is not None:
                self._stream.close()
            with contextlib.suppress(RuntimeError):  # the loop is closed: the agent stops
                self._loop.call_soon_threadsafe(self._end)

    def _take(self, frames: Iterator[Frame], known: list[str]) -> None:
        for frame in new_frames(frames, known):
            if self._stopping or not self._spool.add(frame):
                return
            self._loop.call_soon_threadsafe(self._notify)

    def _end(self) -> None:
        self.done.set()
        self._notify()

    async def close(self) -> None:
        """Stop reading; the container is left as it is."""
        self._stopping = True
        if self._stream is not None:
            await asyncio.to_thread(self._stream.close)
        await asyncio.to_thread(self._thread.join, 5)

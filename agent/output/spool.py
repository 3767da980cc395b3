"""The stored output of one run: packed records (`chain.printed`) in a file, and little of it in memory.

A record is in the file before anybody sees it, so a line's number, its place in the file, is the same for ever. Of
the file's lines only every so many have their place in memory. Past the limit one notice is written and nothing more.
"""

from __future__ import annotations

import asyncio
import os
import threading
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path

from chain import printed
from chain.wire import LogLine

MAX_LOG_BYTES = 16 * 1024 * 1024
BLOCK = 64 * 1024  # bytes of the file between two places that are kept in memory
_LIMIT = "log limit"
_SECOND = 10  # digits of a stamp that are whole seconds


class Spool:
    """The stored lines of one run. One writer, in the thread that reads the Engine; many readers.

    Args:
        max_bytes: that the lines may have, each with `printed.LINE_OVERHEAD`.
    """

    def __init__(self, path: Path, max_bytes: int = MAX_LOG_BYTES) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._seqs, self._places = [0], [0]
        self._size = self._length = self._used = 0
        self._read_to = (0, 0)  # the number and the place at which the last reader stopped
        self.full = self.ended = False
        self.reads = 0  # times that the Engine was asked for the output
        self.waiting: set[asyncio.Event] = set()  # of readers, set in the event loop
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._file = os.open(path, flags, 0o600)
        self._load()

    def _load(self) -> None:
        while block := self._pread(BLOCK + printed.MAX_TEXT * 4, self._size):
            whole = block[: block.rfind(b"\n") + 1]
            if not whole:
                break  # cut off by a crash
            self._keep(whole, whole.count(b"\n"))
        os.ftruncate(self._file, self._size)
        last = self.read(max(-1, self._length - 2), 1)
        self.full = bool(last) and last[0].stream == "notice" and _LIMIT in last[0].text

    def _keep(self, body: bytes, lines: int) -> None:
        with self._lock:
            if self._size - self._places[-1] >= BLOCK:
                self._seqs.append(self._length)
                self._places.append(self._size)
            self._size += len(body)
            self._length += lines
            self._used += printed.weight(body, lines)

    @property
    def length(self) -> int:
        """How many lines there are."""
        return self._length

    def packed(self, after: int, most: int = printed.MAX_BODY) -> tuple[bytes, int]:
        """The records after a number (-1: from the first), as many as fit into so many bytes but at least one, and
        how many they are."""
        first = after + 1
        with self._lock:
            if first >= self._length:
                return b"", 0
            seq, place = self._read_to
            if seq != first:
                block = bisect_right(self._seqs, first) - 1
                seq, place = self._seqs[block], self._places[block]
            end = self._size
        while seq < first:
            part = self._pread(min(BLOCK, end - place), place)
            lines = min(part.count(b"\n"), first - seq)
            place += len(part) - len(printed.after(part, lines)) if lines else len(part)
            seq += lines
        body = self._pread(min(max(most, printed.MAX_TEXT * 5), end - place), place)
        body = body[: max(body.rfind(b"\n", 0, most), body.find(b"\n")) + 1]
        lines = body.count(b"\n")
        with self._lock:
            self._read_to = (first + lines, place + len(body))
        return body, lines

    def read(self, after: int, limit: int) -> list[LogLine]:
        """The lines after a number (-1: from the first)."""
        found: list[LogLine] = []
        while len(found) < limit:
            body, count = self.packed(after)
            if not count:
                break
            found += unpacked(body, after + 1)
            after += count
        return found[:limit]

    def add(self, records: Sequence[bytes]) -> bool:
        """Store records; False when the limit is reached, and nothing more is stored."""
        if self.full:
            return False
        if not records:
            return True
        body, lines = b"".join(records), len(records)
        if self._used + printed.weight(body, lines) > self._max_bytes:
            body, lines = printed.within(body, self._max_bytes - self._used)
            kib = self._max_bytes // 1024
            text = f"The {_LIMIT} of {kib} KiB is reached; what follows is not kept, and who prints on fast is slowed."
            stamp = int(records[lines][: printed.STAMP])
            body += printed.record(stamp, "notice", text).encode()
            lines, self.full = lines + 1, True
        self._write(body)
        self._keep(body, lines)
        return not self.full

    def note(self, at_ms: int, text: str) -> None:
        """Add a notice of the agent's own, once of each moment; left out when the limit is reached. Only between two
        readings of the Engine."""
        told = any(
            (line.at_ms, line.text) == (at_ms, text)
            for line in self.read(max(-1, self._length - 4), 3)
        )
        body = printed.record(at_ms * 1_000_000, "notice", text).encode()
        if not (told or self.full) and self._used + printed.weight(body, 1) <= self._max_bytes:
            self._write(body)
            self._keep(body, 1)

    def end(self) -> None:
        """The program has ended and its output is read to the end. In the event loop."""
        self.ended = True
        self.wake()

    def wake(self) -> None:
        """Tell the readers that there is more. In the event loop."""
        for reader in self.waiting:
            reader.set()

    def resume_at(self) -> tuple[int, list[bytes]]:
        """The second to read the Engine's log from, and the stamps of the stored lines from then on: two seconds
        before the last line, so that a line that was cut in pieces is put together as before."""
        known: list[bytes] = []
        since = b""
        for block in range(len(self._places) - 1, -1, -1):
            ends = [*self._places, self._size][block + 1]
            part = self._pread(ends - self._places[block], self._places[block])
            stamps = [
                one[: printed.STAMP]
                for one in part.split(b"\n")[:-1]
                if one[printed.STAMP :][:1] != b"n"  # ours, not the Engine's
            ]
            if not stamps:
                continue
            since = since or b"%010d" % max(0, int(stamps[-1][:_SECOND]) - 2)
            later = [stamp for stamp in stamps if stamp[:_SECOND] >= since]
            known = later + known
            if len(later) < len(stamps):
                break
        return int(since or b"0"), known

    def last_stamp(self) -> str:
        """Of the last line that a program has printed; "" for none."""
        _, known = self.resume_at()
        return known[-1].decode() if known else ""

    def _write(self, body: bytes) -> None:
        """All of it or nothing: what a full disk takes in part is cut off again."""
        at = 0
        try:
            while at < len(body):
                at += os.write(self._file, body[at:])
        except OSError:
            os.ftruncate(self._file, self._size)
            raise

    def close(self) -> None:
        """Close the file. Reading goes on; writing does not."""
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)

    def _pread(self, size: int, place: int) -> bytes:
        if self._file >= 0:
            return os.pread(self._file, size, place)
        with self._path.open("rb") as file:
            file.seek(place)
            return file.read(size)


def unpacked(body: bytes, first: int) -> list[LogLine]:
    """Packed records as lines, numbered from `first`."""
    lines = enumerate(printed.unpack(body.decode()), first)
    return [
        LogLine(seq=seq, at_ms=one.at_ms, stream=one.stream, text=one.text, goes_on=one.goes_on)
        for seq, one in lines
    ]

"""What programs print, as server-sent events that all readers of a log share.

Whoever has read to the same line gets the same bytes next: they are read from the rows and put into words once,
however many follow. A log that has nothing new is not looked at more than once a second.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from json.encoder import encode_basestring_ascii
from typing import Any

from chain import printed
from chain.api import State
from chain.job import JobId
from scheduler.api.recent import Recent
from scheduler.sessions.lines import Kept
from scheduler.sessions.logs import Logs, Packed, Position
from scheduler.sessions.session import RunId
from scheduler.signals import Signals

LOOK_S = 1.0
PIECE = 128 * 1024  # bytes of packed lines that are put into words at once
FRESH_BYTES = 4 * 1024**2  # of what one log got last: two rounds of the intake
KEPT_BYTES = 64 * 1024**2  # of events, of all logs that are followed
_LETTERS = [
    (one, name) for name, small in printed.LETTERS.items() for one in (small, small.upper())
]
_NAMED = {letter: f', "stream": "{name}", "text": ' for letter, name in _LETTERS}
_ENDS = {
    letter: (', "goes_on": true' if letter.isupper() else "") + "}\n\n" for letter, _ in _LETTERS
}


@dataclass(frozen=True, slots=True)
class Glance:
    """What a deployment's looks follow from: when it is the same, nothing has changed."""

    state: State
    claimed: bool  # by anybody yet
    version: tuple[Any, ...]
    degraded: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """Events of lines that follow each other.

    Args:
        last: the place of the last line.
        events: as they are sent.
    """

    last: Position
    events: bytes


@dataclass(eq=False)
class Feed:
    """One log that is read by somebody.

    Args:
        hint: set when there is news.
        glance: at its deployment.
        until_last: closed when nobody reads any more.
        news: how often there was.
        reading: reads that are under way, by the position after which they read, and the news they began with.
        fresh: what was stored just now, by the position before it; it need not be read.
        empty: after which position there was nothing, by which news (-1: stored here just now, whatever tells of
            it), and when.
    """

    job_id: JobId
    hint: asyncio.Event
    glance: Recent[Glance | None]
    until_last: ExitStack
    readers: int = 0
    news: int = 0
    reading: dict[Position, tuple[int, asyncio.Task[Piece | None]]] = field(default_factory=dict)
    empty: tuple[Position, int, float] | None = None
    fresh: OrderedDict[Position, Packed] = field(default_factory=OrderedDict)

    def look(self) -> int:
        """Take note of news; how often there was some."""
        if self.hint.is_set():
            self.hint.clear()
            self.news += 1
        return self.news


class Tails:
    """The logs that are read at present.

    Args:
        look: gives a cheap look at a deployment.
    """

    def __init__(
        self, logs: Logs, signals: Signals, look: Callable[[JobId], Awaitable[Glance | None]]
    ) -> None:
        self.logs = logs
        self._look = look
        self._signals = signals
        self._feeds: dict[JobId, Feed] = {}
        self._pieces: OrderedDict[tuple[JobId, Position], Piece] = OrderedDict()
        self._bytes = 0

    @contextmanager
    def reader(self, job_id: JobId) -> Iterator[Feed]:
        """Read this log, together with whoever does."""
        feed = self._feeds.get(job_id)
        if feed is None:
            stack = ExitStack()
            hint = stack.enter_context(self._signals.listen(f"logs/{job_id}"))
            feed = self._feeds[job_id] = Feed(
                job_id, hint, Recent(partial(self._look, job_id)), stack
            )
        feed.readers += 1
        try:
            yield feed
        finally:
            feed.readers -= 1
            if not feed.readers:
                self._forget(feed)

    def _forget(self, feed: Feed) -> None:
        feed.until_last.close()
        del self._feeds[feed.job_id]
        for key in [key for key in self._pieces if key[0] == feed.job_id]:
            self._bytes -= len(self._pieces.pop(key).events)

    def heard(self, run: RunId, kept: Kept) -> None:
        """Something was stored just now."""
        feed = self._feeds.get(JobId(run[0]))
        if feed is None:
            return
        first = Position(run[1], kept.first)
        feed.fresh[Position(run[1], kept.first - 1)] = Packed(first, kept.lines, kept.body)
        while sum(len(part.body) for part in feed.fresh.values()) > FRESH_BYTES:
            feed.fresh.popitem(last=False)
        feed.empty = (Position(run[1], kept.first + kept.lines - 1), -1, time.monotonic())

    async def next(self, feed: Feed, at: Position) -> Piece | None:
        """The next events after a position; None when there are none now.

        Raises:
            Unavailable: the database does not answer.
        """
        piece = self._pieces.get((feed.job_id, at))
        if piece is not None:
            self._pieces.move_to_end((feed.job_id, at))
            return piece
        news = feed.look()
        if feed.empty is not None:
            place, then, looked_at = feed.empty
            if place == at and then in (news, -1) and time.monotonic() - looked_at < LOOK_S:
                return None
        known = feed.reading.get(at)
        if known is None or known[0] != news:  # one that began before the news may miss it
            known = feed.reading[at] = (news, asyncio.create_task(self._read(feed, at, news)))
        return await asyncio.shield(known[1])

    async def _read(self, feed: Feed, at: Position, news: int) -> Piece | None:
        looked_at = time.monotonic()
        try:
            part = feed.fresh.pop(at, None) if at.seq >= 0 else None
            found = [part] if part else await self.logs.packed(feed.job_id, at)
        finally:
            if feed.reading.get(at, (-1,))[0] == news:
                del feed.reading[at]
        if not found:
            feed.empty = (at, news, looked_at)
            return None
        first: Piece | None = None
        for part in found:
            for piece in pieces(part):
                first = first or piece
                self._keep(feed, at, piece)
                at = piece.last
                await asyncio.sleep(0)  # putting lines into words takes its time
        return first

    def _keep(self, feed: Feed, at: Position, piece: Piece) -> None:
        """Within an attempt what follows a line never changes; lines of an earlier attempt may still come in."""
        key = (feed.job_id, at)
        if at.attempt != piece.last.attempt or not feed.readers or key in self._pieces:
            return
        self._pieces[key] = piece
        self._bytes += len(piece.events)
        while self._bytes > KEPT_BYTES:
            self._bytes -= len(self._pieces.popitem(last=False)[1].events)


def pieces(part: Packed) -> Iterator[Piece]:
    """Packed lines as events, some at a time."""
    body, at = part.body, 0
    attempt, seq = part.first.attempt, part.first.seq
    while at < len(body):
        end = (body.rfind(b"\n", at, at + PIECE) + 1) or body.index(b"\n", at) + 1
        records = body[at:end].decode(errors="replace").split("\n")[:-1]
        yield Piece(Position(attempt, seq + len(records) - 1), events(attempt, seq, records))
        at, seq = end, seq + len(records)


def events(attempt: int, first: int, records: Sequence[str]) -> bytes:
    """One event for each record. All in them is ASCII, so whatever a program printed, no line of it begins a field."""
    head, middle = f"id: {attempt}-", f'\nevent: log\ndata: {{"attempt": {attempt}, "seq": '
    return "".join(
        [
            f'{head}{seq}{middle}{seq}, "at_ms": {int(one[:13])}'
            f"{_NAMED[one[19]]}{encode_basestring_ascii(one[20:])}{_ENDS[one[19]]}"
            for seq, one in enumerate(records, first)
        ]
    ).encode()

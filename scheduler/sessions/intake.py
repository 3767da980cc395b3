"""The way of log lines from sessions to rows: some of every run in each transaction, then word to the agents.

A run that prints without end fills its own queue only; the next round takes of every queue again.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from chain.instruments import counter
from chain.job import JobId
from chain.trace import mark
from chain.wire import Ack, LogLines, RunLines, run_key
from scheduler.rows.batch import NO_ANSWER
from scheduler.rows.database import Store
from scheduler.sessions.lines import Chunk, Kept, store_lines
from scheduler.sessions.links import Standing, standing
from scheduler.sessions.session import NO_ROWS, RunId, Session, close
from scheduler.signals import Signals

log = structlog.get_logger()
BYTES_A_ROUND = 2 * 1024**2  # of one transaction; its other writers wait so long
FLOW_BYTES = 64 * 1024  # of a round that was of a flow
GATHER_S = 0.01  # after such a one that was not full: each costs the same, however much it stores
WAITING_BYTES = 4 * 1024**2  # of one session; while more wait, it is not read from


@dataclass(frozen=True, slots=True)
class Item:
    """One run's part of one message, its bytes and its share of the message."""

    session: Session
    lines: RunLines
    size: int
    share: float

    @property
    def run(self) -> RunId:
        """Which run."""
        return self.lines.job_id, self.lines.attempt


class Intake:
    """Stores log lines.

    Args:
        limit: bytes that one run's log may have.
    """

    def __init__(self, store: Store, signals: Signals, limit: int) -> None:
        self._store = store
        self._signals = signals
        self._limit = limit
        self.on_kept: Callable[[RunId, Kept], None] = _pass_over  # hears what was stored just now
        self.taken = counter("draas_log_lines_total", "Log lines of containers taken.")
        self._queues: dict[tuple[Session, RunId], deque[Item]] = {}
        self._hint = asyncio.Event()
        self._round_done = asyncio.Condition()

    async def put(self, session: Session, message: LogLines, size: int) -> None:
        """Take a message of so many bytes in; waits while too much of this session waits."""
        for lines in message.runs:
            count = len(message.runs)
            item = Item(session, lines, size // count, 1 / count)
            self._queues.setdefault((session, item.run), deque()).append(item)
            session.waiting_bytes += item.size
        self._hint.set()
        async with self._round_done:
            await self._round_done.wait_for(lambda: session.waiting_bytes <= WAITING_BYTES)

    def drop(self, session: Session) -> None:
        """Forget what waits of a session that ended: nobody was told that it is stored."""
        for key in [key for key in self._queues if key[0] is session]:
            del self._queues[key]

    async def run(self) -> None:
        """Store until cancelled."""
        while True:
            await self._hint.wait()
            self._hint.clear()
            while self._queues:
                picked = await self._round()
                async with self._round_done:
                    self._round_done.notify_all()
                if FLOW_BYTES <= picked < BYTES_A_ROUND:
                    await asyncio.sleep(GATHER_S)

    def _pick(self) -> list[Item]:
        """As many messages as a transaction may hold, of every run in turn; whoever is passed over comes first next
        time."""
        picked: list[Item] = []
        size = 0
        while self._queues and size < BYTES_A_ROUND:
            for key in list(self._queues):
                if size >= BYTES_A_ROUND:
                    break
                queue = self._queues.pop(key)
                item = queue.popleft()
                item.session.waiting_bytes -= item.size
                picked.append(item)
                size += item.size
                if queue:
                    self._queues[key] = queue
        return picked

    async def _round(self) -> int:
        """Store some of what waits; how many bytes, 0 where the database did not answer."""
        picked = self._pick()
        try:
            async with self._store.write() as tx:
                stands = await standing(tx, {(one.session.agent, one.run) for one in picked})
                mine = [one for one in picked if stands[one.session.agent, one.run] == "claimed"]
                chunks = [
                    Chunk(one.session.agent, one.run, one.lines.first, one.lines.body)
                    for one in mine
                ]
                told, new = await store_lines(tx, chunks, self._limit)
        except NO_ANSWER as error:
            log.warning("lines.postponed", error=str(error)[:300])
            for session in {one.session for one in picked}:
                await close(session.socket, NO_ROWS, "the database does not answer")
            return 0
        for session in {one.session for one in picked}:
            theirs = [one.run for one in picked if one.session is session]
            of_session = {run: stands[session.agent, run] for run in theirs}
            session.post(ack(of_session, told))
        self._note(chunks)
        now = time.monotonic()
        for item, part in zip(mine, new, strict=True):
            if part is None:
                continue
            item.session.budget.give_back(item.share, item.size, now)
            if part.lines:
                self.on_kept(item.run, part)
        self._signals.notify(*{f"logs/{chunk.run[0]}" for chunk in chunks})
        return sum(item.size for item in picked)

    def _note(self, chunks: Sequence[Chunk]) -> None:
        """Count the lines, and trace the first of each run."""
        for chunk in chunks:
            self.taken.inc(chunk.lines)
            if chunk.first == 0:
                mark("first_log_line.kept", JobId(chunk.run[0]), chunk.run[1], int(chunk.body[:13]))


def _pass_over(run: RunId, kept: Kept) -> None:
    """Nobody reads along."""


def ack(stands: dict[RunId, Standing], told: dict[RunId, int]) -> Ack:
    """What to say of runs that lines have come of."""
    later: Sequence[Standing] = ("offered", "unknown")
    return Ack(
        cursors={run_key(*run): told[run] for run, how in stands.items() if how == "claimed"},
        later=[run_key(*run) for run, how in stands.items() if how in later],
        foreign=[run_key(*run) for run, how in stands.items() if how == "foreign"],
    )

"""Questions to the agents of watched runs, at moments that nobody can foresee, and soon after each report.

A probe's nonce is made of a block's hash, so that the answer, which the agent signs, was given after that block and
whatever was billed in it. A probe is written down before it is asked. It counts as unanswered only while the session it
was asked in goes on talking; a session that ended, on whichever side, makes it void.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass

import structlog
from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from chain.clock import ChainClock, unix_ms
from chain.convert import usage_of
from chain.evidence import probe_nonce, statement_of
from chain.job import Address, JobId, Usage
from chain.messages import Domain, is_signed_by
from chain.wire import Probe as Question
from chain.wire import ProbeAnswer
from scheduler.index.indexer import Indexer
from scheduler.rows import tables as t
from scheduler.rows.batch import NO_ANSWER
from scheduler.rows.database import Store
from scheduler.rows.leases import wake
from scheduler.sessions.hub import Hub
from scheduler.sessions.session import Session
from scheduler.sessions.sightings import (
    end_probe,
    forget_final,
    keep_probe,
    note_listening,
    take_answer,
)
from scheduler.sessions.witness import Probe
from scheduler.signals import Signals

log = structlog.get_logger()
TICK_S = 1.0
TIDY_S = 30
EVERY_MS = (10_000, 60_000)  # between two probes of a run
AFTER_REPORT_MS = 500  # at most, from a report to its probe
ANSWER_MS = 20_000  # for an answer; the agent asks its Engine for at most half of it
TALKS_MS = 10_000  # after that, the session must have gone on for so long
KEEP_MS = 3_600_000  # at least, of a run's probes
LISTENING_KEEP_MS = 7 * 86_400_000
_random = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class WatchedRun:
    """A run that is watched and not settled, with what it has reported."""

    job_id: JobId
    attempt: int
    provider: Address
    reported: Usage
    block_hash: str  # the last block that this is known of


@dataclass(slots=True)
class _Asked:
    """A probe that is out."""

    nonce: str
    run: WatchedRun
    session: Session
    until_ms: int
    talked_ms: int = 0  # when the session was first heard after that


class Prober:
    """Asks the agents whose sessions this process holds.

    Args:
        domain: where the agents' signatures hold.
        copy: this process's name among those that share the database.
        window_s: the escrow's challenge period.
    """

    def __init__(
        self,
        store: Store,
        signals: Signals,
        clock: ChainClock,
        indexer: Indexer,
        hub: Hub,
        domain: Domain,
        copy: str,
        window_s: int,
    ) -> None:
        self._store = store
        self._signals = signals
        self._clock = clock
        self._indexer = indexer
        self._hub = hub
        self._domain = domain
        self._copy = copy
        self._window_s = window_s
        self._out: dict[tuple[JobId, int], _Asked] = {}
        self._next: dict[tuple[JobId, int], tuple[int, Usage]] = {}
        hub.on_answer = self.take

    async def run(self) -> None:
        """Ask until cancelled."""
        ticks = 0
        while True:
            try:
                await self.tick(unix_ms())
                if ticks % TIDY_S == 0:
                    await self._tidy()
            except NO_ANSWER as error:
                log.warning("probes.postponed", error=str(error)[:300])
            ticks += 1
            await asyncio.sleep(TICK_S)

    async def tick(self, now_ms: int) -> None:
        """One round: note that we listen, see what came of the probes that are out, ask whoever is due."""
        async with self._store.read() as tx:
            watched = await watched_runs(tx)
        keys = {(run.job_id, run.attempt) for run in watched}
        self._next = {key: due for key, due in self._next.items() if key in keys}
        if not watched and not self._out:
            return
        live = {session.agent: session for session in self._hub.live()}
        if self._indexer.synced and live:
            async with self._store.write() as tx:
                await note_listening(tx, self._copy, now_ms)
        await self._conclude(live, now_ms)
        for run in watched:
            session = live.get(run.provider)
            if session is not None and self._is_due(run, now_ms):
                await self._ask(run, session, now_ms)

    def _is_due(self, run: WatchedRun, now_ms: int) -> bool:
        key = (run.job_id, run.attempt)
        due_ms, known = self._next.get(key, (now_ms, run.reported))
        if run.reported != known:
            due_ms = min(due_ms, now_ms + _random.randint(0, AFTER_REPORT_MS))
        self._next[key] = (due_ms, run.reported)
        return now_ms >= due_ms and key not in self._out

    async def _ask(self, run: WatchedRun, session: Session, now_ms: int) -> None:
        key = (run.job_id, run.attempt)
        nonce = probe_nonce(run.job_id, run.attempt, run.block_hash, now_ms)
        probe = Probe(nonce, now_ms, run.reported, block_hash=run.block_hash)
        keep_ms = max(KEEP_MS, 4000 * self._window_s)
        async with self._store.write() as tx:
            await keep_probe(tx, (run.job_id, run.attempt, run.provider), probe, keep_ms)
        self._next[key] = (now_ms + _random.randint(*EVERY_MS), run.reported)
        self._out[key] = _Asked(probe.nonce, run, session, now_ms + ANSWER_MS)
        question = Question(nonce=probe.nonce, job_id=run.job_id, attempt=run.attempt)
        if not self._hub.send(run.provider, question):
            await self._end(key, "void")

    async def take(self, session: Session, answer: ProbeAnswer) -> None:
        """An answer has come; only the one that was asked for, on the session that it was asked on, counts."""
        for key, asked in list(self._out.items()):
            if asked.nonce != answer.nonce or asked.session is not session:
                continue
            del self._out[key]
            answer = await asyncio.to_thread(self._believed, asked, answer)
            try:
                async with self._store.write() as tx:
                    await take_answer(tx, session.agent, answer, unix_ms())
                    await wake(tx, [key[0]])
            except NO_ANSWER as error:  # it stays open, which counts for nothing
                log.warning("probe.not_kept", job=key[0], error=str(error)[:300])
            self._signals.notify("work")

    def _believed(self, asked: _Asked, answer: ProbeAnswer) -> ProbeAnswer:
        """The answer, without a statement that is not its agent's word, or another than the answer."""
        told, run = answer.statement, asked.run
        if told is None:
            return answer
        statement = statement_of(run.job_id, run.attempt, asked.nonce, told)
        same = answer.usage is not None and statement.usage == usage_of(answer.usage)
        if same and is_signed_by(run.provider, self._domain, statement, told.signature):
            return answer
        log.warning("probe.forged", job=run.job_id, agent=run.provider)
        return answer.model_copy(update={"statement": None})

    async def _conclude(self, live: dict[Address, Session], now_ms: int) -> None:
        """Let go of the probes that were answered, or of which it is known that they were not."""
        for key, asked in list(self._out.items()):
            if live.get(asked.run.provider) is not asked.session:
                await self._end(key, "void")
            elif asked.session.last_seen_ms > asked.until_ms:
                asked.talked_ms = asked.talked_ms or now_ms
                if now_ms - asked.talked_ms >= TALKS_MS:
                    await self._end(key, "unanswered")

    async def _end(self, key: tuple[JobId, int], outcome: str) -> None:
        asked = self._out.pop(key, None)
        if asked is None:
            return
        async with self._store.write() as tx:
            if await end_probe(tx, asked.nonce, outcome) and outcome == "unanswered":
                await wake(tx, [key[0]])
        if outcome == "unanswered":
            log.info("probe.unanswered", job=key[0], agent=asked.run.provider)
            self._signals.notify("work")

    async def _tidy(self) -> None:
        final_before = (self._clock.now() // self._window_s - 1) * self._window_s
        async with self._store.write() as tx:
            await forget_final(tx, final_before, unix_ms() - LISTENING_KEEP_MS)


async def watched_runs(tx: AsyncConnection) -> list[WatchedRun]:
    """The runs that are watched and take reports."""
    s, r, at = t.sightings.c, t.runs.c, t.chain_state.c.cursor_hash
    same = and_(r.job_id == s.job_id, r.attempt == s.attempt, r.provider == s.provider)
    query = select(s.job_id, s.attempt, s.provider, r.usage, at).select_from(t.sightings)
    query = query.join(t.runs, same).join(t.chain_state, at.is_not(None))
    rows = await tx.execute(query.where(s.is_open, r.settled.is_(False)))
    return [
        WatchedRun(JobId(row.job_id), row.attempt, row.provider, row.usage, row.cursor_hash)
        for row in rows
    ]

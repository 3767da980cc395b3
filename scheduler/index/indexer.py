"""Follows the contract: every event becomes rows, once, in the same transaction as the cursor that passed it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from web3 import AsyncWeb3

from chain import events as ev
from chain import trace
from chain.clock import ChainClock
from chain.errors import Conflict, DraasError, Unavailable
from chain.escrow import Escrow
from chain.follow import TAIL, Batch, Cursor, next_batch
from chain.headers import hash_at, identity_of
from chain.heads import Heads
from chain.instruments import counter
from chain.job import Address, JobId
from chain.nodes import another_node, one_node, turn
from scheduler.index.apply import apply_batch
from scheduler.index.changes import concern_agents, fold_batch, load_before
from scheduler.index.repair import repair
from scheduler.index.undo import KEEP_BLOCKS, Overtaken, move_cursor, roll_back
from scheduler.rows import tables as t
from scheduler.rows.database import NoRows, Store
from scheduler.rows.leases import wake
from scheduler.signals import AGENTS, CLAIMS, EVERYTHING, HEAD, Signals

log = structlog.get_logger()
FIRST_RANGE, MAX_RANGE = 100, 2000  # blocks read at once, far below the head
FEW, MANY = 1_000, 5_000  # events of a range; with fewer it grows, with more it shrinks
PATIENCE_S = 3.0  # with a node that is behind, or contradicts what was read
PAUSE_S = 2.0  # after a fault
HEAD_S, HEAD_LOOK_S = 1.0, 0.3  # at most without a step; where new heads are not pushed
CLAIMS_GAP_S = 0.1  # at least, between looks for agents' sake
BEHIND = "the node is behind what was read before"


@dataclass(frozen=True, slots=True)
class Position:
    """Where the rows stand."""

    cursor: Cursor | None
    known: list[Cursor]  # to which they can be taken back
    chain: tuple[int, str]  # id and first block


class Indexer:
    """Keeps the chain rows equal to the chain."""

    def __init__(
        self,
        w3: AsyncWeb3[Any],
        escrow: Escrow,
        store: Store,
        signals: Signals,
        clock: ChainClock,
        me: Address,
        from_block: int,
        confirmations: int,
    ) -> None:
        self._w3 = w3
        self._escrow = escrow
        self._store = store
        self._signals = signals
        self._clock = clock
        self._me = me
        self._from_block = from_block
        self._confirmations = confirmations
        self._range = FIRST_RANGE
        self.taken = counter("draas_events_indexed_total", "Events that became rows.")
        self.undone = counter("draas_reorganisations_total", "Times that blocks were rolled back.")
        self._unreadable: set[JobId] = set()  # their text is none, so that they cannot be kept
        self._is_sure = False  # that the node is on the chain of the rows
        self._troubled_since: float | None = None
        self._heads = Heads(w3, HEAD_LOOK_S)
        self._heeded = 0.0  # when it last looked for agents' sake
        self.head = 0
        self._head_hash = ""
        self.cursor = 0
        self.fault = "the chain has not been read yet"  # empty while all is well

    @property
    def synced(self) -> bool:
        """Whether the rows tell all that the chain has confirmed."""
        return not self.fault

    @property
    def lag(self) -> int:
        """Blocks of the chain that are not read yet."""
        return max(0, self.head - self.cursor)

    async def run(self) -> None:
        """Follow until cancelled. A node or a database that does not answer costs time only."""
        with self._signals.listen(CLAIMS) as claims:
            while True:
                try:
                    if not await self.step():
                        self._bear_with_it()
                        await self._wait(claims)
                except DraasError:
                    self._bear_with_it()
                    await asyncio.sleep(PAUSE_S)
                except SQLAlchemyError as error:
                    self._tell("the database does not answer", type(error).__name__)
                    await asyncio.sleep(PAUSE_S)

    async def _wait(self, claims: asyncio.Event) -> None:
        """For a new block; an agent that says that it has claimed a job has seen one."""
        waits = [asyncio.create_task(self._heads.wait(HEAD_S)), asyncio.create_task(claims.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()
        if claims.is_set():
            claims.clear()
            await asyncio.sleep(self._heeded + CLAIMS_GAP_S - time.monotonic())
            self._heeded = time.monotonic()

    def _tell(self, fault: str, more: str) -> None:
        if fault != self.fault:
            log.warning("chain.degraded", fault=more)
        self.fault = fault

    def _bear_with_it(self) -> None:
        """A node with a fault that lasts is left for another."""
        now = time.monotonic()
        if self.synced:
            self._troubled_since = None
        elif self._troubled_since is None:
            self._troubled_since = now
        elif now - self._troubled_since > PATIENCE_S:
            self._troubled_since = None
            turn(self._w3, self.fault)

    async def step(self) -> bool:
        """Read one batch; says whether there is more to read at once.

        Raises:
            Conflict: the node's chain is another, or was reorganised deeper than is known.
            Unavailable: the node does not answer.
        """
        try:
            return await self._step()
        except DraasError as error:
            self._tell(error.message, str(error))
            if isinstance(error, Unavailable) and not isinstance(error, NoRows):
                turn(self._w3, error.message)
            raise

    async def _step(self) -> bool:
        began_ns, at = time.time_ns(), await self._position()
        w3 = await one_node(self._w3)
        was_sure, self._is_sure = self._is_sure, False
        if not was_sure:
            await self._check_chain(w3, at)
        batch = await self._read(w3, at)
        if batch.rolled_back:
            await self._check_chain(w3, at)
        try:
            touched = await self._take(w3, batch, at.cursor)
        except Overtaken:
            self._is_sure = True
            return True
        self._is_sure = not batch.lagging
        self._count(batch, began_ns)
        self._note(batch, await self._why_behind(w3) if batch.lagging else "")
        if touched:
            self._signals.touched(touched)
        if batch.rolled_back:
            self._signals.notify(EVERYTHING)  # also whoever had what is gone now
        elif concern_agents(batch.events):
            self._signals.notify(AGENTS)
        return bool(self.fault) and not batch.lagging

    async def _read(self, w3: AsyncWeb3[Any], at: Position) -> Batch:
        try:
            return await next_batch(
                w3,
                self._escrow,
                at.cursor,
                self._from_block,
                self._confirmations,
                max_range=self._span(at.cursor),
                known=at.known,
                other=another_node(self._w3),
            )
        except Conflict:
            await self._check_chain(w3, at)  # it may say more
            raise

    def _span(self, cursor: Cursor | None) -> int:
        """How many blocks to read at once. The first one alone, and few near the head: a reorganisation takes rows
        back to the end of a batch."""
        if cursor is None:
            return 1
        deep = self.head - KEEP_BLOCKS - cursor.number
        return min(self._range, deep) if deep > TAIL else TAIL

    def _note(self, batch: Batch, fault: str) -> None:
        """What is seen from outside."""
        before, self._head_hash = (self._head_hash, self.cursor), batch.head_hash
        self.head = batch.head
        self._clock.observe(batch.head_time)
        self.cursor = batch.cursor.number if batch.cursor else self._from_block - 1
        if (self._head_hash, self.cursor) != before:
            self._signals.hear([HEAD])  # other copies look for themselves
        behind = batch.rolled_back or self.cursor < batch.head - self._confirmations
        self.fault = fault or ("reading" if behind else "")
        if len(batch.events) > MANY:
            self._range = max(TAIL + 1, self._range // 2)
        elif len(batch.events) < FEW:
            self._range = min(MAX_RANGE, self._range * 2)

    def _count(self, batch: Batch, began_ns: int) -> None:
        """Count what was taken, and begin the traces of jobs that are for us."""
        self.undone.inc(batch.rolled_back)
        self.taken.inc(len(batch.events))
        for event in batch.events:
            if isinstance(event, ev.JobPosted) and event.terms.scheduler == self._me:
                trace.posted(JobId(event.job_id), event.at.timestamp, began_ns)

    async def _position(self) -> Position:
        async with self._store.read() as tx:
            row = (await tx.execute(select(t.chain_state))).one()
            rows = (await tx.execute(select(t.blocks))).all()
        known = [Cursor(block.number, block.hash) for block in rows]
        at = None if row.cursor_number is None else Cursor(row.cursor_number, row.cursor_hash)
        return Position(at, known, (row.chain_id, row.genesis))

    async def _check_chain(self, w3: AsyncWeb3[Any], at: Position) -> None:
        """Whether the node is on the chain of the rows: asked at first, after every fault, and when its chain differs.

        Raises:
            Conflict: it is not.
        """
        chain_id, genesis = await identity_of(w3)
        if (chain_id, genesis) != at.chain:
            raise Conflict(
                f"The node's chain ({chain_id}, first block {genesis[:10]}) is not the one that was read "
                f"({at.chain[0]}, first block {at.chain[1][:10]}).",
                "Point RPC_URL at the chain that was read, or start from an empty database.",
            )

    async def _why_behind(self, w3: AsyncWeb3[Any]) -> str:
        """A chain that was begun anew is shorter too, at first: then its blocks are others."""
        c = t.events.c
        async with self._store.read() as tx:
            oldest = select(c.block_number, c.block_hash).order_by(c.block_number).limit(1)
            first = (await tx.execute(oldest)).first()
        found = await hash_at(w3, first.block_number) if first is not None else None
        if first is None or found in (None, first.block_hash):
            return BEHIND
        return f"The node's chain is not the one that was read: its block {first.block_number} is another."

    async def _take(self, w3: AsyncWeb3[Any], batch: Batch, at: Cursor | None) -> set[JobId]:
        """Rows and cursor in one transaction; returns the jobs that changed.

        Raises:
            Overtaken: another process was faster.
        """
        if batch.cursor is None or batch.cursor == at:
            return set()
        if batch.rolled_back:
            return await self._roll_back(at, batch.cursor)
        async with self._store.read() as tx:
            before = await load_before(tx, batch.events)
        after = fold_batch(batch.events, before, self._is_readable)
        after.broken -= self._unreadable
        if after.broken:
            self._unreadable |= await repair(
                w3, self._escrow, self._store, self._from_block, batch.cursor, before, after, self._is_readable
            )  # fmt: skip
        undoable = batch.cursor.number > batch.head - KEEP_BLOCKS
        async with self._store.write() as tx:
            await apply_batch(tx, at, batch.cursor, before, after, self._me, undoable)
        return after.touched

    async def _roll_back(self, at: Cursor | None, to: Cursor) -> set[JobId]:
        """Blocks that were read are no longer the chain's. What this scheduler did and saw is in other rows, and
        stays."""
        log.warning("chain.rolled_back", to=to.number)
        async with self._store.write() as tx:
            await move_cursor(tx, at, to)
            jobs = await roll_back(tx, to)
            await wake(tx, jobs)
        return jobs

    def _is_readable(self, event: ev.JobPosted) -> bool:
        """Terms whose text is no UTF-8 cannot be given back as they were posted."""
        return self._escrow.job_id(event.terms) == event.job_id

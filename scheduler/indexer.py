"""Follows the contract: every event becomes rows, once, in the same transaction as the cursor that passed it."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import fields, is_dataclass

import structlog
from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from web3 import AsyncWeb3
from web3.providers import AsyncBaseProvider

from chain import events as ev
from chain import trace
from chain.errors import DraasError
from chain.escrow import Escrow
from chain.follow import Batch, Cursor, next_batch
from chain.instruments import counter
from chain.job import Address, JobId
from scheduler import tables as t
from scheduler.fold import fold
from scheduler.signals import ChainClock, Signals
from scheduler.store import (
    Store,
    disputed_job,
    forget_job,
    insert_new,
    load_job,
    save_job,
    upsert,
    wake_job,
)

log = structlog.get_logger()
KEEP_BLOCKS = 256  # cursors kept, by which a common ancestor is found
POLL_S = 0.5


class Indexer:
    """Keeps the chain rows equal to the chain."""

    def __init__(
        self,
        w3: AsyncWeb3[AsyncBaseProvider],
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
        self.taken = counter("draas_events_indexed_total", "Events that became rows.")
        self.undone = counter("draas_reorganisations_total", "Times that blocks were rolled back.")
        self.head = 0
        self.cursor = 0
        self.fault = "the chain has not been read yet"  # empty while all is well

    @property
    def synced(self) -> bool:
        """Whether the rows tell all that the chain has confirmed."""
        return not self.fault

    async def run(self) -> None:
        """Follow until cancelled. A node that does not answer costs time only."""
        while True:
            try:
                behind = await self.step()
                pause = 0.0 if behind else POLL_S
            except DraasError as error:
                if error.message != self.fault:
                    log.warning("chain.degraded", fault=str(error))
                self.fault = error.message
                pause = 2.0
            await asyncio.sleep(pause)

    async def step(self) -> bool:
        """Read one batch; says whether there is more to read at once."""
        cursor, known = await self._position()
        began_ns = time.time_ns()
        batch = await next_batch(
            self._w3, self._escrow, cursor, self._from_block, self._confirmations, known=known
        )
        self.head = batch.head
        self._clock.observe(batch.head_time)
        touched = await self._apply(batch, cursor)
        at = batch.cursor.number if batch.cursor else self._from_block - 1
        self.cursor = at
        behind = batch.rolled_back or at < batch.head - self._confirmations
        self.fault = (
            "the node is behind what was read before"
            if batch.lagging
            else "reading"
            if behind
            else ""
        )
        self.taken.inc(len(batch.events))
        for event in batch.events:
            if isinstance(event, ev.JobPosted) and event.terms.scheduler == self._me:
                trace.posted(JobId(event.job_id), event.at.timestamp, began_ns)
        if touched:
            self._signals.touched(touched)
        return behind and not batch.lagging

    async def _position(self) -> tuple[Cursor | None, list[Cursor]]:
        async with self._store.read() as tx:
            row = (await tx.execute(select(t.chain_state))).one()
            rows = (await tx.execute(select(t.blocks).order_by(t.blocks.c.number.desc()))).all()
        known = [Cursor(block.number, block.hash) for block in rows]
        at = None if row.cursor_number is None else Cursor(row.cursor_number, row.cursor_hash)
        return at, known

    async def _apply(self, batch: Batch, before: Cursor | None) -> set[JobId]:
        """Rows and cursor in one transaction; returns the jobs that changed."""
        touched: set[JobId] = set()
        if not batch.events and batch.cursor == before and not batch.rolled_back:
            return touched
        async with self._store.write() as tx:
            if batch.rolled_back:
                touched |= await self._roll_back(tx)
            for event in batch.events:
                job_id = await self._take(tx, event)
                if job_id is not None:
                    touched.add(job_id)
            await self._move(tx, None if batch.rolled_back else batch.cursor)
        return touched

    async def _move(self, tx: AsyncConnection, cursor: Cursor | None) -> None:
        values = {
            "cursor_number": cursor.number if cursor else None,
            "cursor_hash": cursor.hash if cursor else None,
        }
        await tx.execute(update(t.chain_state).values(values))
        if cursor is not None:
            await upsert(tx, t.blocks, {"number": cursor.number, "hash": cursor.hash})
            await tx.execute(
                delete(t.blocks).where(t.blocks.c.number < cursor.number - KEEP_BLOCKS)
            )

    async def _roll_back(self, tx: AsyncConnection) -> set[JobId]:
        """Blocks that were read are no longer the chain's: drop every chain row, and read it all again. What
        this scheduler did and saw is in other rows, and stays."""
        log.warning("chain.rolled_back")
        self.undone.inc()
        jobs = {JobId(job_id) for job_id in (await tx.execute(select(t.jobs.c.job_id))).scalars()}
        for table in t.CHAIN_ROWS:
            await tx.execute(delete(table))
        return jobs

    async def _take(self, tx: AsyncConnection, event: ev.Event) -> JobId | None:
        """One event into rows; a second time changes nothing."""
        job_id = await _job_of(tx, event)
        row = {
            "block_hash": event.at.block_hash,
            "log_index": event.at.log_index,
            "block_number": event.at.block_number,
            "tx_hash": event.at.tx_hash,
            "at": event.at.timestamp,
            "name": type(event).__name__,
            "job_id": job_id,
            "data": json.dumps(event_data(event)),
        }
        if not await insert_new(tx, t.events, row):
            return None
        await _take_provider(tx, event)
        if job_id is None:
            return None
        before = await load_job(tx, job_id)
        if isinstance(event, ev.JobPosted) and self._escrow.job_id(event.terms) != job_id:
            return None  # its text is no UTF-8, so its terms cannot be given back
        facts = fold(before, event)
        if facts is None:
            return None
        if facts != before:
            if facts.attempt != (before.attempt if before else facts.attempt):
                await tx.execute(delete(t.offers).where(t.offers.c.job_id == job_id))
            await forget_job(tx, job_id)
            await save_job(tx, facts)
        if before is None and facts.terms.scheduler == self._me:
            await insert_new(tx, t.work, _new_work(facts.job_id, event.at.timestamp))
        await wake_job(tx, job_id)
        return job_id


def _new_work(job_id: JobId, now: int) -> dict[str, object]:
    waiting: dict[str, object] = {"job_id": job_id, "phase": "fetching", "why": "", "since": now}
    return waiting | {"due_at": 0, "tries": 0, "lease_until_ms": 0, "lease_epoch": 0}


async def _job_of(tx: AsyncConnection, event: ev.Event) -> JobId | None:
    """The job that an event is about; what is told of a dispute names its number only."""
    match event:
        case ev.Ruling(dispute_id=dispute_id) | ev.Evidence(evidence_group_id=dispute_id):
            return await disputed_job(tx, dispute_id)
        case _:
            return JobId(event.job_id) if hasattr(event, "job_id") else None


async def _take_provider(tx: AsyncConnection, event: ev.Event) -> None:
    match event:
        case ev.ProviderRegistered(provider=provider, bonded=bonded):
            await _set_provider(tx, provider, {"bonded": bonded, "unbond_at": 0})
        case ev.BondSlashed(provider=provider, units=units):
            await _set_provider(tx, provider, {"bonded": t.providers.c.bonded - units})
        case ev.RatesSet(provider=provider, rate_card=card, rates=rates):
            await _set_provider(tx, provider, {"rate_card": card})
            row = {"provider": provider, "rate_card": card, "rates": rates}
            await upsert(tx, t.rate_cards, row)
        case ev.UnbondStarted(provider=provider, unbond_at=unbond_at):
            await _set_provider(tx, provider, {"unbond_at": unbond_at})
        case ev.BondWithdrawn(provider=provider):
            await _set_provider(tx, provider, {"bonded": 0, "unbond_at": 0})
        case _:
            return


async def _set_provider(
    tx: AsyncConnection, provider: Address, values: dict[str, int | ColumnElement[int]]
) -> None:
    blank: dict[str, object] = {"provider": provider, "bonded": 0, "unbond_at": 0, "rate_card": 0}
    blank |= {"completed": 0, "lapsed": 0, "disputes_lost": 0}
    await insert_new(tx, t.providers, blank)
    await tx.execute(update(t.providers).where(t.providers.c.provider == provider).values(values))


def event_data(event: ev.Event) -> dict[str, str]:
    """An event's arguments as text; the terms are left out, since the job has them."""
    skipped = ("at", "job_id", "terms")
    flat: dict[str, str] = {}
    for field in fields(event):
        value = getattr(event, field.name)
        if field.name in skipped:
            continue
        if is_dataclass(value):
            flat |= {part.name: str(getattr(value, part.name)) for part in fields(value)}
        else:
            flat[field.name.rstrip("_")] = str(value)
    return flat

"""An indexer with a database of its own, for the tests to move on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from chain.clock import ChainClock
from chain.job import ZERO_ADDRESS, Address, JobId, Usage
from scheduler.index.indexer import Indexer
from scheduler.rows import tables as t
from scheduler.rows.database import Store, open_store
from scheduler.rows.facts import JobFacts
from scheduler.rows.states import Moment
from scheduler.rows.store import bind_chain, load_job
from scheduler.signals import Signals
from tests.fixtures_chain import RULES, ChainMarket


@dataclass
class Reading:
    """An indexer with its database."""

    market: ChainMarket
    store: Store
    signals: Signals
    indexer: Indexer
    clock: ChainClock

    async def to_the_head(self) -> None:
        for _ in range(100):
            if not await self.indexer.step() and self.indexer.synced:
                return
        raise AssertionError(self.indexer.fault)

    def moment(self) -> Moment:
        return Moment(self.clock.now(), RULES)

    async def job(self, job_id: JobId) -> JobFacts | None:
        async with self.store.read() as tx:
            return await load_job(tx, job_id)

    async def rows(self) -> dict[str, list[Any]]:
        """Everything that comes from the chain."""
        kept = (t.events, t.jobs, t.runs, t.providers, t.rate_cards, t.work)
        async with self.store.read() as tx:
            return {
                table.name: sorted(map(str, (await tx.execute(select(table))).all()))
                for table in kept
            }


@asynccontextmanager
async def reading(market: ChainMarket, where: str | Path) -> AsyncIterator[Reading]:
    """An indexer whose rows are in the database of an address, or in a file."""
    store = await open_store(f"sqlite:///{where}" if isinstance(where, Path) else where)
    try:
        book = market.book
        await bind_chain(store, book.chain_id, book.genesis, book.escrow)
        signals, clock = Signals(), ChainClock()
        me = Address(market.scheduler.address)
        start = book.deployed_at_block
        indexer = Indexer(market.w3, market.escrow, store, signals, clock, me, start, 0)
        yield Reading(market, store, signals, indexer, clock)
    finally:
        await store.close()


async def a_whole_life(market: ChainMarket) -> JobId:
    """Posted, claimed, reported, completed, refunded."""
    await market.with_provider()
    terms = await market.with_job()
    job_id = market.escrow.job_id(terms)
    await market.claimed(terms)
    await market.pass_time(2)
    report = (job_id, 1, Usage(cpu_ms=10, wall_s=1))
    await market.send(market.provider, market.escrow.report_usage([report]))
    done = market.escrow.complete_job(job_id, 1, Usage(cpu_ms=20, wall_s=1), 3, "")
    await market.send(market.provider, done)
    await market.send(market.consumer, market.escrow.refund(terms, ZERO_ADDRESS))
    return job_id

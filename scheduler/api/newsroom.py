"""What is new in the market, for all who follow it: found once, and told to each as far as it has not heard of it.

Nobody who follows is told what the rows say now: that is asked for, by who needs it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog
from sqlalchemy import select, union

from chain.job import Address
from chain.market_api import News
from scheduler.index.indexer import Indexer
from scheduler.rows import tables as t
from scheduler.rows.batch import NO_ANSWER
from scheduler.rows.database import Store
from scheduler.signals import AGENTS, EVERYTHING, HEAD, JOBS, TOUCHED, Signals, wait_for

log = structlog.get_logger()
GAP_S = 0.2  # between two looks
MOST_JOBS = 500  # of which it is looked up whose they are; of more, all is said to have changed
MOST_PARTIES = 500
ALIVE_S = 10.0


@dataclass(slots=True)
class Change:
    """What has happened.

    Args:
        parties: whose deployments may have changed; None for everybody's.
        agents: whether the list of agents may have.
    """

    parties: set[Address] | None
    agents: bool

    def add(self, later: Change) -> None:
        """This and that."""
        self.agents |= later.agents
        if self.parties is not None and later.parties is not None:
            self.parties |= later.parties
        else:
            self.parties = None
        if self.parties is not None and len(self.parties) > MOST_PARTIES:
            self.parties = None


class Reader:
    """One who follows. What happens while it does not listen is put together."""

    def __init__(self) -> None:
        self.due = asyncio.Event()
        self._change = Change(None, True)  # what came before is not known
        self.due.set()

    def tell(self, change: Change) -> None:
        """Something happened."""
        self._change.add(change)
        self.due.set()

    def take(self) -> Change:
        """All that was not taken yet."""
        self.due.clear()
        found, self._change = self._change, Change(set(), False)
        return found


class Newsroom:
    """Gathers hints while it runs."""

    def __init__(self, store: Store, signals: Signals, indexer: Indexer) -> None:
        self._store = store
        self._signals = signals
        self._indexer = indexer
        self._readers: set[Reader] = set()

    async def run(self) -> None:
        """Until cancelled."""
        with self._signals.gather(AGENTS, HEAD, JOBS, TOUCHED) as names:
            while True:
                heard = await names.take()
                if self._readers:
                    change = await self._change(heard)
                    for reader in self._readers:
                        reader.tell(change)
                await asyncio.sleep(GAP_S)

    async def follow(self) -> AsyncIterator[News]:
        """At once, whenever something has changed, and now and then when nothing has."""
        with self._reader() as reader:
            while True:
                await wait_for(reader.due, ALIVE_S)
                change = reader.take()
                parties = None if change.parties is None else sorted(change.parties)
                yield News(
                    head=self._indexer.head,
                    read=self._indexer.cursor,
                    parties=parties,
                    agents=change.agents,
                )

    @contextmanager
    def _reader(self) -> Iterator[Reader]:
        reader = Reader()
        self._readers.add(reader)
        try:
            yield reader
        finally:
            self._readers.discard(reader)

    async def _change(self, heard: set[str]) -> Change:
        jobs = {name.partition("/")[2] for name in heard if name.startswith((JOBS, TOUCHED))}
        is_claimed = any(
            name.startswith(TOUCHED) for name in heard
        )  # or ended: room was taken, or given back
        agents = AGENTS in heard or EVERYTHING in heard or is_claimed
        if EVERYTHING in heard or len(jobs) > MOST_JOBS:
            return Change(None, agents)
        try:
            return Change(await self._parties(jobs), agents)
        except NO_ANSWER as error:
            log.warning("news.unknown", error=str(error)[:300])
            return Change(None, agents)

    async def _parties(self, jobs: set[str]) -> set[Address]:
        if not jobs:
            return set()
        j, r = t.jobs.c, t.runs.c
        query = union(
            select(j.consumer).where(j.job_id.in_(jobs)),
            select(r.provider).where(r.job_id.in_(jobs)),
        )
        async with self._store.read() as tx:
            return set((await tx.execute(query)).scalars())

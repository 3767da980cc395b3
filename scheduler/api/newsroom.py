"""What is new in the market, for all who follow it: found and written down once, and told to each as far as it has not
heard of it.

Nobody who follows is told what the rows say now: that is asked for, by who needs it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

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
MOST_PARTIES = 100
ALIVE_S = 5.0  # a page that hears nothing for twice that long says so


@dataclass(frozen=True)
class Change:
    """What has happened.

    Args:
        head: the chain's newest block.
        read: the last one that the rows tell of.
        block: whether there is another one, or another was read.
        parties: whose deployments may have changed; None for everybody's.
        agents: whether the list of agents may have.
    """

    head: int
    read: int
    block: bool = False
    parties: frozenset[Address] | None = frozenset()
    agents: bool = False

    def and_then(self, later: Change) -> Change:
        """This and that."""
        both = None
        if self.parties is not None and later.parties is not None:
            both = self.parties | later.parties
        is_few = both is not None and len(both) <= MOST_PARTIES
        return Change(
            later.head,
            later.read,
            self.block or later.block,
            both if is_few else None,
            self.agents or later.agents,
        )

    @cached_property
    def text(self) -> str:
        """As JSON."""
        return News(
            head=self.head,
            read=self.read,
            block=self.block,
            parties=None if self.parties is None else sorted(self.parties),
            agents=self.agents,
        ).model_dump_json()


class Reader:
    """One who follows. What happens while it does not listen is put together."""

    def __init__(self) -> None:
        self.due = asyncio.Event()
        self._change: Change | None = None

    def tell(self, change: Change) -> None:
        """Something happened."""
        self._change = change if self._change is None else self._change.and_then(change)
        self.due.set()

    def take(self) -> Change | None:
        """All that was not taken yet."""
        self.due.clear()
        found, self._change = self._change, None
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

    async def follow(self) -> AsyncIterator[str]:
        """`News` as JSON: at once, whenever something has changed, and now and then when nothing has."""
        with self._reader() as reader:
            if not self._indexer.head:
                await reader.due.wait()  # for the first look at the chain
            reader.tell(self._everything())  # what came before is not known
            while True:
                await wait_for(reader.due, ALIVE_S)
                yield (reader.take() or self._now()).text

    @contextmanager
    def _reader(self) -> Iterator[Reader]:
        reader = Reader()
        self._readers.add(reader)
        try:
            yield reader
        finally:
            self._readers.discard(reader)

    def _now(
        self,
        block: bool = False,
        parties: frozenset[Address] | None = frozenset(),
        agents: bool = False,
    ) -> Change:
        return Change(self._indexer.head, max(0, self._indexer.cursor), block, parties, agents)

    def _everything(self) -> Change:
        return self._now(block=True, parties=None, agents=True)

    async def _change(self, heard: set[str]) -> Change:
        if EVERYTHING in heard:
            return self._everything()
        jobs = {name.partition("/")[2] for name in heard if name.startswith((JOBS, TOUCHED))}
        return self._now(HEAD in heard, await self._parties(jobs), AGENTS in heard)

    async def _parties(self, jobs: set[str]) -> frozenset[Address] | None:
        if len(jobs) > MOST_JOBS:
            return None
        if not jobs:
            return frozenset()
        j, r = t.jobs.c, t.runs.c
        query = union(
            select(j.consumer).where(j.job_id.in_(jobs)),
            select(r.provider).where(r.job_id.in_(jobs)),
        )
        try:
            async with self._store.read() as tx:
                found = frozenset((await tx.execute(query)).scalars())
        except NO_ANSWER as error:
            log.warning("news.unknown", error=str(error)[:300])
            return None
        return found if len(found) <= MOST_PARTIES else None

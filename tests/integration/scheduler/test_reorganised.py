"""After a reorganisation the rows are those that an empty database comes to, to the byte."""

from __future__ import annotations

import asyncio
import itertools
import random
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chain.errors import Conflict
from scheduler.index.indexer import Indexer
from scheduler.index.undo import Overtaken
from scheduler.rows import tables as t
from scheduler.rows.database import Store
from scheduler.rows.spending import reports
from tests.fixtures_chain import ChainMarket
from tests.fixtures_postgres import Postgres
from tests.integration.scheduler.busy import Busy
from tests.integration.scheduler.reading import Reading, reading

CHAIN_ROWS = (t.events, t.jobs, t.runs, t.providers, t.rate_cards, reports)
WAYS = ["dropped", "same", "some", "shuffled"]
DEPTHS = [1, 2, 3, 4, 5, 7, 8, 11, 15, 16, 17, 23, 29, 31, 32, 33, 41, 48, 55, 62, 63]


async def dump(one: Reading) -> dict[str, list[Any]]:
    """Every chain row as the database has it."""
    async with one.store.read() as tx:
        return {
            table.name: sorted(
                map(str, await tx.exec_driver_sql(f"SELECT * FROM {table.name}"))  # noqa: S608
            )
            for table in CHAIN_ROWS
        }


async def fresh(market: ChainMarket, where: str | Path) -> dict[str, list[Any]]:
    async with reading(market, where) as one:
        await one.to_the_head()
        return await dump(one)


@pytest.fixture
def another_url(
    request: pytest.FixtureRequest, database_url: str, tmp_path: Path
) -> Callable[[], str]:
    """Makes an empty database of the same kind."""
    numbers = itertools.count()

    def make() -> str:
        if database_url.startswith("sqlite"):
            return f"sqlite:///{tmp_path / f'fresh{next(numbers)}.sqlite3'}"
        server: Postgres = request.getfixturevalue("postgres")
        return server.create(request.getfixturevalue("postgres_template"))

    return make


@pytest.fixture
async def busy(quiet_market: ChainMarket) -> Busy:
    busy = Busy(quiet_market, random.Random(1))
    await busy.begin()
    return busy


@pytest.mark.parametrize("how", WAYS)
async def test_rows_after_any_reorganisation_are_those_of_a_fresh_index(
    busy: Busy, database_url: str, another_url: Callable[[], str], how: str
) -> None:
    await busy.act(70)
    async with reading(busy.market, database_url) as one:
        await one.to_the_head()
        seen = {name for name, found in (await dump(one)).items() if found}
        for depth in (*DEPTHS[WAYS.index(how) :: len(WAYS)], 64):
            await busy.reorganise(depth, how)
            await busy.act(3)
            await one.to_the_head()
            rows = await dump(one)
            assert rows == await fresh(busy.market, another_url())
            seen |= {name for name, found in rows.items() if found}
    assert seen == {table.name for table in CHAIN_ROWS}


async def test_a_reorganisation_touches_the_rows_of_its_blocks_only(
    busy: Busy, tmp_path: Path
) -> None:
    await busy.act(40)
    async with reading(busy.market, tmp_path / "rows.sqlite3") as one:
        await one.to_the_head()
        await busy.act(1)
        await one.to_the_head()
        async with one.store.write() as tx:
            await tx.execute(update(t.work).values(due_at=9))
        await busy.reorganise(1, "dropped")
        await one.indexer.step()
        async with one.store.read() as tx:
            woken = select(func.count()).select_from(t.work).where(t.work.c.due_at == 0)
            assert (await tx.execute(woken)).scalar() in (0, 1)


async def test_a_job_that_comes_back_goes_on_where_it_was(busy: Busy, tmp_path: Path) -> None:
    async with reading(busy.market, tmp_path / "rows.sqlite3") as one:
        await one.to_the_head()
        await busy.act(1)
        await one.to_the_head()
        async with one.store.write() as tx:
            await tx.execute(update(t.work).values(phase="building", due_at=9))
        await busy.reorganise(1, "dropped")
        await one.to_the_head()
        assert (await one.rows())["jobs"] == []
        (terms,) = busy.posted
        await busy._send(busy.market.consumer, busy.market.escrow.post_job(terms, 7))
        await one.to_the_head()
        facts = await one.job(busy.market.escrow.job_id(terms))
        async with one.store.read() as tx:
            work = (await tx.execute(select(t.work))).one()
    assert facts is not None
    assert facts.deposit == 7
    assert (work.phase, work.due_at) == ("building", 0)


async def test_deeper_than_what_is_kept_the_reader_stops_and_mixes_nothing_in(
    busy: Busy, tmp_path: Path
) -> None:
    await busy.act(10)
    async with reading(busy.market, tmp_path / "rows.sqlite3") as one:
        await one.to_the_head()
        before = await dump(one)
        async with one.store.write() as tx:
            await tx.execute(update(t.blocks).values(hash="0x" + "ee" * 32))
        await busy.reorganise(5, "dropped")
        await busy.act(2)
        with pytest.raises(Conflict, match="deeper"):
            await one.indexer.step()
        assert not one.indexer.synced
        assert await dump(one) == before


async def test_two_indexers_of_one_database_apply_each_event_once(
    busy: Busy, database_url: str, another_url: Callable[[], str]
) -> None:
    market = busy.market
    async with reading(market, database_url) as one, reading(market, database_url) as two:
        for _ in range(4):
            await busy.act(8)
            await busy.reorganise(3, "some")
            for _ in range(3):
                await asyncio.gather(one.indexer.step(), two.indexer.step())
        await one.to_the_head()
        await two.to_the_head()
        assert await dump(one) == await fresh(market, another_url())


async def test_a_batch_that_another_process_has_overtaken_is_dropped(
    busy: Busy, database_url: str
) -> None:
    market = busy.market
    async with reading(market, database_url) as slow, reading(market, database_url) as fast:
        await slow.to_the_head()
        await busy.act(3)
        at = await slow.indexer._position()
        batch = await slow.indexer._read(market.w3, at)
        for _ in range(2):
            await fast.to_the_head()
            await busy.act(3)
        rows = await dump(fast)
        with pytest.raises(Overtaken):
            await slow.indexer._take(market.w3, batch, at.cursor)
        assert await dump(fast) == rows


class Killed(BaseException):
    """As a process is: nothing of ours gets to see it."""


class Fragile(Store):
    """A database whose writer dies at a certain statement, or right after a certain commit."""

    dies_at = 0
    count = 0

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        async with super().write() as tx:
            yield cast(AsyncConnection, Counted(tx, self))
        self.pass_by()

    def pass_by(self) -> None:
        self.count += 1
        if self.count == self.dies_at:
            raise Killed


@dataclass
class Counted:
    """A transaction whose statements are counted."""

    tx: AsyncConnection
    store: Fragile

    @property
    def dialect(self) -> Any:
        return self.tx.dialect

    async def execute(self, *given: Any) -> Any:
        self.store.pass_by()
        return await self.tx.execute(*given)


async def test_an_indexer_killed_at_any_write_comes_to_the_same_rows(
    busy: Busy, tmp_path: Path
) -> None:
    """A reorganisation and new events wait; the twin of each number dies at the write of that number."""
    market = busy.market
    await busy.act(12)
    base = tmp_path / "base.sqlite3"
    async with reading(market, base) as one:
        await one.to_the_head()
    await busy.act(20)
    async with reading(market, base) as one:
        await one.to_the_head()
    await busy.reorganise(15, "some")
    await busy.act(5)
    expected = await fresh(market, tmp_path / "fresh.sqlite3")
    for number in itertools.count(1):
        path = tmp_path / f"{number}.sqlite3"
        shutil.copy(base, path)
        async with reading(market, path) as twin:
            died = await dies(twin, number)
            await twin.to_the_head()
            assert await dump(twin) == expected, number
        if not died:
            break
    assert number > 15


async def dies(twin: Reading, number: int) -> bool:
    """Let another indexer of the same database go on until it dies."""
    fragile = Fragile(twin.store.engine)
    fragile.dies_at = number
    market = twin.market
    victim = Indexer(
        market.w3, market.escrow, fragile, twin.signals, twin.clock, twin.indexer._me, market.book.deployed_at_block, 0
    )  # fmt: skip
    try:
        while await victim.step() or not victim.synced:
            pass
    except Killed:
        return True
    return False

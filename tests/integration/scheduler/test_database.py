"""The database opens, is brought up to date, and goes on after an outage, whichever kind it is."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, insert, select, text, update

from chain.errors import Conflict, Unavailable
from scheduler.rows import tables as t
from scheduler.rows.batch import insert_new, upsert
from scheduler.rows.database import Store, open_store
from tests.fixtures_postgres import Postgres

ENDED = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'draas-scheduler'"
DIES = """
import asyncio, os, sys
from sqlalchemy import event
from sqlalchemy.engine import Engine
from scheduler.rows.database import open_store

@event.listens_for(Engine, "before_cursor_execute")
def count(connection, cursor, statement, *_):
    if statement.lstrip().startswith("CREATE"):
        count.seen = getattr(count, "seen", 0) + 1
        if count.seen == int(sys.argv[2]):
            os._exit(137)

asyncio.run(open_store(sys.argv[1]))
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.sqlite3'}"
    server: Postgres = request.getfixturevalue("postgres")
    return server.create()


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    opened = await open_store(database_url)
    yield opened
    await opened.close()


@pytest.fixture
def own_server() -> Iterator[Postgres]:
    """A server that the test may stop."""
    with Postgres() as server:
        yield server


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, t.metadata))


async def test_the_migrations_make_the_tables_that_the_code_knows(empty_url: str) -> None:
    store = await open_store(empty_url)
    async with store.read() as tx:
        assert await tx.run_sync(differences) == []
    await store.close()


@pytest.mark.parametrize("step", [1, 2, 9, 20])
async def test_a_migration_killed_half_way_has_changed_nothing_and_is_done_by_the_next(
    empty_url: str, step: int
) -> None:
    killed = await asyncio.create_subprocess_exec(sys.executable, "-c", DIES, empty_url, str(step))
    assert await killed.wait() == 137
    store = await open_store(empty_url)
    async with store.read() as tx:
        assert await tx.run_sync(differences) == []
    await store.close()


async def test_copies_that_open_an_empty_database_at_once_make_its_tables_once(
    empty_url: str,
) -> None:
    stores = await asyncio.gather(*(open_store(empty_url) for _ in range(4)))
    for store in stores:
        await store.close()


async def test_a_database_of_a_newer_version_is_refused(store: Store, database_url: str) -> None:
    async with store.write() as tx:
        await tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Conflict, match="newer version"):
        await open_store(database_url)


async def test_a_database_that_is_not_there_is_told(tmp_path: Path) -> None:
    for url in (f"sqlite:///{tmp_path}/no/such/folder", f"postgresql://x@/x?host={tmp_path}"):
        with pytest.raises(Unavailable, match="does not open"):
            await open_store(url)


async def test_what_a_transaction_wrote_before_it_failed_is_not_there(store: Store) -> None:
    async def fail() -> None:
        async with store.write() as tx:
            await tx.execute(insert(t.blocks).values(number=1, hash="0x1"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with store.read() as tx:
        assert (await tx.execute(select(t.blocks))).all() == []


async def test_a_reader_sees_one_state_whatever_is_written_meanwhile(store: Store) -> None:
    async with store.read() as reader:
        before = (await reader.execute(select(t.blocks))).all()
        async with store.write() as tx:
            await tx.execute(insert(t.blocks).values(number=1, hash="0x1"))
        assert (await reader.execute(select(t.blocks))).all() == before == []
    async with store.read() as reader:
        assert len((await reader.execute(select(t.blocks))).all()) == 1


async def test_a_row_is_inserted_once_and_replaced_by_its_key(store: Store) -> None:
    async with store.write() as tx:
        assert await insert_new(tx, t.blocks, {"number": 1, "hash": "0x1"})
        assert not await insert_new(tx, t.blocks, {"number": 1, "hash": "0x2"})
        await upsert(tx, t.blocks, {"number": 1, "hash": "0x3"})
        assert (await tx.execute(select(t.blocks.c.hash))).scalar() == "0x3"


async def test_words_of_strangers_are_kept_without_what_no_database_can_keep(store: Store) -> None:
    row = {"cid": "c", "image_name": "", "tries": 0, "lease_until_ms": 0}
    async with store.write() as tx:
        await tx.execute(insert(t.builds).values(row | {"why": "a\0b\udc80", "log": "🦑"}))
        kept = (await tx.execute(select(t.builds.c.why, t.builds.c.log))).one()
    assert tuple(kept) == ("a\ufffdb?", "🦑")


async def test_two_processes_that_change_one_row_after_reading_it_lose_nothing(
    database_url: str,
) -> None:
    stores = [await open_store(database_url) for _ in range(3)]
    async with stores[0].write() as tx:
        await tx.execute(insert(t.blocks).values(number=0, hash="0"))

    async def count_up(store: Store) -> None:
        for _ in range(20):
            async with store.write() as tx:
                mine = select(t.blocks.c.hash).with_for_update()
                seen = (await tx.execute(mine)).scalar_one()
                await tx.execute(update(t.blocks).values(hash=str(int(seen) + 1)))

    await asyncio.gather(*map(count_up, stores))
    async with stores[0].read() as tx:
        assert (await tx.execute(select(t.blocks.c.hash))).scalar() == "60"
    for store in stores:
        await store.close()


async def test_an_outage_of_the_server_is_told_as_such_and_over_when_it_is_back(
    own_server: Postgres,
) -> None:
    store = await open_store(own_server.create())
    async with store.write() as tx:
        await tx.execute(insert(t.blocks).values(number=1, hash="0x1"))
        await tx.commit()
        own_server.stop()
        with pytest.raises(Unavailable):
            async with store.read() as reader:
                await reader.execute(select(t.blocks))
        own_server.start()
    async with store.read() as reader:
        assert (await reader.execute(select(t.blocks.c.number))).scalars().all() == [1]
    await store.close()


async def test_a_connection_that_the_server_ends_is_replaced(
    postgres: Postgres, postgres_url: str
) -> None:
    store = await open_store(postgres_url)

    async def lose() -> None:
        async with store.write() as tx:
            await tx.execute(insert(t.blocks).values(number=1, hash="0x1"))
            postgres.ask(ENDED)
            await tx.execute(insert(t.blocks).values(number=2, hash="0x2"))

    with pytest.raises(Unavailable):
        await lose()
    async with store.write() as tx:
        assert (await tx.execute(select(t.blocks))).all() == []
    await store.close()

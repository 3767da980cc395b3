"""The database: opening it, and its transactions.

One file of SQLite by default, PostgreSQL by its address. SQLite has one writer, so the writers of this process
take turns there; readers see one committed state, whatever is written meanwhile. Whatever the database does not
answer is `Unavailable`: nothing is known then, and it is tried again.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoneFree
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from chain.errors import Unavailable
from chain.journal_postgres import PATIENCE
from scheduler.rows.migrations import upgrade

POOL = 10  # connections of one process
SQLITE_POOL = 5  # the same, where each is a thread
WAIT_S = 10  # for a free connection, for a lock, for SQLite's writer
AGAIN_S = 0.02  # until a file that others open is asked again
STATEMENT_S = 30
IDLE_S = 60  # after which PostgreSQL ends a transaction in which nothing happens: a frozen process holds no locks
SILENCE = ("The database does not answer.", "It is asked again by itself.")


class NoRows(Unavailable):
    """The database did not answer. Says nothing of the chain, an Engine, or an agent."""


class Store:
    """The open database."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self._turn = asyncio.Lock()
        self.is_postgres = engine.dialect.name == "postgresql"
        self._writers = engine.execution_options(writing=True)
        self._readers = engine
        if self.is_postgres:
            snapshot = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
            self._readers = engine.execution_options(**snapshot)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """One transaction that writes. Nothing slow belongs inside.

        Raises:
            Unavailable: the database did not answer; the transaction may or may not have been kept.
        """
        with _answering():
            if self.is_postgres:
                async with self._writers.begin() as tx:
                    yield tx
            else:
                async with self._turn, self._writers.begin() as tx:
                    yield tx

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """One consistent view.

        Raises:
            Unavailable: the database did not answer.
        """
        with _answering():
            async with self._readers.connect() as tx:
                yield tx

    async def close(self) -> None:
        """Give all connections back."""
        await self.engine.dispose()


@contextmanager
def _answering() -> Iterator[None]:
    """Turns the silence of a database into `Unavailable`, and leaves every other error as it is."""
    try:
        yield
    except (NoneFree, OperationalError, InterfaceError) as error:
        raise NoRows(*SILENCE) from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise NoRows(*SILENCE) from error
        raise


async def open_store(url: str, pool: int = POOL) -> Store:
    """Open the database at an SQLAlchemy address, and bring its tables up to this version.

    Raises:
        Unavailable: the database does not answer.
        Conflict: its tables are of a newer version.
    """
    store = Store(_engine(url, pool))
    try:
        if not store.is_postgres:
            await _write_ahead(store)
        async with store.write() as tx:
            await tx.run_sync(upgrade)
    except Unavailable as error:
        await store.close()
        raise Unavailable(
            f"The database does not open: {error.__cause__}", "Check DATABASE_URL."
        ) from None
    except BaseException:
        await store.close()
        raise
    return store


def _engine(url: str, pool: int) -> AsyncEngine:
    address = async_url(url)
    if address.startswith("sqlite"):
        # Few and kept: each is a thread of this process, and opening one takes longer than most questions.
        engine = create_async_engine(
            address, pool_size=SQLITE_POOL, max_overflow=0, pool_timeout=WAIT_S
        )
        event.listen(engine.sync_engine, "connect", _tune_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
        return engine
    limits = {
        "statement_timeout": STATEMENT_S,
        "lock_timeout": WAIT_S,
        "idle_in_transaction_session_timeout": IDLE_S,
    }
    options = " ".join(f"-c {name}={seconds}s" for name, seconds in limits.items())
    return create_async_engine(
        address,
        pool_size=pool,
        max_overflow=0,
        pool_timeout=WAIT_S,
        pool_pre_ping=True,  # a restart of the server costs nobody a request
        connect_args={"options": options, "application_name": "draas-scheduler", **PATIENCE},
    )


def async_url(url: str) -> str:
    """The address with the driver that is used here."""
    for plain, driver in (
        ("sqlite://", "sqlite+aiosqlite://"),
        ("postgres://", "postgresql+psycopg://"),
        ("postgresql://", "postgresql+psycopg://"),
    ):
        if url.startswith(plain):
            return driver + url.removeprefix(plain)
    return url


async def _write_ahead(store: Store) -> None:
    """Readers and a writer side by side: a mode that a SQLite file keeps. Where several connections change it at once,
    SQLite refuses all but one without a wait."""
    with _answering():
        async with store.engine.connect() as connection:
            file: Any = (await connection.get_raw_connection()).driver_connection
            by = time.monotonic() + WAIT_S
            while True:
                try:
                    await (await file.execute("PRAGMA journal_mode=WAL")).close()
                    return
                except sqlite3.OperationalError as error:
                    if time.monotonic() > by:
                        raise NoRows(*SILENCE) from error
                await asyncio.sleep(AGAIN_S)


def _tune_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin where we say, also before DDL
    for pragma in (
        "synchronous=FULL",  # an offer that was sent must not be forgotten in a power cut
        f"busy_timeout={WAIT_S * 1000}",
        "foreign_keys=ON",
        "cache_size=-8000",  # KiB
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    writing = connection.get_execution_options().get("writing")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

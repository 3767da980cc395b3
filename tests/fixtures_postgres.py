"""One PostgreSQL server a run, with a database of its own for each test; and SQLite beside it, for the same tests."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from pathlib import Path

import psutil
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from chain.journal import Where
from chain.journal_postgres import PostgresPlace
from scheduler.rows.database import open_store

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
SETTINGS = {
    "fsync": "off",  # what a test writes may be lost with the machine
    "full_page_writes": "off",
    "max_connections": "100",
    "listen_addresses": "",
    "shared_buffers": "32MB",
    "wal_level": "minimal",  # a new database costs megabytes of log, which is of no use here
    "max_wal_senders": "0",
    "min_wal_size": "32MB",
    "max_wal_size": "64MB",
}
PREFIX = "draas-postgres-"
STARTING_S = 600  # for which a folder without a server may still be getting one
_numbers = count(1)


def _find(program: str) -> str:
    found = str(BINARIES[-1] / program) if BINARIES else shutil.which(program)
    assert found, "PostgreSQL is not installed: run scripts/setup.sh postgres"
    return found


def _end_with_us() -> None:
    """In the child: it stops at once when the tests do."""
    ctypes.CDLL(None).prctl(1, signal.SIGQUIT)


class Postgres:
    """A server that listens on a Unix socket; it refuses to run as root, so root runs it as another."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        self._user: str | None = None
        if os.getuid() == 0:
            names = {entry.pw_name for entry in pwd.getpwall()}
            self._user = "postgres" if "postgres" in names else "nobody"
            shutil.chown(self.folder, self._user)
        data = f"--pgdata={self.folder / 'data'}"
        self._run(
            "initdb", data, "--no-sync", "--username=postgres", "--encoding=UTF8", "--locale=C"
        )
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        """Start it (again), and wait until it answers."""
        options = [f"--{name}={value}" for name, value in SETTINGS.items()]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [_find("postgres"), "-D", self.folder / "data", "-k", self.folder, *options],
                user=self._user,
                cwd="/",
                stdout=log,
                stderr=log,
                preexec_fn=_end_with_us,
            )
        for _ in range(300):
            try:
                psycopg.connect(self.url("postgres")).close()
                return self.process
            except psycopg.OperationalError:
                time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text())

    def __enter__(self) -> Postgres:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """End it; by default at once, as `pg_ctl stop -m immediate`."""
        self.process.send_signal(how)
        self.process.wait(30)

    def url(self, name: str) -> str:
        """The address of a database."""
        return f"postgresql://postgres@/{name}?host={self.folder}"

    def create(self, template: str = "template1") -> str:
        """The address of a new database."""
        name = f"test_{next(_numbers)}"
        self.ask(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def ask(self, query: str) -> list[tuple[object, ...]]:
        """What the server says."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            cursor = connection.execute(query.encode())
            return cursor.fetchall() if cursor.description else []

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [_find(program), *arguments], user=self._user, cwd="/", capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()


def _sweep() -> None:
    """Remove what runs that were killed have left: folders of servers that are no more."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError, ValueError):
            if time.time() - folder.stat().st_mtime < STARTING_S:
                continue
            told = folder / "data" / "postmaster.pid"
            if not told.exists() or not psutil.pid_exists(int(told.read_text().split()[0])):
                shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The run's server."""
    _sweep()
    with Postgres() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_template(postgres: Postgres) -> str:
    """A database that has the tables."""
    postgres.ask("CREATE DATABASE rows")

    async def make() -> None:
        await (await open_store(postgres.url("rows"))).close()

    with ThreadPoolExecutor(1) as apart:  # a test's loop may be running here
        apart.submit(asyncio.run, make()).result()
    return "rows"


@pytest.fixture
def postgres_url(postgres: Postgres, postgres_template: str) -> Iterator[str]:
    """A new database that has the tables; gone after the test."""
    url = postgres.create(postgres_template)
    yield url
    name = conninfo_to_dict(url)["dbname"]
    postgres.ask(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Either kind of database, one after the other."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'rows.sqlite3'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture(params=["a file", "postgresql"])
def journal_place(request: pytest.FixtureRequest, tmp_path: Path) -> Where:
    """Where a key's journal may be kept, one after the other."""
    if request.param == "a file":
        return tmp_path
    return partial(PostgresPlace, request.getfixturevalue("postgres_url"))

"""Where a key's journal is kept, and the lock that makes its holder the only one: here a file of SQLite."""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

from chain.errors import Conflict
from chain.job import Address

SCHEMA = """
CREATE TABLE IF NOT EXISTS intents (
    id {serial},
    chain TEXT NOT NULL,
    key TEXT,                     -- NULL: not to be found again
    label TEXT NOT NULL,
    target TEXT NOT NULL,
    data {bytes} NOT NULL,
    value TEXT NOT NULL,          -- wei; may pass 64 bits
    gas BIGINT NOT NULL,
    nonce BIGINT NOT NULL,
    state TEXT NOT NULL,
    tx_hash TEXT, block BIGINT, gas_used BIGINT, status BIGINT,
    UNIQUE (chain, key)
);
CREATE TABLE IF NOT EXISTS attempts (
    tx_hash TEXT NOT NULL,        -- one that was refused may be signed again to the same bytes
    intent BIGINT NOT NULL REFERENCES intents (id),
    raw {bytes} NOT NULL,
    most TEXT NOT NULL,
    tip TEXT,
    sent_at {real} NOT NULL,      -- Unix seconds of the last broadcast
    PRIMARY KEY (intent, tx_hash)
);
CREATE INDEX IF NOT EXISTS intents_by_nonce ON intents (chain, nonce);
CREATE INDEX IF NOT EXISTS intents_by_block ON intents (chain, block);
"""


class Place(Protocol):
    """A database that belongs to one key, and to one holder of it at a time. Questions are marked by `?`.

    Every method may raise `Unavailable` (ask again) or `KeyLost` (the place has to be opened anew).
    """

    def ask(self, query: str, values: Sequence[object] = ()) -> list[Any]:
        """Carry out one statement; its rows."""

    def changing(self) -> AbstractContextManager[None]:
        """All statements within, or none."""

    def close(self) -> None:
        """Let the key go."""


class KeyLost(Conflict):
    """The journal's connection is gone, and with it the lock on the key: by now another may send with it."""


def held(address: Address) -> Conflict:
    """The refusal of a key that another holds."""
    return Conflict(
        f"Another process sends with the key of {address}.",
        "Stop it, or wait until it is done: two of them would take each other's nonces.",
    )


class FilePlace:
    """One file for a key, locked by the kernel for as long as its holder lives.

    Raises:
        Conflict: another process (or another journal of this one) has the key.
    """

    def __init__(self, folder: Path, address: Address) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / f"sender-{address.lower()}.sqlite3"
        self._lock_file = path.with_suffix(".lock").open("w", encoding="ascii")
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock_file.close()
            raise held(address) from None
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        path.chmod(0o600)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.executescript(
            SCHEMA.format(serial="INTEGER PRIMARY KEY", bytes="BLOB", real="REAL")
        )

    def ask(self, query: str, values: Sequence[object] = ()) -> list[Any]:
        """Carry out one statement; its rows."""
        return self._db.execute(query, values).fetchall()

    @contextmanager
    def changing(self) -> Iterator[None]:
        """All statements within, or none."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def close(self) -> None:
        """Let the key go."""
        self._db.close()
        self._lock_file.close()

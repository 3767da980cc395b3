"""The sender's memory: every transaction of one key, on disk before it is on the network.

One SQLite file a key, held by one process at a time. Rows belong to a chain (its id and first block), since a
local chain that begins anew begins again at nonce 0.
"""

from __future__ import annotations

import fcntl
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from chain.errors import Conflict
from chain.fees import Fees
from chain.job import Address, TxHash

_SCHEMA = """
CREATE TABLE IF NOT EXISTS intents (
    id INTEGER PRIMARY KEY,
    chain TEXT NOT NULL,
    key TEXT,                     -- NULL: not to be found again
    label TEXT NOT NULL,
    target TEXT NOT NULL,
    data BLOB NOT NULL,
    value TEXT NOT NULL,          -- wei; may pass 64 bits
    gas INTEGER NOT NULL,
    nonce INTEGER NOT NULL,
    state TEXT NOT NULL,
    tx_hash TEXT, block INTEGER, gas_used INTEGER, status INTEGER,
    UNIQUE (chain, key)
);
CREATE TABLE IF NOT EXISTS attempts (
    tx_hash TEXT NOT NULL,        -- one that was refused may be signed again to the same bytes
    intent INTEGER NOT NULL REFERENCES intents (id),
    raw BLOB NOT NULL,
    most TEXT NOT NULL,
    tip TEXT,
    sent_at REAL NOT NULL,        -- Unix seconds of the last broadcast
    PRIMARY KEY (intent, tx_hash)
);
CREATE INDEX IF NOT EXISTS intents_by_nonce ON intents (chain, nonce);
CREATE INDEX IF NOT EXISTS intents_by_block ON intents (chain, block);
"""


class State(StrEnum):
    """Where an intent stands."""

    SENT = "sent"  # signed and saved; broadcast or about to be
    MINED = "mined"
    DROPPED = "dropped"  # can never be mined: refused, or its nonce went to another transaction


@dataclass(frozen=True, slots=True)
class Receipt:
    """A mined transaction."""

    tx_hash: TxHash
    block: int
    gas_used: int
    status: int  # 1: done; 0: reverted


@dataclass(frozen=True, slots=True)
class Attempt:
    """One signed transaction for an intent; the later ones pay more for the same nonce."""

    tx_hash: TxHash
    raw: bytes
    fees: Fees
    sent_at: float


@dataclass(frozen=True, slots=True)
class Intent:
    """A call that is to be made once."""

    id: int
    nonce: int
    target: Address
    data: bytes
    value: int
    gas: int
    state: State
    receipt: Receipt | None
    attempts: tuple[Attempt, ...]  # oldest first


@dataclass(frozen=True, slots=True)
class Planned:
    """An intent before it is saved."""

    key: str
    label: str
    target: Address
    data: bytes
    value: int
    gas: int
    nonce: int


class Journal:
    """The file of one key. Its methods are safe to call from any thread.

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
            raise Conflict(
                f"Another process sends with the key of {address}.",
                "Stop it, or wait until it is done: two of them would take each other's nonces.",
            ) from None
        self._mutex = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        path.chmod(0o600)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Let the key go."""
        with self._mutex:
            self._db.close()
            self._lock_file.close()

    def record(self, chain: str, planned: Planned, attempt: Attempt) -> int:
        """Save an intent with its first signed transaction, in one step. An earlier one of the same key that came
        to nothing makes room."""
        with self._changing() as db:
            db.execute(
                "UPDATE intents SET key = NULL WHERE chain = ? AND key = ?", (chain, planned.key)
            )
            call = (planned.label, planned.target, planned.data, str(planned.value), planned.gas)
            cursor = db.execute(
                "INSERT INTO intents (chain, key, label, target, data, value, gas, nonce, state)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (chain, planned.key or None, *call, planned.nonce, State.SENT),
            )
            intent = int(cursor.lastrowid or 0)
            self._insert(db, intent, attempt)
        return intent

    def add_attempt(self, intent: int, attempt: Attempt) -> None:
        """Save another signed transaction for the same nonce."""
        with self._changing() as db:
            self._insert(db, intent, attempt)

    def touched(self, tx_hash: TxHash) -> None:
        """The attempt was broadcast just now."""
        with self._changing() as db:
            db.execute("UPDATE attempts SET sent_at = ? WHERE tx_hash = ?", (time.time(), tx_hash))

    def mined(self, intent: int, receipt: Receipt) -> None:
        """The chain has it."""
        row = (State.MINED, receipt.tx_hash, receipt.block, receipt.gas_used, receipt.status)
        with self._changing() as db:
            db.execute(
                "UPDATE intents SET state = ?, tx_hash = ?, block = ?, gas_used = ?, status = ?"
                " WHERE id = ?",
                (*row, intent),
            )

    def unmined(self, intent: int) -> None:
        """A reorganisation took it out of the chain again."""
        self._set_state(intent, State.SENT)

    def dropped(self, intent: int) -> None:
        """It can never be mined."""
        self._set_state(intent, State.DROPPED)

    def by_key(self, chain: str, key: str) -> Intent | None:
        """The intent last recorded under the key."""
        found = self._select("chain = ? AND key = ?", (chain, key))
        return found[0] if found else None

    def by_id(self, intent: int) -> Intent:
        """An intent that exists."""
        return self._select("id = ?", (intent,))[0]

    def under_way(self, chain: str) -> list[Intent]:
        """All that is neither mined nor dropped, by nonce."""
        return self._select("chain = ? AND state = ?", (chain, State.SENT))

    def from_nonce(self, chain: str, nonce: int) -> list[Intent]:
        """All that took this nonce or a later one and was not dropped."""
        return self._select(
            "chain = ? AND nonce >= ? AND state != ?", (chain, nonce, State.DROPPED)
        )

    def mined_above(self, chain: str, block: int) -> list[Intent]:
        """All that was mined in a block above this one."""
        return self._select("chain = ? AND block > ? AND state = ?", (chain, block, State.MINED))

    def next_nonce(self, chain: str) -> int:
        """One above the highest nonce taken; 0 when none is."""
        with self._mutex:
            (highest,) = self._db.execute(
                "SELECT max(nonce) FROM intents WHERE chain = ? AND state != ?",
                (chain, State.DROPPED),
            ).fetchone()
        return 0 if highest is None else int(highest) + 1

    def _set_state(self, intent: int, state: State) -> None:
        with self._changing() as db:
            db.execute("UPDATE intents SET state = ? WHERE id = ?", (state, intent))

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        with self._mutex:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    @staticmethod
    def _insert(db: sqlite3.Connection, intent: int, one: Attempt) -> None:
        tip = None if one.fees.tip is None else str(one.fees.tip)
        db.execute(
            "INSERT OR IGNORE INTO attempts VALUES (?, ?, ?, ?, ?, ?)",
            (one.tx_hash, intent, one.raw, str(one.fees.most), tip, one.sent_at),
        )

    def _select(self, where: str, values: tuple[object, ...]) -> list[Intent]:
        columns = "id, nonce, target, data, value, gas, state, tx_hash, block, gas_used, status"
        query = f"SELECT {columns} FROM intents WHERE {where} ORDER BY nonce, id"  # noqa: S608 - our own words
        with self._mutex:
            rows = self._db.execute(query, values).fetchall()
            return [self._intent(row) for row in rows]

    def _intent(
        self, row: tuple[int, int, str, bytes, str, int, str, str, int, int, int]
    ) -> Intent:
        id_, nonce, target, data, value, gas, state, tx_hash, block, gas_used, status = row
        attempts = self._db.execute(
            "SELECT tx_hash, raw, most, tip, sent_at FROM attempts WHERE intent = ? ORDER BY rowid",
            (id_,),
        ).fetchall()
        return Intent(
            id=id_,
            nonce=nonce,
            target=Address(target),
            data=data,
            value=int(value),
            gas=gas,
            state=State(state),
            receipt=Receipt(TxHash(tx_hash), block, gas_used, status) if tx_hash else None,
            attempts=tuple(
                Attempt(TxHash(tx), raw, Fees(int(most), None if tip is None else int(tip)), at)
                for tx, raw, most, tip, at in attempts
            ),
        )

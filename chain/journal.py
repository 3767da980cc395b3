"""The sender's memory: every transaction of one key, on disk before it is on the network.

One journal a key, held by one process at a time: a file, or a schema in PostgreSQL. Rows belong to a chain (its id
and first block), since a local chain that begins anew begins again at nonce 0.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from chain.fees import Fees
from chain.job import Address, TxHash
from chain.journal_place import FilePlace, Place

Where = Path | Callable[[Address], Place]  # a folder of files, or what opens the place of a key


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
    """The memory of one key. Its methods are safe to call from any thread, and may wait for a disk or a server.

    Every one of them may raise `Unavailable` (nothing is known of it; ask again), and `KeyLost`, when the journal
    has to be opened anew.

    Raises:
        Conflict: another process (or another journal of this one) has the key.
    """

    def __init__(self, where: Where, address: Address) -> None:
        self._mutex = threading.Lock()
        self._place = FilePlace(where, address) if isinstance(where, Path) else where(address)

    def close(self) -> None:
        """Let the key go."""
        with self._mutex:
            self._place.close()

    def check(self) -> None:
        """Whether the key is still held; asked every few seconds, this also keeps it."""
        with self._mutex:
            self._place.ask("SELECT 1")

    def record(self, chain: str, planned: Planned, attempt: Attempt) -> int:
        """Save an intent with its first signed transaction, in one step. An earlier one of the same key that came
        to nothing makes room."""
        with self._changing() as db:
            db.ask(
                "UPDATE intents SET key = NULL WHERE chain = ? AND key = ?", (chain, planned.key)
            )
            call = (planned.label, planned.target, planned.data, str(planned.value), planned.gas)
            ((intent,),) = db.ask(
                "INSERT INTO intents (chain, key, label, target, data, value, gas, nonce, state)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
                (chain, planned.key or None, *call, planned.nonce, State.SENT.value),
            )
            self._insert(db, intent, attempt)
        return int(intent)

    def add_attempt(self, intent: int, attempt: Attempt) -> None:
        """Save another signed transaction for the same nonce."""
        with self._changing() as db:
            self._insert(db, intent, attempt)

    def touched(self, tx_hash: TxHash) -> None:
        """The attempt was broadcast just now."""
        with self._changing() as db:
            db.ask("UPDATE attempts SET sent_at = ? WHERE tx_hash = ?", (time.time(), tx_hash))

    def mined(self, intent: int, receipt: Receipt) -> None:
        """The chain has it."""
        row = (State.MINED.value, receipt.tx_hash, receipt.block, receipt.gas_used, receipt.status)
        with self._changing() as db:
            db.ask(
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
        return self._select("chain = ? AND state = ?", (chain, State.SENT.value))

    def from_nonce(self, chain: str, nonce: int) -> list[Intent]:
        """All that took this nonce or a later one and was not dropped."""
        return self._select(
            "chain = ? AND nonce >= ? AND state != ?", (chain, nonce, State.DROPPED.value)
        )

    def mined_above(self, chain: str, block: int) -> list[Intent]:
        """All that was mined in a block above this one."""
        return self._select(
            "chain = ? AND block > ? AND state = ?", (chain, block, State.MINED.value)
        )

    def next_nonce(self, chain: str) -> int:
        """One above the highest nonce taken; 0 when none is."""
        with self._mutex:
            ((highest,),) = self._place.ask(
                "SELECT max(nonce) FROM intents WHERE chain = ? AND state != ?",
                (chain, State.DROPPED.value),
            )
        return 0 if highest is None else int(highest) + 1

    def _set_state(self, intent: int, state: State) -> None:
        with self._changing() as db:
            db.ask("UPDATE intents SET state = ? WHERE id = ?", (state.value, intent))

    @contextmanager
    def _changing(self) -> Iterator[Place]:
        with self._mutex, self._place.changing():
            yield self._place

    @staticmethod
    def _insert(db: Place, intent: int, one: Attempt) -> None:
        tip = None if one.fees.tip is None else str(one.fees.tip)
        db.ask(
            "INSERT INTO attempts VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (one.tx_hash, intent, one.raw, str(one.fees.most), tip, one.sent_at),
        )

    def _select(self, where: str, values: tuple[object, ...]) -> list[Intent]:
        columns = "id, nonce, target, data, value, gas, state, tx_hash, block, gas_used, status"
        query = f"SELECT {columns} FROM intents WHERE {where} ORDER BY nonce, id"  # noqa: S608 - our own words
        with self._mutex:
            rows = self._place.ask(query, values)
            return [self._intent(row) for row in rows]

    def _intent(self, row: tuple[Any, ...]) -> Intent:
        id_, nonce, target, data, value, gas, state, tx_hash, block, gas_used, status = row
        attempts = self._place.ask(  # each pays more than the one before
            "SELECT tx_hash, raw, most, tip, sent_at FROM attempts WHERE intent = ?"
            " ORDER BY length(most), most",
            (id_,),
        )
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

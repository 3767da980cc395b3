"""A key's journal in PostgreSQL, for several processes that share a key and take turns with it.

The lock on the key is an advisory lock of the very connection that writes the journal: who has lost the one has lost
the other, and what is not recorded is not sent. The server ends the connection of a holder that is silent for some
seconds, so a frozen process does not keep the key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from chain.errors import Unavailable
from chain.job import Address
from chain.journal_place import SCHEMA, KeyLost, held

SILENT_S = (
    15  # after which the server ends the connection; `Journal.check` asks more often than that
)
SETTINGS = {
    "idle_session_timeout": SILENT_S,
    "idle_in_transaction_session_timeout": SILENT_S,
    "statement_timeout": SILENT_S,
    "lock_timeout": SILENT_S,
}
PATIENCE: dict[str, str | int] = {  # of a connection, with a server that is gone
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "tcp_user_timeout": SILENT_S * 1000,
}


class PostgresPlace:
    """A schema of its own for each key, in the database at a postgresql:// address (PostgreSQL 14 or newer).

    Raises:
        Conflict: another process has the key.
        Unavailable: the server does not answer.
    """

    def __init__(self, url: str, address: Address) -> None:
        options = " ".join(f"-c {name}={seconds}s" for name, seconds in SETTINGS.items())
        try:
            self._db = psycopg.connect(
                make_conninfo(url, options=options, application_name="draas-sender", **PATIENCE),
                autocommit=True,
            )
        except psycopg.OperationalError as error:
            raise Unavailable(f"The database does not answer: {error}", "") from None
        try:
            if not self._take(address):
                raise held(address)
        except BaseException:
            self._db.close()
            raise

    def _take(self, address: Address) -> bool:
        digest = hashlib.sha256(f"draas sender {address.lower()}".encode()).digest()
        number = int.from_bytes(digest[:8], signed=True)
        if not self.ask("SELECT pg_try_advisory_lock(?)", (number,))[0][0]:
            return False
        schema = sql.Identifier(f"sender_{address.lower()}")
        with self._answering():
            self._db.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(schema))
            self._db.execute(sql.SQL("SET search_path TO {}").format(schema))
            serial = "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
            words = {"serial": serial, "bytes": "BYTEA", "real": "DOUBLE PRECISION"}
            self._db.execute(SCHEMA.format(**words).encode())
        return True

    def ask(self, query: str, values: Sequence[object] = ()) -> list[Any]:
        """Carry out one statement; its rows."""
        with self._answering():
            cursor = self._db.execute(query.replace("?", "%s").encode(), values)
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def changing(self) -> Iterator[None]:
        """All statements within, or none."""
        with self._answering(), self._db.transaction():
            yield

    def close(self) -> None:
        """Let the key go."""
        self._db.close()

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError) as error:
            if self._db.closed:
                raise KeyLost(
                    "The connection that held the key is gone.", "Take it anew."
                ) from error
            raise Unavailable("The sender's database does not answer.", "Try again.") from error

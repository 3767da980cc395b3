"""Many rows written at once: one statement, prepared once, for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from chain.errors import DraasError

NO_ANSWER = (SQLAlchemyError, DraasError, OSError)  # the rows cannot be reached just now
AT_ONCE = 1000  # values of one IN list
T = TypeVar("T")


async def upsert_all(tx: AsyncConnection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert each, or replace the row of the same key. All name the same columns; order them by key, so that two
    copies that write the same rows wait for each other instead of locking each other out."""
    if not rows:
        return
    keys = [column.name for column in table.primary_key]
    make = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    statement = make(table)
    changes = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    await tx.execute(statement.on_conflict_do_update(index_elements=keys, set_=changes), list(rows))


async def insert_all(tx: AsyncConnection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert each whose key is not there yet, ordered as for `upsert_all`."""
    if not rows:
        return
    make = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    await tx.execute(make(table).on_conflict_do_nothing(), list(rows))


def parts(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Lists that are short enough for an IN."""
    for at in range(0, len(values), AT_ONCE):
        yield values[at : at + AT_ONCE]

"""Many rows in one statement, for either database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

AT_ONCE = 1000  # values of one IN list
Values = dict[str, Any]
T = TypeVar("T")


async def upsert_all(tx: AsyncConnection, table: Table, rows: Sequence[Values]) -> None:
    """Insert the rows, or replace those of the same key. Each of them names every column."""
    if not rows:
        return
    keys = [column.name for column in table.primary_key]
    make = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    new = make(table)
    changes = {name: new.excluded[name] for name in rows[0] if name not in keys}
    await tx.execute(new.on_conflict_do_update(index_elements=keys, set_=changes), rows)


async def insert_all(tx: AsyncConnection, table: Table, rows: Sequence[Values]) -> None:
    """Insert those of the rows whose key is not there yet."""
    if not rows:
        return
    make = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    await tx.execute(make(table).on_conflict_do_nothing(), rows)


def parts(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Lists that are short enough for an IN."""
    for at in range(0, len(values), AT_ONCE):
        yield values[at : at + AT_ONCE]

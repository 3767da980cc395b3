"""Rows written by key, one or many: one statement, prepared once, for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Executable, Table, and_, bindparam, delete, literal
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
    await tx.execute(_upsert(tx.dialect.name, table, tuple(rows[0])), list(rows))


async def insert_all(tx: AsyncConnection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert each whose key is not there yet, ordered as for `upsert_all`."""
    if not rows:
        return
    await tx.execute(_insert_new(tx.dialect.name, table), list(rows))


async def upsert(tx: AsyncConnection, table: Table, values: dict[str, Any]) -> None:
    """Insert, or replace the row of the same key."""
    await upsert_all(tx, table, [values])


async def insert_new(tx: AsyncConnection, table: Table, values: dict[str, Any]) -> bool:
    """Insert unless the key is there already; says whether it was new."""
    new = _into(tx.dialect.name, table).values(values).on_conflict_do_nothing()
    return (await tx.execute(new.returning(literal(1)))).first() is not None


async def delete_all(tx: AsyncConnection, table: Table, keys: Sequence[dict[str, Any]]) -> None:
    """Delete the rows of these keys."""
    if not keys:
        return
    mine = and_(*(column == bindparam(f"key_{column.name}") for column in table.primary_key))
    rows = [{f"key_{name}": value for name, value in key.items()} for key in keys]
    await tx.execute(delete(table).where(mine), rows)


# Putting a statement together takes longer than running it: each is made once.
@cache
def _upsert(dialect: str, table: Table, columns: tuple[str, ...]) -> Executable:
    keys = [column.name for column in table.primary_key]
    statement = _into(dialect, table)
    changes = {name: statement.excluded[name] for name in columns if name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=changes)


@cache
def _insert_new(dialect: str, table: Table) -> Executable:
    return _into(dialect, table).on_conflict_do_nothing()


def _into(dialect: str, table: Table) -> postgresql.Insert | sqlite.Insert:
    make = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return make(table)


def parts(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Lists that are short enough for an IN."""
    for at in range(0, len(values), AT_ONCE):
        yield values[at : at + AT_ONCE]

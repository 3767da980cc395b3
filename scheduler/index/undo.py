"""Chain rows as they were before a recent batch, so that a reorganisation costs what it touches.

Values are kept as the database has them, so that what is restored is the same to the byte.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from typing import Any

from sqlalchemy import (
    Column,
    MetaData,
    Table,
    TypeDecorator,
    and_,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import TypeEngine

from chain.follow import Cursor
from chain.job import JobId
from scheduler.rows import tables as t
from scheduler.rows.batch import delete_all, insert_all, parts, upsert_all
from scheduler.rows.spending import reports

Values = dict[str, Any]
_DIALECT = DefaultDialect()  # none of our column types looks at it
KEEP_BLOCKS = 256  # how far back rows can be restored
_TABLES = {table.name: table for table in (*t.CHAIN_ROWS, reports)}


class Overtaken(Exception):
    """Another process has moved the cursor meanwhile: what was read is no longer what comes next."""


async def move_cursor(tx: AsyncConnection, before: Cursor | None, after: Cursor) -> None:
    """Move the cursor if it is where it was. Comes first in a transaction: from here on, others wait.

    Raises:
        Overtaken: it is elsewhere.
    """
    c = t.chain_state.c
    number, found = (before.number, before.hash) if before is not None else (None, None)
    there = and_(c.cursor_number == number, c.cursor_hash == found)
    values = {"cursor_number": after.number, "cursor_hash": after.hash}
    if (await tx.execute(update(t.chain_state).where(there).values(values))).rowcount != 1:
        raise Overtaken


async def keep_block(tx: AsyncConnection, cursor: Cursor, undoable: bool) -> None:
    """Note a cursor as one that can be returned to, and forget those that can no longer be."""
    blocks, undo = t.blocks.c, t.undo.c
    oldest = cursor.number - KEEP_BLOCKS if undoable else cursor.number
    await tx.execute(delete(t.blocks).where(blocks.number < oldest))
    await tx.execute(delete(t.undo).where(undo.batch <= oldest))
    await upsert_all(tx, t.blocks, [{"number": cursor.number, "hash": cursor.hash}])


class Undo:
    """Collects what a batch replaces."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, str, str | None]] = []

    def note(self, table: Table, key: Values, before: Values | None) -> None:
        """A row by its key, as it was; None: there was none."""
        row = None if before is None else json.dumps(_plain(table, before))
        self._rows.append((table.name, json.dumps(_plain(table, key)), row))

    async def save(self, tx: AsyncConnection, batch: int) -> None:
        """Keep it under the number of the block up to which the batch went."""
        rows = [
            {"batch": batch, "number": number, "table_name": name, "row_key": key, "row": row}
            for number, (name, key, row) in enumerate(self._rows)
        ]
        await insert_all(tx, t.undo, rows)


async def roll_back(tx: AsyncConnection, to: Cursor) -> set[JobId]:
    """Restore every chain row to what it was at a cursor that was kept; returns the jobs that changed."""
    undo, events = t.undo.c, t.events.c
    later = select(t.undo).where(undo.batch > to.number)
    oldest: dict[tuple[str, str], str | None] = {}
    for row in await tx.execute(later.order_by(undo.batch.desc(), undo.number.desc())):
        oldest[row.table_name, row.row_key] = row.row
    gone = select(events.job_id).where(events.block_number > to.number).distinct()
    jobs = {JobId(job_id) for job_id in (await tx.execute(gone)).scalars() if job_id is not None}
    for name, table in _TABLES.items():
        mine = {key: row for (told, key), row in oldest.items() if told == name}
        keys = [json.loads(key) for key in mine]
        jobs |= {JobId(key["job_id"]) for key in keys if "job_id" in key}
        await delete_all(tx, table, keys)
        await _insert(tx, table, (json.loads(row) for row in mine.values() if row is not None))
    await tx.execute(delete(t.events).where(events.block_number > to.number))
    await tx.execute(delete(reports).where(reports.c.block_number > to.number))
    await tx.execute(delete(t.undo).where(undo.batch > to.number))
    await tx.execute(delete(t.blocks).where(t.blocks.c.number > to.number))
    return jobs


async def _insert(tx: AsyncConnection, table: Table, rows: Iterable[Values]) -> None:
    for part in parts(list(rows)):
        await tx.execute(insert(_raw(table)), part)


def _plain(table: Table, values: Values) -> Values:
    """As the database has them."""
    return {name: _plain_value(table.c[name].type, value) for name, value in values.items()}


def _plain_value(kind: TypeEngine[Any], value: Any) -> Any:
    if isinstance(kind, TypeDecorator):
        return kind.process_bind_param(value, _DIALECT)
    return value


@cache
def _raw(table: Table) -> Table:
    """The same table without our column types."""
    columns = [
        Column(one.name, one.type.impl if isinstance(one.type, TypeDecorator) else one.type)
        for one in table.columns
    ]
    return Table(table.name, MetaData(), *columns)

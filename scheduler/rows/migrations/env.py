"""Run by Alembic: on the connection that is being opened, or by hand on DATABASE_URL to write a new version."""

from __future__ import annotations

import os
from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection, TypeDecorator, create_engine

from scheduler.rows import content, failures, turns
from scheduler.rows.image_tables import images
from scheduler.rows.pins import pins
from scheduler.rows.sealed_secrets import sealed_secrets
from scheduler.rows.spending import reports

# Tables in modules of their own are known once these are loaded; all share one collection.
_OWN = (images, pins, sealed_secrets, reports, content, failures, turns)


def plain_type(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    """A version names the database's own types, since ours may change later."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl_instance!r}"
    return False


def run(connection: Connection) -> None:
    """Within the connection's transaction, also where the database would commit by itself before DDL."""
    context.configure(
        connection=connection,
        target_metadata=_OWN[0].metadata,
        render_item=plain_type,
        transactional_ddl=True,
        render_as_batch=connection.dialect.name == "sqlite",  # it cannot alter columns
    )
    context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with create_engine(os.environ["DATABASE_URL"]).begin() as own:
        run(own)

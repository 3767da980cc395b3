"""The tables' versions, by Alembic: an empty database and an old one are brought up to the newest by one way.

`scripts/migration.sh "what changes"` writes the next version from what `scheduler/rows/tables.py` says.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from chain.errors import Conflict

FOLDER = Path(__file__).parent
PATIENCE_S = 300  # for another copy's migration, and for ours
LOCK = 0x6472616173  # of PostgreSQL's advisory locks, the one that migrations hold


def upgrade(connection: Connection) -> None:
    """Bring the tables up to this version, within the caller's transaction: killed half-way, nothing has changed.

    Raises:
        Conflict: they are of a newer version.
    """
    if connection.dialect.name == "postgresql":
        for limit in ("lock_timeout", "statement_timeout"):
            connection.execute(text(f"SET LOCAL {limit} = '{PATIENCE_S}s'"))
        connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    known = {one.revision for one in ScriptDirectory.from_config(config).walk_revisions()}
    unknown = set(MigrationContext.configure(connection).get_current_heads()) - known
    if unknown:
        raise Conflict(
            f"The database's tables are of a newer version ({', '.join(sorted(unknown))}) than this scheduler.",
            "Start the newer scheduler, or name another database by DATABASE_URL.",
        )
    command.upgrade(config, "head")

"""runs that are due"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From the version before."""
    due = sa.text("earned <> released")
    op.create_index(
        "runs_due",
        "runs",
        ["provider", "job_id", "attempt"],
        sqlite_where=due,
        postgresql_where=due,
    )

"""what is taken of agents now, without a look at all that ever was; what is out of order beside a job's phase"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From the version before."""
    is_postgres = op.get_bind().dialect.name == "postgresql"
    unsettled = sa.text("settled IS false" if is_postgres else "settled IS 0")
    op.create_index("offers_by_deadline", "offers", ["deadline"])
    op.create_index(
        "runs_unsettled",
        "runs",
        ["provider"],
        sqlite_where=unsettled,
        postgresql_where=unsettled,
    )
    op.add_column("work", sa.Column("degraded", sa.Text(), nullable=False, server_default=""))

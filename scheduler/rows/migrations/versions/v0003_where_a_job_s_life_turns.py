"""where a job's life turns"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From the version before."""
    names = (
        "'JobCompleted', 'JobCancelled', 'JobDeclined', 'JobLapsed', 'JobDisputed', 'DisputeRuled'"
    )
    wanted = sa.text(f"name IN ({names})")
    op.create_index(
        "events_of_turns", "events", ["job_id"], sqlite_where=wanted, postgresql_where=wanted
    )

"""lists of jobs by state, consumer and bundle without a look at all of them"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

IS_ENDING = "name IN ('JobCompleted', 'JobCancelled', 'JobDeclined')"
NEWEST = ["posted_block", "posted_index"]


def upgrade() -> None:
    """From the version before."""
    with op.batch_alter_table("jobs") as jobs:
        jobs.add_column(sa.Column("cid", sa.String(length=128), nullable=False, server_default=""))
        jobs.add_column(sa.Column("standing", sa.Integer(), nullable=False, server_default="0"))
        jobs.drop_index("ix_jobs_consumer")
    with op.batch_alter_table("jobs") as jobs:
        jobs.alter_column("cid", server_default=None)
        jobs.alter_column("standing", server_default=None)
    op.execute(
        "UPDATE jobs SET standing = CASE WHEN state = 3 AND settled AND deposit = "
        "'00000000000000000000000000000000' THEN 6 ELSE state END"
    )
    op.create_index("jobs_of_consumer", "jobs", ["consumer", *NEWEST])
    op.create_index("jobs_of_bundle", "jobs", ["cid", *NEWEST])
    op.create_index("jobs_by_standing", "jobs", ["standing", *NEWEST, "deadline"])
    op.create_index("jobs_by_deadline", "jobs", ["standing", "deadline"])
    _partial("events_of_ends", "events", ["job_id"], IS_ENDING)
    _partial("work_leased", "work", ["lease_owner"], "lease_owner IS NOT NULL")


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, sqlite_where=condition, postgresql_where=condition)

"""what is seen of watched runs, and whose log lines come in"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From the version before."""
    op.create_table(
        "listening",
        sa.Column("copy", sa.String(length=64), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("to_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("copy", "from_ms"),
    )
    with op.batch_alter_table("listening", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_listening_to_ms"), ["to_ms"], unique=False)

    op.create_table(
        "probes",
        sa.Column("nonce", sa.String(length=66), nullable=False),
        sa.Column("job_id", sa.String(length=66), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=42), nullable=False),
        sa.Column("sent_ms", sa.BigInteger(), nullable=False),
        sa.Column("reported", sa.Text(), nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=False),
        sa.Column("answered_ms", sa.BigInteger(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("nonce"),
    )
    with op.batch_alter_table("probes", schema=None) as batch_op:
        batch_op.create_index("probes_by_run", ["job_id", "attempt", "sent_ms"], unique=False)

    with op.batch_alter_table("log_cursors", schema=None) as batch_op:
        batch_op.add_column(sa.Column("provider", sa.String(length=42), nullable=False))
        batch_op.add_column(sa.Column("base", sa.BigInteger(), nullable=False))

    with op.batch_alter_table("sightings", schema=None) as batch_op:
        batch_op.add_column(sa.Column("is_open", sa.Boolean(), nullable=False))
        batch_op.add_column(sa.Column("running_ms", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("not_before_ms", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("ended_ms", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("ledger", sa.String(length=64), nullable=False))
        batch_op.add_column(sa.Column("lines", sa.BigInteger(), nullable=False))
        batch_op.add_column(sa.Column("delivered", sa.BigInteger(), nullable=False))
        batch_op.add_column(sa.Column("withheld_ms", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("withheld_at", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("evidence", sa.Text(), nullable=False))
        batch_op.add_column(sa.Column("evidence_until", sa.BigInteger(), nullable=False))
        batch_op.add_column(sa.Column("outcome", sa.Text(), nullable=False))
        batch_op.create_index(batch_op.f("ix_sightings_is_open"), ["is_open"], unique=False)
        batch_op.drop_column("verdict")

"""the first tables"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From the version before."""
    op.create_table(
        "agents",
        sa.Column("agent", sa.String(length=42), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("capacity", sa.Text(), nullable=False),
        sa.Column("attributes", sa.Text(), nullable=False),
        sa.Column("heartbeat", sa.Text(), nullable=True),
        sa.Column("last_seen_ms", sa.BigInteger(), nullable=False),
        sa.Column("session_at", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("agent"),
    )
    with op.batch_alter_table("agents", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_agents_last_seen_ms"), ["last_seen_ms"], unique=False)

    op.create_table(
        "blocks",
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=66), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "builds",
        sa.Column("cid", sa.String(length=128), nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=True),
        sa.Column("image_name", sa.Text(), nullable=False),
        sa.Column("manifest", sa.Text(), nullable=True),
        sa.Column("refused", sa.Text(), nullable=True),
        sa.Column("postponed_until", sa.BigInteger(), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("lease_owner", sa.String(length=64), nullable=True),
        sa.Column("lease_until_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("cid"),
    )
    op.create_table(
        "chain_state",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("genesis", sa.String(length=66), nullable=False),
        sa.Column("escrow", sa.String(length=42), nullable=False),
        sa.Column("cursor_number", sa.BigInteger(), nullable=True),
        sa.Column("cursor_hash", sa.String(length=66), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "events",
        sa.Column("block_hash", sa.String(length=66), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("tx_hash", sa.String(length=66), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("job_id", sa.String(length=66), nullable=True),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("block_hash", "log_index"),
    )
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.create_index("events_by_block", ["block_number"], unique=False)
        batch_op.create_index(
            "events_by_job", ["job_id", "block_number", "log_index"], unique=False
        )

    op.create_table(
        "jobs",
        sa.Column("job_id", sa.String(length=66), nullable=False),
        sa.Column("consumer", sa.String(length=42), nullable=False),
        sa.Column("scheduler", sa.String(length=42), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("posted_at", sa.BigInteger(), nullable=False),
        sa.Column("posted_block", sa.BigInteger(), nullable=False),
        sa.Column("posted_index", sa.Integer(), nullable=False),
        sa.Column("claim_by", sa.BigInteger(), nullable=False),
        sa.Column("deposited", sa.String(length=32), nullable=False),
        sa.Column("deposit", sa.String(length=32), nullable=False),
        sa.Column("refunded", sa.String(length=32), nullable=False),
        sa.Column("deadline", sa.BigInteger(), nullable=False),
        sa.Column("duration", sa.BigInteger(), nullable=False),
        sa.Column("rate_card", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("state", sa.Integer(), nullable=False),
        sa.Column("settled", sa.Boolean(), nullable=False),
        sa.Column("ended_why", sa.Text(), nullable=False),
        sa.Column("alarm", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("job_id"),
    )
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_jobs_consumer"), ["consumer"], unique=False)
        batch_op.create_index("jobs_newest", ["posted_block", "posted_index"], unique=False)

    op.create_table(
        "log_cursors",
        sa.Column("job_id", sa.String(length=66), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("next_seq", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("full", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "attempt"),
    )
    op.create_table(
        "log_lines",
        sa.Column("job_id", sa.String(length=66), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("stream", sa.String(length=6), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "attempt", "seq"),
    )
    op.create_table(
        "offers",
        sa.Column("job_id", sa.String(length=66), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=42), nullable=False),
        sa.Column("image", sa.String(length=71), nullable=False),
        sa.Column("deadline", sa.BigInteger(), nullable=False),
        sa.Column("signature", sa.String(length=132), nullable=False),
        sa.Column("chosen_why", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("answer", sa.String(length=8), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("job_id", "attempt", "provider"),
    )
    with op.batch_alter_table("offers", schema=None) as batch_op:
        batch_op.create_index("offers_by_provider", ["provider", "deadline"], unique=False)

    op.create_table(
        "providers",
        sa.Column("provider", sa.String(length=42), nullable=False),
        sa.Column("bonded", sa.BigInteger(), nullable=False),
        sa.Column("unbond_at", sa.BigInteger(), nullable=False),
        sa.Column("rate_card", sa.Integer(), nullable=False),
        sa.Column("completed", sa.Integer(), nullable=False),
        sa.Column("lapsed", sa.Integer(), nullable=False),
        sa.Column("disputes_lost", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("provider"),
    )
    op.create_table(
        "rate_cards",
        sa.Column("provider", sa.String(length=42), nullable=False),
        sa.Column("rate_card", sa.Integer(), nullable=False),
        sa.Column("rates", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("provider", "rate_card"),
    )
    op.create_table(
        "run_status",
        sa.Column("job_id", sa.String(length=66), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "attempt"),
    )
    op.create_table(
        "runs",
        sa.Column("job_id", sa.String(length=66), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=42), nullable=False),
        sa.Column("rate_card", sa.Integer(), nullable=False),
        sa.Column("image", sa.String(length=71), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("reported_at", sa.BigInteger(), nullable=False),
        sa.Column("usage", sa.Text(), nullable=False),
        sa.Column("earned", sa.String(length=32), nullable=False),
        sa.Column("released", sa.String(length=32), nullable=False),
        sa.Column("settled", sa.Boolean(), nullable=False),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("result_cid", sa.Text(), nullable=True),
        sa.Column("dispute_id", sa.String(length=78), nullable=True),
        sa.Column("ruling", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("job_id", "attempt"),
    )
    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_runs_dispute_id"), ["dispute_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_runs_provider"), ["provider"], unique=False)

    op.create_table(
        "sightings",
        sa.Column("job_id", sa.String(length=66), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=42), nullable=False),
        sa.Column("first_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_ms", sa.BigInteger(), nullable=False),
        sa.Column("seen_ms", sa.BigInteger(), nullable=False),
        sa.Column("metered", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "attempt"),
    )
    op.create_table(
        "undo",
        sa.Column("batch", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("table_name", sa.String(length=20), nullable=False),
        sa.Column("row_key", sa.Text(), nullable=False),
        sa.Column("row", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("batch", "number"),
    )
    op.create_table(
        "used_nonces",
        sa.Column("nonce", sa.String(length=80), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("nonce"),
    )
    with op.batch_alter_table("used_nonces", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_used_nonces_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "work",
        sa.Column("job_id", sa.String(length=66), nullable=False),
        sa.Column("phase", sa.String(length=12), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.String(length=64), nullable=True),
        sa.Column("lease_until_ms", sa.BigInteger(), nullable=False),
        sa.Column("lease_epoch", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("job_id"),
    )
    with op.batch_alter_table("work", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_work_due_at"), ["due_at"], unique=False)

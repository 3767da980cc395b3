"""Usage reports by who pays and who earns: rows of the chain, beside its events, for pages of them to cost what they
show. What a report added is found when it is read, from the one before it: so one that was lost and came late tells
right. And the runs that have earned what was not paid out yet."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table

from chain.job import Usage
from scheduler.rows.columns import Amount, Json
from scheduler.rows.tables import metadata, runs

reports = Table(
    "reports",
    metadata,
    Column("job_id", String(66), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("block_number", BigInteger, primary_key=True),
    Column("log_index", Integer, primary_key=True),
    Column("consumer", String(42), nullable=False),
    Column("provider", String(42), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("tx_hash", String(66), nullable=False),
    Column("usage", Json(Usage), nullable=False),  # totals of the attempt, as all below
    Column("earned", Amount, nullable=False),
    Index("reports_by_consumer", "consumer", "at", "block_number", "log_index"),
    Index("reports_by_provider", "provider", "at", "block_number", "log_index"),
    Index("reports_by_time", "at", "block_number", "log_index"),
    Index("reports_by_block", "block_number"),
)

IS_DUE = runs.c.earned != runs.c.released  # what was not paid out whole, however many were
Index(
    "runs_due",
    runs.c.provider,
    runs.c.job_id,
    runs.c.attempt,
    sqlite_where=IS_DUE,
    postgresql_where=IS_DUE,
)

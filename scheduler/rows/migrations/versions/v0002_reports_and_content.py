"""usage reports by who pays and who earns; what names content on IPFS; what went wrong"""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None
AT_ONCE = 1000


def upgrade() -> None:
    """From the version before."""
    op.create_table(
        "reports",
        sa.Column("job_id", sa.String(length=66), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("consumer", sa.String(length=42), nullable=False),
        sa.Column("provider", sa.String(length=42), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("tx_hash", sa.String(length=66), nullable=False),
        sa.Column("usage", sa.Text(), nullable=False),
        sa.Column("earned", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "attempt", "block_number", "log_index"),
    )
    for name, first in (("reports_by_consumer", "consumer"), ("reports_by_provider", "provider")):
        op.create_index(name, "reports", [first, "at", "block_number", "log_index"])
    op.create_index("reports_by_time", "reports", ["at", "block_number", "log_index"])
    op.create_index("reports_by_block", "reports", ["block_number"])
    _index("runs_by_result", "runs", "substr(result_cid, 1, 128)", "result_cid IS NOT NULL")
    _index("events_of_evidence", "events", "block_number", "name = 'Evidence'")
    failures = "'JobLapsed', 'JobDeclined', 'JobSettled', 'JobDisputed', 'BondSlashed'"
    _index("events_of_failures", "events", "block_number, log_index", f"name IN ({failures})")
    _reports_of_events()


def _index(name: str, table: str, column: str, where: str) -> None:
    wanted = sa.text(where)
    op.create_index(name, table, [sa.text(column)], sqlite_where=wanted, postgresql_where=wanted)


def _reports_of_events() -> None:
    """What was read of the chain before there was this table."""
    connection = op.get_bind()
    found = connection.execute(
        sa.text(
            "SELECT e.job_id, e.block_number, e.log_index, e.at, e.tx_hash, e.data, j.consumer "
            "FROM events e JOIN jobs j ON j.job_id = e.job_id WHERE e.name = 'UsageReported'"
        )
    )
    columns = (
        "job_id", "attempt", "block_number", "log_index", "consumer", "provider", "at", "tx_hash", "usage", "earned",
    )  # fmt: skip
    reports = sa.table("reports", *map(sa.column, columns))
    for rows in found.mappings().partitions(AT_ONCE):
        connection.execute(sa.insert(reports), [_report(row) for row in rows])


def _report(row: Any) -> dict[str, Any]:
    told = json.loads(row["data"])
    names = ("job_id", "block_number", "log_index", "consumer", "at", "tx_hash")
    metrics = ("cpu_ms", "memory_mib_s", "egress_kib", "wall_s")
    usage = json.dumps({name: int(told[name]) for name in metrics}, separators=(",", ":"))
    return {name: row[name] for name in names} | {
        "attempt": int(told["attempt"]),
        "provider": told["provider"],
        "usage": usage,
        "earned": f"{int(told['earned']):032d}",
    }

"""The tables. Chain rows can be rebuilt from the chain; the rest says what this scheduler did and saw.

Amounts are base units as text of fixed width, so that text order is number order in every database (SQLite's
integers end at 64 bits). Times are chain seconds unless the name ends in `_ms`.
"""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)

from chain.job import JobState, JobTerms, Rates, Usage
from chain.manifest import Manifest
from chain.wire import Heartbeat, ResourcesBody, RunStatus

AMOUNT_DIGITS = 32


class Amount(TypeDecorator[int]):
    """A whole number of base units below 10**32, as zero-padded text."""

    impl = String(AMOUNT_DIGITS)
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        if not 0 <= value < 10**AMOUNT_DIGITS:
            raise ValueError(f"{value} is not an amount")
        return f"{value:0{AMOUNT_DIGITS}d}"

    def process_result_value(self, value: str | None, dialect: Dialect) -> int | None:
        return None if value is None else int(value)


class State(TypeDecorator[JobState]):
    """A `JobState` by its number."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: JobState | None, dialect: Dialect) -> int | None:
        return None if value is None else int(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> JobState | None:
        return None if value is None else JobState(value)


class Json(TypeDecorator[Any]):
    """A dataclass or pydantic model as JSON text."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.kind = kind

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else TypeAdapter(self.kind).dump_json(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else TypeAdapter(self.kind).validate_json(value)


metadata = MetaData()

# ---- chain rows -----------------------------------------------------------------------------------------------

chain_state = Table(
    "chain_state",
    metadata,
    Column("id", Integer, primary_key=True),  # always 1
    Column("chain_id", BigInteger, nullable=False),
    Column("genesis", String(66), nullable=False),
    Column("escrow", String(42), nullable=False),
    Column("cursor_number", BigInteger),
    Column("cursor_hash", String(66)),
)

blocks = Table(  # recent cursors, by which a common ancestor is found after a reorganisation
    "blocks",
    metadata,
    Column("number", BigInteger, primary_key=True),
    Column("hash", String(66), nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("block_hash", String(66), primary_key=True),
    Column("log_index", Integer, primary_key=True),
    Column("block_number", BigInteger, nullable=False),
    Column("tx_hash", String(66), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("name", String(40), nullable=False),
    Column("job_id", String(66)),
    Column("data", Text, nullable=False),
    Index("events_by_job", "job_id", "block_number", "log_index"),
    Index("events_by_block", "block_number"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("job_id", String(66), primary_key=True),
    Column("consumer", String(42), nullable=False, index=True),
    Column("scheduler", String(42), nullable=False),
    Column("terms", Json(JobTerms), nullable=False),
    Column("posted_at", BigInteger, nullable=False),
    Column("posted_block", BigInteger, nullable=False),
    Column("posted_index", Integer, nullable=False),
    Column("claim_by", BigInteger, nullable=False),
    Column("deposited", Amount, nullable=False),
    Column("deposit", Amount, nullable=False),
    Column("refunded", Amount, nullable=False),
    Column("deadline", BigInteger, nullable=False),
    Column("duration", BigInteger, nullable=False),
    Column("rate_card", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("state", State, nullable=False),  # last entered by a transaction
    Column("settled", Boolean, nullable=False),
    Column("ended_why", Text, nullable=False),
    Column("alarm", Text, nullable=False),
    Index("jobs_newest", "posted_block", "posted_index"),
)

runs = Table(
    "runs",
    metadata,
    Column("job_id", String(66), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("provider", String(42), nullable=False, index=True),
    Column("rate_card", Integer, nullable=False),
    Column("image", String(71), nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("reported_at", BigInteger, nullable=False),
    Column("usage", Json(Usage), nullable=False),
    Column("earned", Amount, nullable=False),
    Column("released", Amount, nullable=False),
    Column("settled", Boolean, nullable=False),
    Column("exit_code", Integer),
    Column("result_cid", Text),
    Column("dispute_id", String(78), index=True),
    Column("ruling", Integer),
)

providers = Table(
    "providers",
    metadata,
    Column("provider", String(42), primary_key=True),
    Column("bonded", BigInteger, nullable=False),  # units of capacity
    Column("unbond_at", BigInteger, nullable=False),
    Column("rate_card", Integer, nullable=False),
)

rate_cards = Table(
    "rate_cards",
    metadata,
    Column("provider", String(42), primary_key=True),
    Column("rate_card", Integer, primary_key=True),
    Column("rates", Json(Rates), nullable=False),
)

CHAIN_ROWS = (events, jobs, runs, providers, rate_cards, blocks)

# ---- what this scheduler did and saw --------------------------------------------------------------------------

work = Table(
    "work",
    metadata,
    Column("job_id", String(66), primary_key=True),
    Column("phase", String(12), nullable=False),
    Column("why", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False, index=True),
    Column("tries", Integer, nullable=False),  # failures in a row, for the backoff
    Column("lease_owner", String(64)),  # for several schedulers on one database
    Column("lease_until", BigInteger),
)

builds = Table(
    "builds",
    metadata,
    Column("cid", String(128), primary_key=True),
    Column("digest", String(71)),
    Column("image_name", Text, nullable=False),
    Column("manifest", Json(Manifest)),
    Column("refused", Text),
    Column("postponed_until", BigInteger),
    Column("why", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("log", Text, nullable=False),
)

offers = Table(
    "offers",
    metadata,
    Column("job_id", String(66), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("provider", String(42), primary_key=True),
    Column("image", String(71), nullable=False),
    Column("deadline", BigInteger, nullable=False),
    Column("signature", String(132), nullable=False),
    Column("sent_at", BigInteger, nullable=False),
    Column("answer", String(8), nullable=False),
    Column("why", Text, nullable=False),
    Column("answered_at", BigInteger),
)

agents = Table(
    "agents",
    metadata,
    Column("agent", String(42), primary_key=True),
    Column("url", Text),
    Column("version", String(40), nullable=False),
    Column("capacity", Json(ResourcesBody), nullable=False),
    Column("heartbeat", Json(Heartbeat)),
    Column("last_seen_ms", BigInteger, nullable=False),
)

run_status = Table(
    "run_status",
    metadata,
    Column("job_id", String(66), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("status", Json(RunStatus), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)

log_lines = Table(
    "log_lines",
    metadata,
    Column("job_id", String(66), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("stream", String(6), nullable=False),
    Column("text", Text, nullable=False),
)

log_cursors = Table(
    "log_cursors",
    metadata,
    Column("job_id", String(66), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("next_seq", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("full", Boolean, nullable=False),
)

"""The tables. Chain rows can be rebuilt from the chain; the rest says what this scheduler did and saw. Amounts are base
units as text of fixed width, so that text order is number order everywhere. Times are chain seconds, or end in `_ms`.
"""

from __future__ import annotations

from typing import get_args

import sqlalchemy as sa
from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, String, Table, Text

from chain.api import Ending
from chain.job import JobTerms, Rates, Usage
from chain.ledger_check import Finding
from chain.manifest import Manifest
from chain.wire import Heartbeat, ProbeAnswer, ResourcesBody, RunStatus
from scheduler.rows.columns import Amount, Json, Label, State, Words

metadata = MetaData()
RUNTIMES_UNTOLD = ["runc", "runc+network"]  # of an agent that does not say under what it runs jobs

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

undo = Table(  # rows as they were before a recent batch, by which a reorganisation is rolled back
    "undo",
    metadata,
    Column("batch", BigInteger, primary_key=True),  # the block of the cursor after it
    Column("number", Integer, primary_key=True),
    Column("table_name", String(20), nullable=False),
    Column("row_key", Text, nullable=False),  # JSON
    Column("row", Text),  # JSON; NULL: there was none
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
IS_ENDING = events.c.name.in_([sa.literal_column(f"'{name}'") for name in get_args(Ending)])
Index("events_of_ends", events.c.job_id, sqlite_where=IS_ENDING, postgresql_where=IS_ENDING)

jobs = Table(
    "jobs",
    metadata,
    Column("job_id", String(66), primary_key=True),
    Column("consumer", String(42), nullable=False),
    Column("scheduler", String(42), nullable=False),
    Column("cid", Label, nullable=False),
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
    Column("ended_why", Words, nullable=False),
    Column("alarm", Words, nullable=False),
    Column("member", String(66), index=True),  # its salt, when that names a group
    Column("standing", Integer, nullable=False),  # `scheduler.rows.states.Standing` of all these
    Index("jobs_newest", "posted_block", "posted_index"),
    Index("jobs_of_consumer", "consumer", "posted_block", "posted_index"),
    Index("jobs_of_bundle", "cid", "posted_block", "posted_index"),
    Index("jobs_by_standing", "standing", "posted_block", "posted_index", "deadline"),
    Index("jobs_by_deadline", "standing", "deadline"),
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
    Column("result_cid", Words),
    Column("dispute_id", String(78), index=True),
    Column("ruling", Integer),
)
_LIVE = runs.c.settled.is_(False)  # what holds room and bond now, however many runs there were
Index("runs_unsettled", runs.c.provider, sqlite_where=_LIVE, postgresql_where=_LIVE)

providers = Table(
    "providers",
    metadata,
    Column("provider", String(42), primary_key=True),
    Column("bonded", BigInteger, nullable=False),  # units of capacity
    Column("unbond_at", BigInteger, nullable=False),
    Column("rate_card", Integer, nullable=False),
    Column("completed", Integer, nullable=False),
    Column("lapsed", Integer, nullable=False),
    Column("disputes_lost", Integer, nullable=False),
)

rate_cards = Table(
    "rate_cards",
    metadata,
    Column("provider", String(42), primary_key=True),
    Column("rate_card", Integer, primary_key=True),
    Column("rates", Json(Rates), nullable=False),
)

CHAIN_ROWS = (events, jobs, runs, providers, rate_cards)  # what a reorganisation restores

# ---- what this scheduler did and saw --------------------------------------------------------------------------

work = Table(
    "work",
    metadata,
    Column("job_id", String(66), primary_key=True),
    Column("phase", String(12), nullable=False),
    Column("why", Words, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False, index=True),
    Column("tries", Integer, nullable=False),  # failures in a row, for the backoff
    Column("degraded", Words, nullable=False, default="", server_default=""),  # out of order now
    Column("lease_owner", String(64)),  # the process that works on it
    Column("lease_until_ms", BigInteger, nullable=False),
    Column("lease_epoch", BigInteger, nullable=False),  # the fence of its holder's writes
)
_LEASED = work.c.lease_owner.is_not(None)
Index("work_leased", work.c.lease_owner, sqlite_where=_LEASED, postgresql_where=_LEASED)

builds = Table(
    "builds",
    metadata,
    Column("cid", Words, primary_key=True),
    Column("digest", String(71)),
    Column("image_name", Words, nullable=False),
    Column("manifest", Json(Manifest)),
    Column("refused", Words),
    Column("postponed_until", BigInteger),
    Column("why", Words, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("log", Words, nullable=False),
    Column("private", Boolean, nullable=False, default=False),  # its bundle was sealed
    Column("sealed_for", String(42)),  # by this consumer, for its own jobs
    Column("lease_owner", String(64)),  # the process that builds it
    Column("lease_until_ms", BigInteger, nullable=False),
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
    Column("chosen_why", Words, nullable=False),  # why this agent
    Column("sent_at", BigInteger),  # last handed to the agent's session
    Column("answer", String(8), nullable=False),
    Column("why", Words, nullable=False),
    Column("answered_at", BigInteger),
    Index("offers_by_provider", "provider", "deadline"),
    Index("offers_by_deadline", "deadline"),  # few can still be used, however many there were
)

agents = Table(
    "agents",
    metadata,
    Column("agent", String(42), primary_key=True),
    Column("url", Words),
    Column("version", String(40), nullable=False),
    Column("capacity", Json(ResourcesBody), nullable=False),
    Column("attributes", Json(dict[str, str]), nullable=False),
    Column("runtimes", Json(list[str]), nullable=False, default=RUNTIMES_UNTOLD.copy),
    Column("gpus", Integer, nullable=False, default=0),
    Column("heartbeat", Json(Heartbeat)),
    Column("last_seen_ms", BigInteger, nullable=False, index=True),
    Column("session_at", String(64)),  # the scheduler process that holds its session
)

sightings = Table(  # what was seen of a watched run: what its reports are held against
    "sightings",
    metadata,
    Column("job_id", String(66), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("provider", String(42), nullable=False),
    Column("is_open", Boolean, nullable=False, index=True),  # it may still be disputed
    Column("first_ms", BigInteger, nullable=False),
    Column("last_ms", BigInteger, nullable=False),  # last heard of
    Column("seen_ms", BigInteger, nullable=False),  # covered by heartbeats that named the run
    Column("running_ms", BigInteger),  # first said to run
    Column("not_before_ms", BigInteger),  # last seen not to have begun
    Column("ended_ms", BigInteger),  # first seen to be over
    Column("metered", Json(Usage), nullable=False),  # the most that the agent itself has told
    Column("ledger", String(64), nullable=False),  # head of the agent's usage ledger, as last told
    Column("lines", BigInteger, nullable=False),  # log lines that there are, as last told
    Column("delivered", BigInteger, nullable=False),  # log lines that came
    Column("withheld_ms", BigInteger),  # since when lines are told of that do not come
    Column("withheld_at", Json(Usage)),  # what had been metered by then
    Column("published", Json(Finding)),  # what was found in the ledger that the agent published
    Column("evidence", Words, nullable=False),  # the document that a dispute names; "" for none
    Column("evidence_until", BigInteger, nullable=False),  # when all that it is about is final
    Column("outcome", Words, nullable=False),  # how it was ruled
)

probes = Table(  # questions about watched runs, and what came back
    "probes",
    metadata,
    Column("nonce", String(66), primary_key=True),
    Column("job_id", String(66), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("provider", String(42), nullable=False),
    Column("sent_ms", BigInteger, nullable=False),
    Column("reported", Json(Usage), nullable=False),  # billed when it was asked
    Column("block_hash", String(66), nullable=False),  # by when; the nonce is made of it
    Column("outcome", String(10), nullable=False),  # open, answered, unanswered or void
    Column("answered_ms", BigInteger),
    Column("answer", Json(ProbeAnswer)),
    Index("probes_by_run", "job_id", "attempt", "sent_ms"),
)

listening = Table(  # when a copy of this scheduler could see: up, synced, and hearing agents
    "listening",
    metadata,
    Column("copy", String(64), primary_key=True),
    Column("from_ms", BigInteger, primary_key=True),
    Column("to_ms", BigInteger, nullable=False, index=True),
)

used_nonces = Table(  # log-in nonces that were used, until they would be too old anyhow
    "used_nonces",
    metadata,
    Column("nonce", String(80), primary_key=True),
    Column("expires_at", BigInteger, nullable=False, index=True),
)

run_status = Table(
    "run_status",
    metadata,
    Column("job_id", String(66), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("status", Json(RunStatus), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)

log_chunks = Table(  # lines as they came together, packed as in `chain.printed`
    "log_chunks",
    metadata,
    Column("job_id", String(66), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("first", BigInteger, primary_key=True),  # the number of the first line
    Column("lines", Integer, nullable=False),
    Column("size", Integer, nullable=False),  # of the body, in bytes
    Column("body", sa.LargeBinary, nullable=False),  # last: what is before it is read without it
)

log_cursors = Table(
    "log_cursors",
    metadata,
    Column("job_id", String(66), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("provider", String(42), nullable=False),  # whose lines come in
    Column("base", BigInteger, nullable=False),  # lines of others before its first
    Column("next_seq", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("full", Boolean, nullable=False),
)

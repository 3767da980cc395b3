"""Rows of jobs, offers and claims as tests of the agents' side need them, without a chain."""

from __future__ import annotations

from typing import Any

from eth_account.signers.local import LocalAccount
from sqlalchemy import update

from chain.job import JobId, JobState, Usage
from scheduler.rows import tables as t
from scheduler.rows.batch import upsert
from scheduler.rows.database import Store
from tests.fixtures_chain import IMAGE, TERMS
from tests.integration.scheduler.linking import SCHEDULER


async def post_job(
    store: Store, job: JobId, attempt: int = 1, state: JobState = JobState.OPEN
) -> None:
    """A job's row, with its work."""
    values: dict[str, Any] = {"job_id": job, "consumer": TERMS.consumer}
    values |= {"scheduler": SCHEDULER, "cid": TERMS.cid, "standing": 0}
    values |= {"terms": TERMS, "posted_at": 1, "posted_block": 1}
    values |= {"posted_index": int(job, 16) % 10**6, "claim_by": 2**40, "deposited": 9}
    values |= {"deposit": 9, "refunded": 0, "deadline": 2**40, "duration": 60, "rate_card": 1}
    values |= {"attempt": attempt, "state": state, "settled": False, "ended_why": "", "alarm": ""}
    work: dict[str, Any] = {"job_id": job, "phase": "assigned", "why": "", "since": 0}
    work |= {
        "due_at": 2**40,
        "tries": 0,
        "lease_owner": None,
        "lease_until_ms": 0,
        "lease_epoch": 0,
    }
    async with store.write() as tx:
        await upsert(tx, t.jobs, values)
        await upsert(tx, t.work, work)


async def offer_job(store: Store, job: JobId, account: LocalAccount, attempt: int = 1) -> None:
    """An offer's row, not sent."""
    values: dict[str, Any] = {"job_id": job, "attempt": attempt, "provider": account.address}
    values |= {"image": IMAGE, "deadline": 2**40, "signature": "0x" + "11" * 65, "sent_at": None}
    values |= {"chosen_why": "", "answer": "", "why": "", "answered_at": None}
    async with store.write() as tx:
        await upsert(tx, t.offers, values)


async def claim_job(store: Store, job: JobId, account: LocalAccount, attempt: int = 1) -> None:
    """A run's row, and its job running."""
    values: dict[str, Any] = {"job_id": job, "attempt": attempt, "provider": account.address}
    values |= {"rate_card": 1, "image": IMAGE, "started_at": 1, "reported_at": 1}
    values |= {"usage": Usage(0, 0, 0, 0), "earned": 0, "released": 0, "settled": False}
    async with store.write() as tx:
        await upsert(tx, t.runs, values)
        mine = t.jobs.c.job_id == job
        change = {"state": JobState.RUNNING, "attempt": attempt}
        await tx.execute(update(t.jobs).where(mine).values(change))

"""A market with a long history, written as rows: what a scheduler would have after years of work."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from eth_utils.address import to_checksum_address
from sqlalchemy import Table, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from chain.job import Address, Cid, JobId, JobState, Rates, Resources, Usage
from chain.manifest import Manifest
from chain.wire import Heartbeat, ResourcesBody, RunStatus
from scheduler.rows import tables as t
from scheduler.rows.database import Store
from scheduler.rows.states import standing_of
from tests.fixtures_chain import TERMS

AT_ONCE = 2000  # rows of one statement
CAPACITY = ResourcesBody(cpu_millis=8000, memory_mib=16384, egress_kib_s=1024)
RATES = Rates(10**9, 10**6, 10**3, 10**12)
CIDS = 5000
CONSUMERS = 2000
YEAR = 365 * 86400


def address(kind: int, number: int) -> Address:
    """A provider's (1) or a consumer's (2)."""
    return Address(to_checksum_address(f"0x{kind:08x}{number:032x}"))


def cid(number: int) -> Cid:
    """One of the bundles."""
    letters = "".join("abcdefghijklmnop"[int(digit, 16)] for digit in f"{number:08x}")
    return Cid("bafkrei" + letters * 6)


def job_id(number: int) -> JobId:
    """Of the number-th job."""
    return JobId(f"0x{number:064x}")


async def write_market(store: Store, me: Address, jobs: int, agents: int, now: int) -> None:
    """Fill an empty database. Most jobs are long over; a few wait, run, or are disputed."""
    dice = random.Random(7)
    async with store.write() as tx:
        await _write(tx, t.agents, (_agent(number, now) for number in range(agents)))
        await _write(tx, t.providers, (_provider(number) for number in range(agents)))
        await _write(tx, t.rate_cards, (_card(number) for number in range(agents)))
        await _write(tx, t.builds, (_build(number) for number in range(CIDS)))
    for first in range(0, jobs, AT_ONCE):
        last = min(jobs, first + AT_ONCE)
        made = [_job(number, jobs, agents, me, now, dice) for number in range(first, last)]
        async with store.write() as tx:
            for table in (t.jobs, t.work, t.runs, t.run_status, t.events, t.log_cursors):
                await _write(tx, table, (row for one in made for row in one.get(table.name, [])))
        await asyncio.sleep(0)


async def _write(tx: AsyncConnection, table: Table, rows: Iterator[dict[str, Any]]) -> None:
    waiting: list[dict[str, Any]] = []
    for row in rows:
        waiting.append(row)
        if len(waiting) == AT_ONCE:
            await tx.execute(insert(table), waiting)
            waiting = []
    if waiting:
        await tx.execute(insert(table), waiting)


def _agent(number: int, now: int) -> dict[str, Any]:
    beat = Heartbeat(
        at_ms=now * 1000,
        capacity=CAPACITY,
        free=CAPACITY,
        cpu_percent=12.5,
        memory_used_mib=2048,
        disk_free_mib=50_000,
    )
    return {
        "agent": address(1, number), "url": f"http://10.0.{number // 250}.{number % 250}:5100", "version": "0.1.0",
        "capacity": CAPACITY, "attributes": {"region": "eu" if number % 2 else "us"}, "heartbeat": beat,
        "last_seen_ms": (now + YEAR) * 1000, "session_at": f"copy:{number % 2}",
    }  # fmt: skip


def _provider(number: int) -> dict[str, Any]:
    return {
        "provider": address(1, number), "bonded": 30_000, "unbond_at": 0, "rate_card": 1, "completed": number,
        "lapsed": number % 3, "disputes_lost": 0,
    }  # fmt: skip


def _card(number: int) -> dict[str, Any]:
    return {"provider": address(1, number), "rate_card": 1, "rates": RATES}


def _build(number: int) -> dict[str, Any]:
    return {
        "cid": cid(number), "digest": "sha256:" + "ab" * 32, "image_name": "", "refused": None,
        "manifest": Manifest(name=f"job {number}", logs="public" if number % 10 == 0 else "private"),
        "postponed_until": None, "why": "", "tries": 0, "log": "Step 1/3 : FROM python\n" * 20,
        "lease_owner": None, "lease_until_ms": 0,
    }  # fmt: skip


def _job(
    number: int, jobs: int, agents: int, me: Address, now: int, dice: random.Random
) -> dict[str, list[dict[str, Any]]]:
    """All rows of one job; the newest hundredth is still under way."""
    age = (jobs - number) * 60
    posted, old = now - age, number < jobs - jobs // 50
    draw = dice.random()
    if old:
        state = (
            JobState.DISPUTED if draw < 0.002 else JobState.CLOSED if draw < 0.1 else JobState.ENDED
        )
    else:
        state = JobState.OPEN if draw < 0.4 else JobState.RUNNING
    undone = state is JobState.ENDED and draw > 0.998
    parted = old and not undone
    who = address(2, min(CONSUMERS - 1, int(dice.expovariate(1 / 200))))
    terms = replace(
        TERMS, consumer=who, scheduler=me, cid=cid(number % CIDS), resources=Resources(500, 256, 8)
    )
    key = {"job_id": job_id(number)}
    job = key | {
        "consumer": who, "scheduler": me, "cid": terms.cid, "terms": terms, "posted_at": posted,
        "posted_block": number // 3 + 1, "posted_index": number % 3, "claim_by": posted + 300,
        "deposited": 10**18, "deposit": 0 if parted else 10**18, "refunded": 10**17 if parted else 0,
        "deadline": posted + 600 if old else now + YEAR, "duration": 600, "rate_card": 1, "attempt": 1,
        "state": state, "settled": parted, "ended_why": "finished with exit code 0" if old else "", "alarm": "",
        "standing": standing_of(state, 0 if parted else 10**18, settled=parted),
    }  # fmt: skip
    phase = "building" if state is JobState.OPEN else "claimed"
    work = key | {
        "phase": phase, "why": "", "since": posted, "due_at": now + 10 * YEAR, "tries": 0, "lease_owner": None,
        "lease_until_ms": 0, "lease_epoch": 0,
    }  # fmt: skip
    rows: dict[str, list[dict[str, Any]]] = {"jobs": [job], "work": [work]}
    rows["events"] = [
        _event(number, index, name, posted) for index, name in enumerate(_names(state))
    ]
    if state is JobState.OPEN:
        return rows
    run = key | {"attempt": 1}
    usage = Usage(cpu_ms=1000, wall_s=60)
    rows["runs"] = [run | {
        "provider": address(1, dice.randrange(agents)), "rate_card": 1, "image": "sha256:" + "ab" * 32,
        "started_at": posted + 5, "reported_at": posted + 60, "usage": usage, "earned": 9 * 10**17,
        "released": 0, "settled": parted, "exit_code": 0 if old else None, "result_cid": None,
        "dispute_id": str(number) if state is JobState.DISPUTED else None, "ruling": None,
    }]  # fmt: skip
    told = RunStatus(job_id=job_id(number), attempt=1, phase="finished" if old else "running")
    rows["run_status"] = [run | {"status": told, "at_ms": posted * 1000}]
    kept = {
        "provider": rows["runs"][0]["provider"],
        "base": 0,
        "next_seq": 10,
        "bytes": 9,
        "full": False,
    }
    rows["log_cursors"] = [run | kept]
    return rows


def _names(state: JobState) -> list[str]:
    if state is JobState.OPEN:
        return ["JobPosted"]
    if state is JobState.RUNNING:
        return ["JobPosted", "JobClaimed", "UsageReported"]
    return ["JobPosted", "JobClaimed", "UsageReported", "JobCompleted", "Refunded"]


def _event(number: int, index: int, name: str, at: int) -> dict[str, Any]:
    return {
        "block_hash": f"0x{number:064x}", "log_index": index, "block_number": number // 3 + 1,
        "tx_hash": f"0x{number:060x}{index:04x}", "at": at, "name": name, "job_id": job_id(number),
        "data": json.dumps({"amount": "900000000000000000", "attempt": "1"}),
    }  # fmt: skip

"""Rows of a market without a chain: providers, live agents, jobs and runs, as the parts that own them write them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from eth_account import Account
from sqlalchemy import update

from chain.clock import ChainClock, unix_ms
from chain.job import (
    ZERO_ADDRESS,
    Address,
    Cid,
    Digest,
    JobId,
    JobState,
    JobTerms,
    Rates,
    Resources,
)
from chain.messages import Domain
from chain.wire import ResourcesBody
from scheduler.rows import tables as t
from scheduler.rows.batch import insert_new, upsert
from scheduler.rows.database import Store
from scheduler.rows.facts import JobFacts, RunFacts
from scheduler.rows.leases import Lease
from scheduler.rows.store import job_row, run_row
from scheduler.signals import Signals
from scheduler.work.assign import Assigner, Offering

HEARTBEAT_S = 2
RATES = Rates(1, 1, 1, 1)
IMAGE = Digest("sha256:" + "ab" * 32)
CID = Cid("bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi")
KEY = "0x" + "11" * 32
TERMS = JobTerms(
    consumer=Address("0x" + "c0" * 20),
    scheduler=Address(Account.from_key(KEY).address),
    watcher=ZERO_ADDRESS,
    salt="0x" + "00" * 32,
    resources=Resources(1000, 256),
    max_rates=RATES,
    duration=600,
    claim_within=300,
    cid=CID,
)


def an_agent(number: int) -> Address:
    return Address(f"0x{number:040x}")


def a_job(number: int, clock: ChainClock, **changes: Any) -> JobFacts:
    """An open job."""
    now = clock.now()
    facts = JobFacts(
        job_id=JobId(f"0x{number:064x}"),
        terms=TERMS,
        posted_at=now,
        posted_block=number,
        posted_index=0,
        claim_by=now + 300,
        deposited=10**6,
        deposit=10**6,
        deadline=now + 300,
        duration=600,
    )
    return replace(facts, **changes)


def running_on(agent: Address, job: JobFacts, clock: ChainClock, **changes: Any) -> JobFacts:
    """The same job claimed by an agent."""
    now = clock.now()
    run = RunFacts(job.attempt, agent, 1, IMAGE, started_at=now, reported_at=now)
    facts = replace(job, state=JobState.RUNNING, deadline=now + 600, runs=(*job.runs, run))
    return replace(facts, **changes)


@dataclass
class Rows:
    """A database, and who writes to it."""

    store: Store
    signals: Signals = field(default_factory=Signals)
    clock: ChainClock = field(default_factory=ChainClock)

    async def leased(self, job: JobFacts) -> Lease:
        """A lease on a job that was saved; an earlier one is lost by it."""
        mine = t.work.c.job_id == job.job_id
        values = {"lease_owner": "a copy", "lease_epoch": t.work.c.lease_epoch + 1}
        taken = update(t.work).where(mine).values(**values).returning(t.work.c.lease_epoch)
        async with self.store.write() as tx:
            return Lease(job.job_id, "a copy", (await tx.execute(taken)).scalar_one())

    def assigner(self) -> Assigner:
        """One scheduler's."""
        offering = Offering(
            Account.from_key(KEY), Domain(1337, ZERO_ADDRESS), offer_s=60, heartbeat_s=HEARTBEAT_S
        )
        assigner = Assigner(self.store, self.signals, self.clock, offering)
        assigner.settled()
        return assigner

    async def with_agent(self, number: int, **changes: Any) -> Address:
        """A live agent with room for two jobs, and as much bond."""
        agent = an_agent(number)
        values: dict[str, Any] = {"agent": agent, "version": "1", "attributes": {}}
        values |= {"capacity": ResourcesBody(cpu_millis=2000, memory_mib=512)}
        values |= {"last_seen_ms": unix_ms(), "session_at": "a:1"}
        provider: dict[str, Any] = {"provider": agent, "bonded": 2512, "unbond_at": 0}
        provider |= {"rate_card": 1, "completed": 0, "lapsed": 0, "disputes_lost": 0}
        card = {"provider": agent, "rate_card": 1, "rates": changes.pop("rates", RATES)}
        provider |= {name: changes.pop(name) for name in list(changes) if name in provider}
        async with self.store.write() as tx:
            await upsert(tx, t.agents, values | changes)
            await upsert(tx, t.providers, provider)
            await upsert(tx, t.rate_cards, card)
        return agent

    async def save(self, *jobs: JobFacts) -> None:
        """Jobs with their work rows."""
        async with self.store.write() as tx:
            for job in jobs:
                await upsert(tx, t.jobs, job_row(job))
                for run in job.runs:
                    await upsert(tx, t.runs, run_row(job.job_id, run))
                work: dict[str, Any] = {"job_id": job.job_id, "phase": "fetching", "why": ""}
                work |= {"since": 0, "due_at": 0, "tries": 0, "lease_until_ms": 0, "lease_epoch": 0}
                await insert_new(tx, t.work, work)

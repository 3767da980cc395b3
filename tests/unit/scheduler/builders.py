"""Jobs, offers and sights of one moment for the tests of the reconciler."""

from __future__ import annotations

from dataclasses import replace

from chain.job import (
    Address,
    Cid,
    Digest,
    JobId,
    JobState,
    JobTerms,
    Parameters,
    Rates,
    Resources,
)
from scheduler.decide.place import Choice
from scheduler.decide.reconcile import Image, Offered, Rules, Seen
from scheduler.rows.facts import JobFacts, RunFacts

AGENT = Address("0x" + "a1" * 20)
ME = Address("0x" + "5c" * 20)
DIGEST = Digest("sha256:" + "11" * 32)
ESCROW = Parameters(
    window=20,
    lapse_after=60,
    settle_grace=15,
    bond_per_unit=1,
    dispute_bond=1,
    ruling_time=600,
    unbond_time=700,
    lapses_per_slash=3,
)
RULES = Rules(ESCROW, refund_after=10)
NOW = 1_000_000
FITS = Choice(agent=AGENT, cheapest=1, fitting=1, live=1, why_not={})
NOBODY = Choice(agent=None, cheapest=None, fitting=0, live=1, why_not={"short of CPU": 1})
TERMS = JobTerms(
    consumer=Address("0x" + "c0" * 20),
    scheduler=ME,
    watcher=Address("0x" + "00" * 20),
    salt="0x" + "00" * 32,
    resources=Resources(1000, 64),
    max_rates=Rates(1, 1, 1, 1),
    duration=600,
    claim_within=100,
    cid=Cid("bafy"),
)


def a_job(**changes: object) -> JobFacts:
    facts = JobFacts(
        job_id=JobId("0x" + "01" * 32),
        terms=TERMS,
        posted_at=NOW - 10,
        posted_block=1,
        posted_index=0,
        claim_by=NOW + 90,
        deposited=1000,
        deposit=1000,
        deadline=NOW + 90,
        duration=600,
    )
    return replace(facts, **changes)  # type: ignore[arg-type]


def a_running_job(reported_at: int = NOW - 5, **changes: object) -> JobFacts:
    run = RunFacts(1, AGENT, 1, DIGEST, started_at=NOW - 100, reported_at=reported_at)
    running = a_job(state=JobState.RUNNING, deadline=NOW + 500, runs=(run,))
    return replace(running, **changes)  # type: ignore[arg-type]


def an_offer(**changes: object) -> Offered:
    offer = Offered(AGENT, DIGEST, deadline=NOW + 50, answer="", live=True)
    return replace(offer, **changes)  # type: ignore[arg-type]


def seen(**changes: object) -> Seen:
    return replace(Seen(synced=True, image=Image(DIGEST), choice=FITS), **changes)  # type: ignore[arg-type]

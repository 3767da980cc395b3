"""Members of a watched `verify` group, as rows tell of them: who gave another result than the majority.

What providers vouched for counts with their signatures, and what they completed with by the chain's word. A run that
was cut short has no result, whatever it left behind.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from eth_account.signers.local import LocalAccount
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from chain.errors import Conflict
from chain.group import Member, member_of, salt_of, salts_of
from chain.group_evidence import Seat, check_results, make_results_evidence
from chain.job import JobState, JobTerms
from chain.messages import Domain
from chain.result import is_outcome_of
from chain.verdict import CUT_SHORT, Answer, GroupVerdict, verdict_of
from chain.wire import RunStatus
from scheduler.rows import tables as t
from scheduler.rows.facts import JobFacts, RunFacts
from scheduler.rows.store import load_build, load_jobs

MAX_CID = 130  # characters of what a provider wrote on the chain that are looked at
_OVER = (JobState.ENDED, JobState.DISPUTED, JobState.CLOSED)


def place_of(job: JobFacts) -> Member | None:
    """Its place in a `verify` group; None when it is in none."""
    member = member_of(job.terms.salt)
    return member if member is not None and member.kind == "verify" else None


async def outvoted(
    tx: AsyncConnection, domain: Domain, job: JobFacts, run: RunFacts
) -> tuple[list[Seat], GroupVerdict] | None:
    """All members and their verdict, when this run of the job is against the majority."""
    place = place_of(job)
    if place is None or await _verified(tx, job) != place.size:
        return None
    seats = await seats_of(tx, domain, job.terms, place)
    mine = seats[place.index]
    if (mine.attempt, mine.provider) != (run.attempt, run.provider):
        return None
    verdict = verdict_of([seat.voice(index) for index, seat in enumerate(seats)])
    return (seats, verdict) if place.index in verdict.differing else None


async def _verified(tx: AsyncConnection, job: JobFacts) -> int:
    """How many providers the bundle's own manifest asks for."""
    build = await load_build(tx, job.terms.cid)
    return build.manifest.verify if build is not None and build.manifest is not None else 1


async def document_against(
    tx: AsyncConnection, account: LocalAccount, domain: Domain, job: JobFacts, run: RunFacts
) -> str:
    """The evidence against an outvoted run, signed by the watcher.

    Raises:
        Conflict: it is outvoted no more, or the evidence would not hold.
    """
    found, place = await outvoted(tx, domain, job, run), place_of(job)
    if found is None or place is None:
        raise Conflict("The suspicion does not hold any more.", "")
    text = make_results_evidence(account, domain, found[0], place.index)
    if faults := check_results(text).faults:
        raise Conflict(f"The evidence would not hold: {'; '.join(faults)}.", "")
    return text


async def seats_of(
    tx: AsyncConnection, domain: Domain, terms: JobTerms, place: Member
) -> list[Seat]:
    """What is known of every member of the group of a job with these terms."""
    c = t.jobs.c
    query = select(c.job_id).where(
        c.member.between(*salts_of(place.group)),
        c.consumer == terms.consumer,
        c.cid == terms.cid,
    )
    order = (c.posted_block, c.posted_index)
    ids = [row.job_id for row in await tx.execute(query.order_by(*order))]
    jobs: dict[int, JobFacts] = {}
    for job in await load_jobs(tx, ids):
        member = place_of(job)
        if member is not None and (member.group, member.size) == (place.group, place.size):
            jobs.setdefault(member.index, job)
    told = await _told(tx, [job.job_id for job in jobs.values()])
    events = await _events(tx, [job.job_id for job in jobs.values()])
    return [
        _seat(domain, jobs[index], told, events)
        if index in jobs
        else Seat(replace(terms, salt=salt_of(replace(place, index=index))))
        for index in range(place.size)
    ]


def _seat(
    domain: Domain,
    job: JobFacts,
    told: Mapping[tuple[str, int], RunStatus],
    events: Mapping[tuple[str, int, str], Any],
) -> Seat:
    run = job.runs[-1] if job.runs else None
    seat = Seat(job.terms, over=job.state in _OVER)
    if run is None:
        return seat
    key = (job.job_id, run.attempt)
    claim, end, status = (
        events.get((*key, "JobClaimed")),
        events.get((*key, "JobCompleted")),
        told.get(key),
    )
    seat = replace(
        seat,
        attempt=run.attempt,
        provider=run.provider,
        claim_tx=claim.tx_hash if claim else "",
        completed_tx=end.tx_hash if end else "",
        ledger_cid=status.evidence if status else "",
    )
    outcome = status.outcome if status else None
    if outcome is not None and is_outcome_of(run.provider, domain, key, outcome):
        answer = Answer(outcome.exit_code, outcome.result_cid)
        return replace(seat, answer=answer, signature=outcome.signature)
    if claim is None or end is None or run.exit_code in (None, CUT_SHORT):
        return seat
    # Spent or cancelled, the run ended before its completion.
    in_time = end.at < int(json.loads(claim.data)["deadline"]) and end.at <= job.deadline
    if not in_time or (*key, "JobCancelled") in events:
        return seat
    return replace(seat, answer=Answer(run.exit_code, (run.result_cid or "")[:MAX_CID]))


async def _told(tx: AsyncConnection, ids: Sequence[str]) -> dict[tuple[str, int], RunStatus]:
    s = t.run_status.c
    query = select(s.job_id, s.attempt, s.status).where(s.job_id.in_(ids))
    return {(row.job_id, row.attempt): row.status for row in await tx.execute(query)}


async def _events(tx: AsyncConnection, ids: Sequence[str]) -> dict[tuple[str, int, str], Any]:
    """The claims, completions and cancels of these jobs, by job, attempt and name; a cancel is of the last attempt."""
    e = t.events.c
    query = select(e.job_id, e.name, e.data, e.tx_hash, e.at).where(
        e.job_id.in_(ids), e.name.in_(("JobClaimed", "JobCompleted", "JobCancelled"))
    )
    found: dict[tuple[str, int, str], Any] = {}
    last: dict[str, int] = {}
    for row in await tx.execute(query.order_by(e.block_number, e.log_index)):
        attempt = json.loads(row.data).get("attempt", last.get(row.job_id, 0))
        last[row.job_id] = int(attempt)
        found[row.job_id, int(attempt), row.name] = row
    return found

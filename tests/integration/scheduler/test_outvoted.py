"""A watcher finds by its rows who gave another result than the majority, and never one that merely said nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from eth_account import Account
from sqlalchemy import update

from chain.errors import Conflict
from chain.group import GroupId, Member, salt_of
from chain.group_evidence import check_results, job_id_of
from chain.job import Address, Digest, JobState, Usage
from chain.manifest import Manifest
from chain.messages import Domain, UsageReport
from chain.result import Result, vouch
from chain.verdict import CUT_SHORT, Answer
from chain.wire import RunStatus
from scheduler.rows import tables as t
from scheduler.rows.batch import upsert
from scheduler.rows.facts import JobFacts, RunFacts
from scheduler.watch.outvoted import document_against, outvoted
from tests.integration.scheduler.placing import CID, IMAGE, TERMS, Rows, a_job

DOMAIN = Domain(1337, Address("0x52908400098527886E0F7030069857D2E4169EE7"))
WATCHER = Account.from_key("0x" + "11" * 32)
KEYS = [Account.from_key(f"0x{number:064x}") for number in (21, 22, 23)]
RIGHT, WRONG = Answer(0, CID), Answer(0, CID[:-1] + "j")
ORDER = ("JobClaimed", "JobCompleted", "JobCancelled")
GROUP = GroupId("0x" + "5a" * 24)


def a_run(index: int, rows: Rows, **changes: Any) -> JobFacts:
    """Of a member, by a provider of its own."""
    salt, now = salt_of(Member(GROUP, "verify", index, 3)), rows.clock.now()
    terms = replace(TERMS, watcher=Address(WATCHER.address), salt=salt)
    run = RunFacts(1, Address(KEYS[index].address), 1, Digest(IMAGE), now, now, earned=5)
    facts = a_job(index + 1, rows.clock, terms=terms, job_id=job_id_of(DOMAIN, terms))
    facts = replace(facts, state=JobState.RUNNING, deadline=now + 600, runs=(run,))
    return replace(facts, **changes)


async def three(rows: Rows, **end: Any) -> list[JobFacts]:
    """A group whose manifest says so, and how the last of its runs ended, at 650 by the chain's clock."""
    jobs = [a_run(index, rows) for index in range(3)]
    if end:
        run = replace(jobs[2].runs[0], **end)
        jobs[2] = replace(jobs[2], state=JobState.ENDED, deadline=650, runs=(run,))
    await rows.save(*jobs)
    built = {"cid": TERMS.cid, "digest": IMAGE, "image_name": "", "why": "", "tries": 0, "log": ""}
    built |= {"lease_until_ms": 0, "manifest": Manifest(verify=3)}
    async with rows.store.write() as tx:
        await upsert(tx, t.builds, built)
    return jobs


async def vouched(rows: Rows, job: JobFacts, answer: Answer, key: Any) -> None:
    result = Result(job.job_id, 1, answer)
    outcome = vouch(key, DOMAIN, result, UsageReport(job.job_id, 1, Usage(), 9))
    status = RunStatus(job_id=job.job_id, attempt=1, phase="completing", outcome=outcome)
    async with rows.store.write() as tx:
        row = {"job_id": job.job_id, "attempt": 1, "status": status, "at_ms": 1}
        await upsert(tx, t.run_status, row)


async def happened(rows: Rows, job: JobFacts, name: str, at: int, **data: str) -> None:
    """An event of the first run."""
    number = int(job.job_id, 16) % 10**6 + ORDER.index(name)
    values = {"block_hash": "0x" + "b1" * 32, "log_index": number, "block_number": 1, "at": at}
    values |= {"tx_hash": f"0x{number:064x}", "name": name, "job_id": job.job_id}
    async with rows.store.write() as tx:
        await upsert(
            tx,
            t.events,
            values
            | {"data": json.dumps(data if name == "JobCancelled" else {"attempt": "1"} | data)},
        )


async def against(rows: Rows, job: JobFacts) -> bool:
    async with rows.store.read() as tx:
        return await outvoted(tx, DOMAIN, job, job.runs[-1]) is not None


async def test_who_signed_another_result_is_outvoted_and_the_evidence_proves_it(rows: Rows) -> None:
    jobs = await three(rows)
    for job, key, answer in zip(jobs, KEYS, (RIGHT, WRONG, RIGHT), strict=True):
        await vouched(rows, job, answer, key)
    assert [await against(rows, job) for job in jobs] == [False, True, False]
    async with rows.store.read() as tx:
        text = await document_against(tx, WATCHER, DOMAIN, jobs[1], jobs[1].runs[0])
        with pytest.raises(Conflict):
            await document_against(tx, WATCHER, DOMAIN, jobs[0], jobs[0].runs[0])
    checked = check_results(text)
    assert (checked.faults, checked.provider) == ((), KEYS[1].address)
    assert len(checked.proofs) == 1


async def test_a_result_that_another_signed_is_no_answer(rows: Rows) -> None:
    jobs = await three(rows)
    for job, answer in zip(jobs, (RIGHT, WRONG, RIGHT), strict=True):
        await vouched(rows, job, answer, KEYS[0])
    assert [await against(rows, job) for job in jobs] == [False, False, False]


async def test_who_completed_with_another_result_is_outvoted_and_who_was_cut_short_is_not(
    rows: Rows,
) -> None:
    jobs = await three(rows, exit_code=0, result_cid=WRONG.result_cid, settled=True)
    for job, key in zip(jobs[:2], KEYS, strict=False):
        await vouched(rows, job, RIGHT, key)
    assert not await against(rows, jobs[2])  # nobody knows yet whether it came to its end
    await happened(rows, jobs[2], "JobClaimed", 100, deadline="700")
    for after_its_end in (700, 651):
        await happened(rows, jobs[2], "JobCompleted", after_its_end)
        assert not await against(rows, jobs[2])
    await happened(rows, jobs[2], "JobCompleted", 650)
    assert await against(rows, jobs[2])
    await happened(rows, jobs[2], "JobCancelled", 650)
    assert not await against(rows, jobs[2])


async def test_who_says_that_its_run_was_cut_short_has_no_result(rows: Rows) -> None:
    jobs = await three(rows, exit_code=CUT_SHORT, settled=True)
    for job, key in zip(jobs[:2], KEYS, strict=False):
        await vouched(rows, job, RIGHT, key)
    await happened(rows, jobs[2], "JobClaimed", 100, deadline="700")
    await happened(rows, jobs[2], "JobCompleted", 650)
    assert not await against(rows, jobs[2])


async def test_a_salt_alone_puts_nobody_to_the_vote(rows: Rows) -> None:
    jobs = await three(rows)
    for job, key, answer in zip(jobs, KEYS, (RIGHT, WRONG, RIGHT), strict=True):
        await vouched(rows, job, answer, key)
    async with rows.store.write() as tx:
        await tx.execute(update(t.builds).values(manifest=Manifest()))
    assert not await against(rows, jobs[1])


async def test_without_a_majority_nobody_is_outvoted(rows: Rows) -> None:
    jobs = await three(rows)
    await vouched(rows, jobs[0], RIGHT, KEYS[0])
    await vouched(rows, jobs[1], WRONG, KEYS[1])
    assert [await against(rows, job) for job in jobs] == [False, False, False]

"""Members of a group by their rows, on both databases: placed apart, listed together, and vouched for in private."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from chain.errors import NotFound, Unavailable
from chain.group import GroupId, Kind, Member, salt_of
from chain.job import Address, JobId, JobState
from chain.wire import OutcomeBody, RunStatus, UsageBody
from scheduler.api.listing import Filter, list_deployments
from scheduler.api.views import outcome_of
from scheduler.decide.fit import NOT_APART
from scheduler.decide.place import Choice
from scheduler.rows import tables as t
from scheduler.rows.batch import upsert
from scheduler.rows.facts import JobFacts
from scheduler.rows.states import Moment
from tests.fixtures_chain import RULES
from tests.integration.scheduler.placing import IMAGE, TERMS, Rows, a_job, an_agent, running_on
from tests.integration.scheduler.test_assign import offers

GROUP = GroupId("0x" + "5a" * 24)


def members(rows: Rows, size: int, kind: Kind = "verify", group: GroupId = GROUP) -> list[JobFacts]:
    salts = [salt_of(Member(group, kind, index, size)) for index in range(size)]
    return [
        a_job(number, rows.clock, terms=replace(TERMS, salt=salt))
        for number, salt in enumerate(salts, 1)
    ]


async def why_not(rows: Rows, job: JobFacts) -> dict[str, int]:
    choice = await rows.assigner().choose(job, None)
    assert isinstance(choice, Choice)
    return choice.why_not


async def test_members_that_are_verified_go_to_different_providers_though_placed_at_once(
    rows: Rows,
) -> None:
    for number in (1, 2, 3):
        await rows.with_agent(number, bonded=10**6)
    jobs = members(rows, 4)
    await rows.save(*jobs)
    leased = [(job, await rows.leased(job)) for job in jobs]
    outcomes = await asyncio.gather(
        *(rows.assigner().assign(job, IMAGE, None, lease) for job, lease in leased),
        return_exceptions=True,
    )
    assert sorted(row.provider for row in await offers(rows)) == [an_agent(n) for n in (1, 2, 3)]
    (left,) = (job for job, one in zip(jobs, outcomes, strict=True) if one is not None)
    assert sum(isinstance(one, Unavailable) for one in outcomes) == 1
    assert (await why_not(rows, left))[NOT_APART] == 3


async def test_who_ran_one_member_is_not_asked_for_another_whatever_became_of_the_run(
    rows: Rows,
) -> None:
    agent = await rows.with_agent(1)
    first, second, third = members(rows, 3)
    done = running_on(agent, first, rows.clock, state=JobState.CLOSED, settled=True)
    await rows.save(done, second, third)
    assert await why_not(rows, second) == {NOT_APART: 1}
    stranger = replace(third.terms, consumer=Address("0x" + "dd" * 20))
    assert await why_not(rows, replace(third, terms=stranger)) == {}
    assert await why_not(rows, replace(done, attempt=2)) == {}  # its own job may come back


async def test_replicas_share_a_provider_when_there_is_no_other(rows: Rows) -> None:
    agent = await rows.with_agent(1, bonded=10**6)
    first, second = members(rows, 2, "replicas")
    await rows.save(running_on(agent, first, rows.clock), second)
    assert await why_not(rows, second) == {}


async def test_a_group_is_listed_by_its_name(rows: Rows) -> None:
    await rows.save(*members(rows, 3), a_job(9, rows.clock))
    at = Moment(int(time.time()), RULES)
    found = await list_deployments(rows.store, at, Filter(group=GROUP), 10, None)
    places = {(one.group.kind, one.group.index, one.group.size) for one in found.items if one.group}
    assert places == {("verify", index, 3) for index in range(3)}
    everything = await list_deployments(rows.store, at, Filter(), 10, None)
    assert [one.group is None for one in everything.items].count(True) == 1
    other = Filter(group=GroupId("0x" + "5b" * 24))
    assert (await list_deployments(rows.store, at, other, 10, None)).items == []


async def test_what_a_provider_vouches_for_is_told_of_the_newest_run(rows: Rows) -> None:
    (first, _) = members(rows, 2)
    await rows.save(first)
    assert (await outcome_of(rows.store, first.job_id)).provider is None
    await rows.save(running_on(an_agent(1), first, rows.clock))
    assert (await outcome_of(rows.store, first.job_id)).outcome is None
    outcome = OutcomeBody(
        exit_code=3, result_cid="", signature="0x" + "00" * 65, usage=UsageBody(cpu_ms=7),
        deadline=9, report_signature="0x" + "00" * 65,
    )  # fmt: skip
    status = RunStatus(job_id=first.job_id, attempt=1, phase="completing", outcome=outcome)
    async with rows.store.write() as tx:
        row = {"job_id": first.job_id, "attempt": 1, "status": status, "at_ms": 1}
        await upsert(tx, t.run_status, row)
    told = await outcome_of(rows.store, first.job_id)
    assert (told.provider, told.outcome) == (an_agent(1), outcome)
    with pytest.raises(NotFound):
        await outcome_of(rows.store, JobId("0x" + "99" * 32))

"""Jobs are placed by rows alone, on both databases, and no agent is given more than it has."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import event, select, update

from chain.clock import unix_ms
from chain.errors import Unavailable
from chain.job import Address, JobState, Resources
from chain.manifest import Manifest, MarketSpec, ResourceSpec
from chain.messages import Assignment, Domain, signer_of_assignment
from chain.wire import Heartbeat, ResourcesBody
from scheduler.decide.place import Choice
from scheduler.decide.reconcile import UNSEEN
from scheduler.rows import tables as t
from scheduler.rows.database import open_store
from scheduler.rows.facts import JobFacts
from scheduler.rows.leases import LeaseLost
from scheduler.work.assign import Assigner
from scheduler.work.candidates import Moment, candidates
from tests.integration.scheduler.placing import (
    HEARTBEAT_S,
    IMAGE,
    TERMS,
    Rows,
    a_job,
    an_agent,
    running_on,
)


async def offers(rows: Rows) -> list[Any]:
    async with rows.store.read() as tx:
        return list((await tx.execute(select(t.offers).order_by(t.offers.c.job_id))).all())


async def placed(
    rows: Rows,
    job: JobFacts,
    assigner: Assigner | None = None,
    manifest: Manifest | None = None,
) -> Choice:
    choice = await (assigner or rows.assigner()).choose(job, manifest)
    assert isinstance(choice, Choice)
    return choice


async def test_an_assignment_is_a_row_that_its_hub_can_send(rows: Rows) -> None:
    agent, job = await rows.with_agent(1), a_job(1, rows.clock)
    await rows.save(job)
    with rows.signals.listen("offers") as told:
        await rows.assigner().assign(job, IMAGE, None, await rows.leased(job))
    assert told.is_set()
    (row,) = await offers(rows)
    assert (row.provider, row.image, row.answer, row.sent_at) == (agent, IMAGE, "", None)
    assert row.chosen_why.startswith("the only one that fits: ")
    assignment = Assignment(job.job_id, 1, agent, IMAGE, row.deadline)
    domain = Domain(1337, Address("0x" + "00" * 20))
    assert signer_of_assignment(domain, assignment, row.signature) == TERMS.scheduler
    offered = await rows.assigner().offer_of(job)
    assert offered is not None
    assert offered.live


async def test_only_agents_with_a_session_that_were_heard_lately_are_asked(rows: Rows) -> None:
    job, now_ms = a_job(1, rows.clock), unix_ms()
    await rows.with_agent(1, session_at=None)
    await rows.with_agent(2, last_seen_ms=now_ms - 1000 * (3 * HEARTBEAT_S + 3))
    assert (await placed(rows, job)).why == "no agent is connected"
    await rows.with_agent(3)
    assert (await placed(rows, job)).agent == an_agent(3)


async def test_while_agents_may_still_come_back_nobody_is_not_an_answer(rows: Rows) -> None:
    assigner = Assigner(rows.store, rows.signals, rows.clock, rows.assigner()._offering)
    assert await assigner.choose(a_job(1, rows.clock), None) is UNSEEN


async def test_what_was_heard_last_counts(rows: Rows) -> None:
    told = Heartbeat(
        at_ms=0,
        capacity=ResourcesBody(cpu_millis=500, memory_mib=512),
        free=ResourcesBody(cpu_millis=500, memory_mib=512),
        cpu_percent=0,
        memory_used_mib=0,
        disk_free_mib=10,
    )
    await rows.with_agent(1, heartbeat=told)
    manifest = Manifest.model_validate({"resources": {"disk": "11M"}})
    choice = await rows.assigner().choose(a_job(1, rows.clock), manifest)
    assert isinstance(choice, Choice)
    assert choice.why_not == {"short of CPU": 1, "short of disk": 1}


async def test_an_agent_without_what_the_manifest_asks_for_is_passed_over(rows: Rows) -> None:
    await rows.with_agent(1, attributes={"region": "us"})
    await rows.with_agent(2, attributes={"region": "eu"})
    manifest = Manifest(market=MarketSpec(attributes={"region": "eu"}))
    choice = await rows.assigner().choose(a_job(1, rows.clock), manifest)
    assert isinstance(choice, Choice)
    assert choice.agent == an_agent(2)


async def test_a_job_that_asks_for_gvisor_goes_to_an_agent_that_said_it_has_it(rows: Rows) -> None:
    await rows.with_agent(1)  # of an older version: it did not say
    manifest = Manifest(runtime="gvisor")
    job = a_job(1, rows.clock)
    assert (await placed(rows, job, manifest=manifest)).why_not == {"without gvisor": 1}
    boxed = await rows.with_agent(2, runtimes=["gvisor", "runc", "runc+network"])
    assert (await placed(rows, job, manifest=manifest)).agent == boxed
    assert (await placed(rows, job)).fitting == 2


async def test_gpus_are_those_that_the_agent_last_told_of(rows: Rows) -> None:
    agent, job = await rows.with_agent(1, gpus=2), a_job(1, rows.clock)
    manifest = Manifest(resources=ResourceSpec(gpus=2))
    assert (await placed(rows, job, manifest=manifest)).agent == agent
    room = ResourcesBody(cpu_millis=2000, memory_mib=512)
    beat = Heartbeat(
        at_ms=1, capacity=room, free=room, cpu_percent=0, memory_used_mib=0, disk_free_mib=999,
        gpus_free=1,
    )  # fmt: skip
    await rows.with_agent(1, gpus=2, heartbeat=beat)
    assert (await placed(rows, job, manifest=manifest)).why_not == {"short of GPUs": 1}


async def test_who_lost_the_lease_on_a_job_assigns_it_to_nobody(rows: Rows) -> None:
    await rows.with_agent(1)
    job = a_job(1, rows.clock)
    await rows.save(job)
    old = await rows.leased(job)
    await rows.leased(job)  # by another
    with pytest.raises(LeaseLost):
        await rows.assigner().assign(job, IMAGE, None, old)
    assert await offers(rows) == []


async def test_offers_and_runs_take_room_and_bond_until_they_are_over(rows: Rows) -> None:
    agent = await rows.with_agent(1)
    first, second, third = (a_job(number, rows.clock) for number in (1, 2, 3))
    await rows.save(first, second, third)
    await rows.assigner().assign(first, IMAGE, None, await rows.leased(first))
    await rows.save(running_on(agent, second, rows.clock))
    full = await placed(rows, third)
    assert full.why_not == {"short of CPU": 1, "short of memory": 1, "short of bonded capacity": 1}

    # The offer can be used no more; the run has ended, but is not settled and so holds its bond.
    async with rows.store.write() as tx:
        await tx.execute(update(t.offers).values(deadline=rows.clock.now() - 1))
    await rows.save(running_on(agent, second, rows.clock, state=JobState.ENDED))
    assert (await placed(rows, third)).agent == agent
    async with rows.store.read() as tx:
        at = Moment(rows.clock.now(), unix_ms(), HEARTBEAT_S)
        (seen,) = await candidates(tx, at)
    assert (seen.units_free, seen.reserved, seen.jobs) == (2512 - 1256, Resources(0, 0), 0)


async def test_an_agent_that_refused_is_left_alone_with_that_job_for_a_while(rows: Rows) -> None:
    agent = await rows.with_agent(1)
    job, other = a_job(1, rows.clock), a_job(2, rows.clock)
    await rows.save(job, other)
    await rows.assigner().assign(job, IMAGE, None, await rows.leased(job))
    async with rows.store.write() as tx:
        now = rows.clock.now()
        await tx.execute(update(t.offers).values(answer="refused", why="busy", answered_at=now))
    assert (await placed(rows, job)).why_not == {"just refused it (busy)": 1}
    assert (await placed(rows, other)).agent == agent


async def test_replicas_of_one_consumers_bundle_go_to_different_agents(rows: Rows) -> None:
    for number in (1, 2, 3):
        await rows.with_agent(number, bonded=10**6)
    jobs = [a_job(number, rows.clock) for number in range(1, 7)]
    await rows.save(*jobs)
    for job in jobs:
        await rows.assigner().assign(job, IMAGE, None, await rows.leased(job))
    assert Counter(row.provider for row in await offers(rows)) == {
        an_agent(number): 2 for number in (1, 2, 3)
    }


async def test_schedulers_that_assign_at_once_never_give_an_agent_more_than_it_has(
    rows: Rows, database_url: str
) -> None:
    """The last free place goes to one of them, whichever."""
    for number in (1, 2, 3):
        await rows.with_agent(number)
    jobs = [a_job(number, rows.clock) for number in range(1, 13)]
    await rows.save(*jobs)
    copies = [rows]
    if "postgresql" in database_url:
        copies.append(Rows(await open_store(database_url), rows.signals, rows.clock))
    leased = [(job, await rows.leased(job)) for job in jobs]
    outcomes = await asyncio.gather(
        *(
            copies[n % len(copies)].assigner().assign(job, IMAGE, None, lease)
            for n, (job, lease) in enumerate(leased)
        ),
        return_exceptions=True,
    )
    for copy in copies[1:]:
        await copy.store.close()
    assert all(isinstance(one, Unavailable | None) for one in outcomes)
    taken = Counter(row.provider for row in await offers(rows))
    assert taken == {an_agent(number): 2 for number in (1, 2, 3)}
    assert outcomes.count(None) == 6


async def test_the_silence_of_a_jobs_agent_is_seen(rows: Rows) -> None:
    agent, job = await rows.with_agent(1), a_job(1, rows.clock)
    running = running_on(agent, job, rows.clock)
    assert await rows.assigner().silent_since(running) is None
    await rows.with_agent(1, session_at=None, last_seen_ms=1_700_000_000_999)
    assert await rows.assigner().silent_since(running) == 1_700_000_000
    assert await rows.assigner().silent_since(running_on(an_agent(9), job, rows.clock)) is None


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # one planner tells enough
async def test_placing_looks_at_what_is_taken_now_and_not_at_all_that_ever_was(rows: Rows) -> None:
    agent = await rows.with_agent(1)
    asked: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    event.listen(rows.store.engine.sync_engine, "before_cursor_execute", note)
    async with rows.store.read() as tx:
        at = Moment(rows.clock.now(), unix_ms(), HEARTBEAT_S)
        assert len(await candidates(tx, at, a_job(1, rows.clock))) == 1
        assert len(await candidates(tx, at, a_job(1, rows.clock), only=agent)) == 1
        plans = [
            row.detail
            for statement, parameters in [one for one in asked if one[0].startswith("SELECT")]
            for row in await tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]
    assert len(plans) > 8
    few = ("SCAN agents ", "SCAN runs USING INDEX runs_unsettled")
    assert not [one for one in plans if one.startswith("SCAN") and not one.startswith(few)]

"""What agents say reaches the rows, what the rows say reaches agents, and nobody speaks for another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import delete, update

from chain.clock import unix_ms
from chain.job import Address, JobState
from scheduler.rows import tables as t
from scheduler.rows.database import Store, open_store
from scheduler.sessions.logs import START, Logs
from scheduler.signals import CLAIMS
from tests.fixtures_chain import IMAGE
from tests.integration.scheduler.linking import (
    Copy,
    a_copy,
    job_of,
    key_of,
    lines,
    linked,
    soon,
    status,
)
from tests.integration.scheduler.posted import claim_job, offer_job, post_job

AGENT, OTHER = key_of(1), key_of(2)
JOB = job_of(1)
RUN = f"{JOB}/1"


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    opened = await open_store(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def copy(store: Store) -> AsyncIterator[Copy]:
    async with a_copy(store) as one:
        yield one


async def texts(copy: Copy) -> list[str]:
    return [line.text for line in await Logs(copy.store).read(JOB, START)]


# ---- heartbeats ---------------------------------------------------------------------------------------------------


async def test_a_heartbeat_is_written_and_the_agent_is_live(copy: Copy) -> None:
    async with linked(copy.url, AGENT) as agent:
        before = unix_ms()
        await agent.beat()
        row = await soon(lambda: beaten(copy))
        assert row.last_seen_ms >= before
        assert row.heartbeat.cpu_percent == 12.5
        assert Address(AGENT.address) in [one.agent for one in copy.hub.live()]


async def beaten(copy: Copy) -> Any:
    row = await copy.agent_row(AGENT)
    return row if row.heartbeat is not None else None


async def test_a_heartbeat_says_where_the_agents_own_runs_stand(copy: Copy) -> None:
    await post_job(copy.store, JOB)
    await claim_job(copy.store, JOB, AGENT)
    async with linked(copy.url, AGENT) as agent:
        await agent.beat(status(JOB, "running"))
        (row,) = await soon(lambda: copy.rows(t.run_status))
    assert (row.job_id, row.attempt, row.status.phase) == (JOB, 1, "running")


async def test_a_heartbeat_about_another_agents_run_changes_nothing(copy: Copy) -> None:
    await post_job(copy.store, JOB)
    await claim_job(copy.store, JOB, AGENT)
    async with linked(copy.url, OTHER) as other, linked(copy.url, AGENT) as agent:
        await other.beat(status(JOB, "stopping"))
        await asyncio.sleep(1.5)
        assert await copy.rows(t.run_status) == []
        await agent.beat(status(JOB, "running"))
        (row,) = await soon(lambda: copy.rows(t.run_status))
        assert row.status.phase == "running"


async def test_an_agent_that_was_offered_a_run_does_not_speak_for_who_claimed_it(
    copy: Copy,
) -> None:
    await post_job(copy.store, JOB)
    await claim_job(copy.store, JOB, AGENT)
    await offer_job(copy.store, JOB, OTHER)
    async with linked(copy.url, OTHER) as other:
        await other.beat(status(JOB, "stopping"))
        await other.log(JOB, lines(0, 3, "false "))
        assert (await other.ack()).foreign == [RUN]
        await asyncio.sleep(1.5)
    assert await copy.rows(t.run_status) == []
    assert await texts(copy) == []


# ---- answers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", ["accepted", "refused"])
async def test_an_answer_goes_to_the_agents_own_offer_at_once(copy: Copy, phase: str) -> None:
    await post_job(copy.store, JOB)
    await offer_job(copy.store, JOB, AGENT)
    async with linked(copy.url, AGENT) as agent, linked(copy.url, OTHER) as other:
        await agent.offer()
        await other.answer(JOB, "refused")
        await agent.answer(JOB, phase)
        (row,) = await soon(lambda: answered(copy))
    assert (row.provider, row.answer) == (AGENT.address, phase)
    (work,) = await copy.rows(t.work)
    assert work.due_at == 0


async def test_an_agents_word_that_it_has_claimed_is_a_reason_to_read_the_chain(copy: Copy) -> None:
    await post_job(copy.store, JOB)
    await offer_job(copy.store, JOB, AGENT)
    with copy.signals.listen(CLAIMS) as heard:
        async with linked(copy.url, AGENT) as agent, linked(copy.url, OTHER) as other:
            await other.answer(JOB, "starting")  # that is not its run
            await agent.answer(JOB, "claiming")
            await soon(lambda: answered(copy))
            assert not heard.is_set()
            await agent.answer(JOB, "starting")
            await asyncio.wait_for(heard.wait(), 10)


async def answered(copy: Copy) -> list[Any]:
    return [row for row in await copy.rows(t.offers) if row.answer]


# ---- offers and wake-ups ------------------------------------------------------------------------------------------


async def test_an_offer_is_delivered_from_its_row(copy: Copy) -> None:
    async with linked(copy.url, AGENT) as agent:
        await post_job(copy.store, JOB)
        await offer_job(copy.store, JOB, AGENT)
        copy.signals.notify("offers")
        offer = await agent.offer()
        assert (offer.assignment.job_id, offer.assignment.image) == (JOB, IMAGE)
        (row,) = await soon(lambda: sent(copy))
        assert row.sent_at <= copy.clock.now()


async def sent(copy: Copy) -> list[Any]:
    return [row for row in await copy.rows(t.offers) if row.sent_at is not None]


async def test_an_offer_written_by_another_copy_is_delivered_without_a_hint(store: Store) -> None:
    async with a_copy(store, "one") as one, linked(one.url, AGENT) as agent:
        await post_job(store, JOB)
        await offer_job(store, JOB, AGENT)
        assert (await agent.offer()).assignment.job_id == JOB


async def test_an_offer_waits_for_its_agent_and_goes_again_to_a_new_session(copy: Copy) -> None:
    await post_job(copy.store, JOB)
    await offer_job(copy.store, JOB, AGENT)
    for _ in range(2):
        async with linked(copy.url, AGENT) as agent:
            assert (await agent.offer()).assignment.job_id == JOB


async def test_an_offer_is_sent_again_until_it_is_answered(copy: Copy) -> None:
    await post_job(copy.store, JOB)
    await offer_job(copy.store, JOB, AGENT)
    async with linked(copy.url, AGENT) as agent:
        await agent.offer()
        async with copy.store.write() as tx:
            await tx.execute(update(t.offers).values(sent_at=copy.clock.now() - 10))
        await agent.offer()
        await agent.answer(JOB, "accepted")
        await soon(lambda: answered(copy))
        async with copy.store.write() as tx:
            await tx.execute(update(t.offers).values(sent_at=copy.clock.now() - 10))
        with pytest.raises(TimeoutError):
            await agent.hear(within_s=2)


@pytest.mark.parametrize("why", ["of an older attempt", "too late", "not open", "another's"])
async def test_an_offer_that_cannot_be_used_is_not_sent(copy: Copy, why: str) -> None:
    state = JobState.RUNNING if why == "not open" else JobState.OPEN
    await post_job(copy.store, JOB, attempt=2 if why == "of an older attempt" else 1, state=state)
    await offer_job(copy.store, JOB, OTHER if why == "another's" else AGENT)
    if why == "too late":
        async with copy.store.write() as tx:
            await tx.execute(update(t.offers).values(deadline=copy.clock.now() - 1))
    async with linked(copy.url, AGENT) as agent:
        with pytest.raises(TimeoutError):
            await agent.hear(within_s=2)


async def test_agents_hear_at_once_that_the_chain_touched_their_jobs(copy: Copy) -> None:
    await post_job(copy.store, JOB)
    await claim_job(copy.store, JOB, AGENT)
    async with linked(copy.url, AGENT) as agent, linked(copy.url, OTHER) as other:
        copy.signals.touched([JOB])
        assert (await agent.wake()).job_id == JOB
        with pytest.raises(TimeoutError):
            await other.hear(within_s=0.5)


# ---- logs ---------------------------------------------------------------------------------------------------------


async def test_lines_are_acknowledged_when_they_are_stored(copy: Copy) -> None:
    await post_job(copy.store, JOB)
    await claim_job(copy.store, JOB, AGENT)
    async with linked(copy.url, AGENT) as agent:
        await agent.log(JOB, lines(0, 3))
        assert (await agent.ack()).cursors == {RUN: 2}
        assert await texts(copy) == ["x0", "x1", "x2"]
        await agent.log(JOB, lines(2, 5))
        assert (await agent.ack()).cursors == {RUN: 4}
        await agent.log(JOB, lines(9, 12))
        assert (await agent.ack()).cursors == {RUN: 4}
    assert await texts(copy) == ["x0", "x1", "x2", "x3", "x4"]


async def test_a_new_session_is_told_from_where_to_go_on(copy: Copy) -> None:
    await post_job(copy.store, JOB)
    await claim_job(copy.store, JOB, AGENT)
    async with linked(copy.url, AGENT) as agent:
        await agent.log(JOB, lines(0, 3))
        await agent.ack()
    async with linked(copy.url, AGENT, runs=[RUN, f"{JOB}/2"]) as agent:
        assert agent.welcome.cursors == {RUN: 2}
    async with linked(copy.url, OTHER, runs=[RUN]) as other:
        assert other.welcome.cursors == {}


async def test_lines_of_a_run_whose_claim_is_not_seen_yet_are_asked_for_later(copy: Copy) -> None:
    await post_job(copy.store, JOB)
    await offer_job(copy.store, JOB, AGENT)
    async with linked(copy.url, AGENT) as agent:
        await agent.offer()
        await agent.log(JOB, lines(0, 3))
        assert (await agent.ack()).later == [RUN]
        await claim_job(copy.store, JOB, AGENT)
        await agent.log(JOB, lines(0, 3))
        assert (await agent.ack()).cursors == {RUN: 2}


async def test_a_claim_that_a_reorganisation_undid_gives_no_right_to_speak(copy: Copy) -> None:
    await post_job(copy.store, JOB)
    await claim_job(copy.store, JOB, AGENT)
    async with linked(copy.url, AGENT) as agent, linked(copy.url, OTHER) as other:
        await agent.log(JOB, lines(0, 2, "first "))
        assert (await agent.ack()).cursors == {RUN: 1}
        async with copy.store.write() as tx:
            await tx.execute(delete(t.runs))
        await claim_job(copy.store, JOB, OTHER)
        await agent.log(JOB, lines(2, 4, "first "))
        assert (await agent.ack()).foreign == [RUN]
        await other.log(JOB, lines(0, 2, "second "))
        assert (await other.ack()).cursors == {RUN: 1}
    assert await texts(copy) == ["first 0", "first 1", "second 0", "second 1"]


async def test_a_run_that_prints_without_end_delays_no_other_runs_lines(copy: Copy) -> None:
    quiet = job_of(2)
    for job, account in ((JOB, AGENT), (quiet, OTHER)):
        await post_job(copy.store, job)
        await claim_job(copy.store, job, account)
    async with linked(copy.url, AGENT) as loud, linked(copy.url, OTHER) as other:
        for part in range(50):
            await loud.log(JOB, lines(1000 * part, 1000 * (part + 1)))
        await other.log(quiet, lines(0, 1))
        assert (await other.ack()).cursors == {f"{quiet}/1": 0}
        told = [-1]
        while told[-1] < 49_999:  # one answer may be for several messages
            told.append((await loud.ack()).cursors[RUN])
    assert told == sorted(set(told))

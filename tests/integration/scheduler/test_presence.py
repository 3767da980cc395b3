"""Which agents are here: sessions that replace each other, end, go elsewhere, fall silent, or flood."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import update
from websockets.frames import Frame, Opcode

from chain.clock import unix_ms
from scheduler.rows import tables as t
from scheduler.rows.database import Store, open_store
from scheduler.sessions.session import BAD_MESSAGE, REPLACED, SILENT, TOO_LARGE
from tests.integration.scheduler.linking import (
    Copy,
    a_copy,
    job_of,
    key_of,
    linked,
    soon,
)
from tests.integration.scheduler.posted import offer_job, post_job

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


async def beaten(copy: Copy) -> Any:
    row = await copy.agent_row(AGENT)
    return row if row.heartbeat is not None else None


async def test_a_newer_session_takes_the_place_of_the_older(copy: Copy) -> None:
    async with linked(copy.url, AGENT) as older, linked(copy.url, AGENT) as newer:
        assert await older.close_code() == REPLACED
        await newer.beat()
        assert await soon(lambda: beaten(copy))
        assert (await copy.agent_row(AGENT)).session_at == "one"


async def test_a_session_that_went_to_another_copy_is_ended_at_the_first(store: Store) -> None:
    async with (
        a_copy(store, "one") as one,
        a_copy(store, "two") as two,
        linked(one.url, AGENT) as older,
        linked(two.url, AGENT) as newer,
    ):
        await older.beat()
        await newer.beat()
        beating = asyncio.create_task(newer.beat_until_closed())
        assert await older.beat_until_closed() == REPLACED
        assert not beating.done()
        beating.cancel()
        row = await two.agent_row(AGENT)
        assert (row.session_at, newer.socket.close_code) == ("two", None)


async def test_an_agent_that_stops_in_good_order_is_gone_at_once(copy: Copy) -> None:
    await post_job(copy.store, JOB)
    await offer_job(copy.store, JOB, AGENT)
    async with linked(copy.url, AGENT):
        pass
    await soon(lambda: gone(copy), within_s=2)
    (work,) = await copy.rows(t.work)
    assert work.due_at == 0


async def gone(copy: Copy) -> bool:
    return (await copy.agent_row(AGENT)).session_at is None


async def test_a_silent_agents_session_is_ended_and_its_jobs_are_looked_at(copy: Copy) -> None:
    async with linked(copy.url, AGENT) as agent:
        await post_job(copy.store, JOB)
        await offer_job(copy.store, JOB, AGENT)
        assert await agent.close_code() in (SILENT, 1005)
        await soon(lambda: gone(copy), within_s=3)
    (work,) = await copy.rows(t.work)
    assert work.due_at == 0


async def test_agents_of_a_copy_that_died_are_noticed_by_another(store: Store) -> None:
    await post_job(store, JOB)
    await offer_job(store, JOB, AGENT)
    async with a_copy(store, "one") as one, linked(one.url, AGENT):
        async with store.write() as tx:
            await tx.execute(update(t.work).values(due_at=2**40))
            old = unix_ms() - 6000
            await tx.execute(update(t.agents).values(session_at="dead", last_seen_ms=old))
        await soon(lambda: gone(one), within_s=3)
        (work,) = await one.rows(t.work)
    assert work.due_at == 0


async def test_an_agent_that_was_thought_lost_and_is_heard_again_keeps_its_session(
    copy: Copy,
) -> None:
    async with linked(copy.url, AGENT) as agent:
        async with copy.store.write() as tx:
            await tx.execute(update(t.agents).values(session_at=None))
        beating = asyncio.create_task(agent.beat_until_closed())
        await asyncio.sleep(7)
        assert not beating.done()
        beating.cancel()
        assert (await copy.agent_row(AGENT)).session_at == "one"


@pytest.mark.parametrize(
    ("text", "code"),
    [("not json", BAD_MESSAGE), ('{"type":"hello"}', BAD_MESSAGE), ("x" * 2_200_000, TOO_LARGE)],
)
async def test_a_message_that_is_none_ends_the_session_of_its_sender_alone(
    copy: Copy, text: str, code: int
) -> None:
    async with linked(copy.url, AGENT) as agent, linked(copy.url, OTHER) as other:
        await agent.socket.send(text)
        assert await agent.close_code() in (code, 1009)
        await other.beat()
        assert other.socket.close_code is None


async def test_an_agent_that_floods_does_not_keep_others_from_being_heard(copy: Copy) -> None:
    async with linked(copy.url, AGENT) as agent, linked(copy.url, OTHER) as other:
        await other.beat()
        flooding = asyncio.create_task(flood(other))
        before = unix_ms()
        await agent.beat()
        row = await soon(lambda: beaten(copy), within_s=5)
        assert row.last_seen_ms >= before
        flooding.cancel()
        await asyncio.gather(flooding, return_exceptions=True)


async def flood(peer: Any) -> None:
    while True:
        await peer.beat()


@pytest.mark.parametrize("kind", [Opcode.PING, Opcode.PONG, Opcode.CONT], ids=lambda one: one.name)
async def test_frames_that_are_no_messages_are_counted_too(copy: Copy, kind: Opcode) -> None:
    async with linked(copy.url, AGENT) as agent, linked(copy.url, OTHER) as other:
        frames = [Frame(kind, b"", fin=kind is not Opcode.CONT)] * 5000
        if kind is Opcode.CONT:
            frames.insert(0, Frame(Opcode.TEXT, b"x", fin=False))
        agent.socket.transport.write(b"".join(one.serialize(mask=True) for one in frames))
        assert await agent.close_code() == 1006
        await other.beat()
        assert other.socket.close_code is None


async def test_an_honest_agents_pings_are_answered(copy: Copy) -> None:
    async with linked(copy.url, AGENT) as agent:
        for _ in range(20):
            await asyncio.wait_for(await agent.socket.ping(), 5)

"""Leases on rows, one by one: who may take what, and what a holder may write."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import Row, insert, select

from chain.clock import ChainClock
from chain.job import Cid, JobId
from chain.wire import ResourcesBody
from scheduler.rows import tables as t
from scheduler.rows.database import Store, open_store
from scheduler.rows.leases import (
    Lease,
    LeaseLost,
    finish_build,
    release_all,
    renew,
    renew_build,
    take_build,
    take_due,
    wake,
)
from scheduler.rows.notes import Notes
from scheduler.rows.store import live_agents, load_build
from scheduler.signals import Signals

NOW, NOW_MS, UNTIL_MS = 1000, 5000, 8000
AT = (NOW, NOW_MS, UNTIL_MS)
LATER = (NOW, UNTIL_MS + 1, UNTIL_MS + 3000)
BLANK = {"phase": "fetching", "why": "", "since": 0, "tries": 0} | {
    "lease_until_ms": 0,
    "lease_epoch": 0,
}
BUNDLE = Cid("bafy")


def job(number: int) -> JobId:
    return JobId(f"0x{number:064x}")


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    opened = await open_store(database_url)
    async with opened.write() as tx:  # job 1 has waited longest, job 4 is not due
        for number, due_at in ((1, 0), (2, 10), (3, 20), (4, NOW + 1)):
            row = {"job_id": job(number), "due_at": due_at}
            await tx.execute(insert(t.work).values(BLANK | row))
    yield opened
    await opened.close()


async def take(store: Store, owner: str, moment: tuple[int, int, int], **more: Any) -> list[Lease]:
    async with store.write() as tx:
        return await take_due(tx, owner, moment, more.pop("limit", 10), **more)


async def row_of(store: Store, number: int) -> Row[Any]:
    async with store.read() as tx:
        return (await tx.execute(select(t.work).where(t.work.c.job_id == job(number)))).one()


class StillClock(ChainClock):
    def now(self) -> int:
        return 2**40


def notes(store: Store) -> Notes:
    return Notes(store, Signals(), StillClock())


async def test_the_longest_waiting_are_taken_first_and_by_one(store: Store) -> None:
    first = await take(store, "a", AT, limit=2)
    second = await take(store, "b", AT)
    assert {lease.job_id for lease in first} == {job(1), job(2)}
    assert [lease.job_id for lease in second] == [job(3)]
    assert await take(store, "c", AT) == []


async def test_a_lease_that_ran_out_is_taken_with_a_higher_epoch(store: Store) -> None:
    await take(store, "a", AT)
    again = await take(store, "b", LATER, limit=1)
    assert [(lease.owner, lease.epoch) for lease in again] == [("b", 2)]


async def test_what_is_under_way_in_a_process_is_not_taken_by_it_again(store: Store) -> None:
    await take(store, "a", AT)
    assert await take(store, "a", LATER, without=[job(1), job(2), job(3)]) == []


async def test_only_leases_that_are_still_held_are_renewed(store: Store) -> None:
    mine = await take(store, "a", AT)
    await take(store, "b", LATER, limit=1)
    async with store.write() as tx:
        still = await renew(tx, mine, 9000)
    assert {lease.job_id for lease in still} == {job(2), job(3)}
    assert (await row_of(store, 2)).lease_until_ms == 9000
    assert (await row_of(store, 1)).lease_owner == "b"


async def test_a_process_that_ends_gives_back_its_own_leases_only(store: Store) -> None:
    await take(store, "a", AT, limit=1)
    await take(store, "b", AT, limit=1)
    async with store.write() as tx:
        await release_all(tx, "a")
    assert (await row_of(store, 1)).lease_owner is None
    assert (await row_of(store, 2)).lease_owner == "b"
    assert {lease.job_id for lease in await take(store, "c", AT)} == {job(1), job(3)}


async def test_a_step_tells_and_ends_as_long_as_its_lease_holds(store: Store) -> None:
    (lease,) = await take(store, "a", AT, limit=1)
    pen = notes(store)
    await pen.tell(lease, "building", "step 1 of 2")
    assert (await row_of(store, 1)).why == "step 1 of 2"
    await pen.end(lease, 7777, "placing", "no agent", "")
    row = await row_of(store, 1)
    assert (row.phase, row.why, row.due_at, row.lease_owner) == ("placing", "no agent", 7777, None)
    with pytest.raises(LeaseLost):
        await pen.end(lease, 8888)
    assert (await row_of(store, 1)).due_at == 7777


async def test_a_step_whose_lease_another_has_writes_nothing(store: Store) -> None:
    (old,) = await take(store, "a", AT, limit=1)
    await take(store, "b", LATER)
    pen = notes(store)
    for late in (pen.tell(old, "failed", "x"), pen.end(old, 1, "failed"), pen.fail(old, "x")):
        with pytest.raises(LeaseLost):
            await late
    row = await row_of(store, 1)
    assert (row.phase, row.why, row.tries, row.lease_owner) == ("fetching", "", 0, "b")


async def test_an_event_during_a_step_wins_over_when_it_would_look_again(store: Store) -> None:
    pen = notes(store)
    one, two, _ = sorted(await take(store, "a", AT), key=lambda lease: lease.job_id)
    async with store.write() as tx:
        await wake(tx, [one.job_id])
        await wake(tx, [two.job_id])
    await pen.end(one, 7777)
    await pen.fail(two, "no answer")
    assert (await row_of(store, 1)).due_at == (await row_of(store, 2)).due_at == 0


async def test_failures_are_told_and_each_is_waited_on_longer(store: Store) -> None:
    pen = notes(store)
    pauses = []
    for _ in range(9):
        (lease,) = await take(
            store, "a", (2**41, NOW_MS, UNTIL_MS), limit=1, without=[job(2), job(3), job(4)]
        )
        await pen.fail(lease, "the node does not answer")
        row = await row_of(store, 1)
        pauses.append(row.due_at - 2**40)
    assert (row.tries, row.degraded) == (9, "the node does not answer")
    assert 1 <= pauses[0] <= 3
    assert 60 <= pauses[8] <= 62
    assert pauses[5] >= 32


async def test_a_bundle_is_built_by_one_until_its_lease_runs_out(store: Store) -> None:
    async with store.write() as tx:
        assert await take_build(tx, BUNDLE, "a", NOW_MS, UNTIL_MS)
        assert not await take_build(tx, BUNDLE, "b", NOW_MS, UNTIL_MS)
        assert await renew_build(tx, BUNDLE, "a", UNTIL_MS + 5)
        assert await take_build(tx, BUNDLE, "b", UNTIL_MS + 6, UNTIL_MS + 100)
        assert not await renew_build(tx, BUNDLE, "a", UNTIL_MS + 100)
    async with store.write() as tx:
        with pytest.raises(LeaseLost):
            await finish_build(tx, BUNDLE, "a", {"refused": "late"})
        await finish_build(tx, BUNDLE, "b", {"refused": "no Dockerfile", "tries": 1})
        built = await load_build(tx, BUNDLE)
        assert built is not None
        assert (built.refused, built.tries) == ("no Dockerfile", 1)
        assert await take_build(tx, BUNDLE, "a", NOW_MS, UNTIL_MS)


async def test_an_agent_is_live_while_it_has_a_session_and_was_heard(store: Store) -> None:
    row = {"version": "1", "attributes": {}, "capacity": ResourcesBody(cpu_millis=1, memory_mib=1)}
    now_ms = 100_000
    seen = {"live": ("copy", 92_000), "silent": ("copy", 91_999), "gone": (None, 99_000)}
    async with store.write() as tx:
        for agent, (session_at, ms) in seen.items():
            told = {"agent": agent, "session_at": session_at, "last_seen_ms": ms}
            await tx.execute(insert(t.agents).values(row | told))
        found = await live_agents(tx, now_ms, heartbeat_s=2)
    assert [one.agent for one in found] == ["live"]

"""What is seen of watched runs is kept in rows, many at a time, on either database; of other runs nothing is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event

from chain.convert import usage_body
from chain.job import Address, JobId, Usage
from chain.wire import ProbeAnswer
from scheduler.rows import tables as t
from scheduler.rows.batch import upsert
from scheduler.rows.database import Store, open_store
from scheduler.rows.store import silence_ms
from scheduler.sessions.sightings import (
    any_watched,
    end_probe,
    forget_final,
    keep_probe,
    listened_ms,
    load_probes,
    load_sighting,
    note_listening,
    note_sightings,
    open_sighting,
    take_answer,
)
from scheduler.sessions.witness import Beat, Probe

NOW = 1_700_000_000_000
ONE, OTHER = Address("0x" + "11" * 20), Address("0x" + "22" * 20)


def job(number: int) -> JobId:
    return JobId(f"0x{number:064x}")


def a_beat(number: int, agent: Address = ONE, wall_s: int = 3) -> Beat:
    return Beat(agent, job(number), 1, "running", Usage(wall_s=wall_s), NOW, "ab" * 32, 9)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    one = await open_store(database_url)
    yield one
    await one.close()


async def watch(store: Store, *numbers: int) -> None:
    async with store.write() as tx:
        for number in numbers:
            assert await open_sighting(tx, job(number), 1, ONE, NOW)


async def test_heartbeats_of_watched_runs_are_kept_and_no_others(store: Store) -> None:
    async with store.read() as tx:
        assert not await any_watched(tx)
    await watch(store, 1)
    async with store.write() as tx:
        assert await any_watched(tx)
        assert not await open_sighting(tx, job(1), 1, ONE, NOW + 9)
        cursor: dict[str, Any] = {"job_id": job(1), "attempt": 1, "provider": ONE, "base": 2}
        await upsert(tx, t.log_cursors, cursor | {"next_seq": 7, "bytes": 0, "full": False})
        beats = [a_beat(1), a_beat(2), replace(a_beat(1), attempt=2)]
        await note_sightings(tx, beats, NOW + 2000, silence_ms(2))
    async with store.read() as tx:
        seen = await load_sighting(tx, job(1), 1)
        assert seen is not None
        assert (seen.first_ms, seen.last_ms, seen.seen_ms) == (NOW, NOW + 2000, 2000)
        assert (seen.metered, seen.ledger) == (Usage(wall_s=3), "ab" * 32)
        assert (seen.lines, seen.delivered, seen.withheld_ms) == (9, 5, NOW + 2000)
        assert await load_sighting(tx, job(2), 1) is None


async def test_a_run_is_spoken_of_by_its_own_provider_only(store: Store) -> None:
    await watch(store, 1)
    async with store.write() as tx:
        await note_sightings(tx, [a_beat(1, OTHER)], NOW + 2000, silence_ms(2))
    async with store.read() as tx:
        seen = await load_sighting(tx, job(1), 1)
    assert seen is not None
    assert seen.last_ms == NOW


async def test_a_thousand_runs_are_written_in_a_handful_of_statements(store: Store) -> None:
    await watch(store, *range(1000))
    told: list[str] = []
    listener = store.engine.sync_engine
    event.listen(listener, "before_cursor_execute", lambda *a: told.append(a[2]))
    async with store.write() as tx:
        await note_sightings(
            tx, [a_beat(number) for number in range(1000)], NOW + 2000, silence_ms(2)
        )
    assert len([text for text in told if "sightings" in text]) <= 4
    async with store.read() as tx:
        seen = await load_sighting(tx, job(999), 1)
    assert seen is not None
    assert seen.seen_ms == 2000


async def test_only_the_agent_that_was_asked_can_answer_and_only_once(store: Store) -> None:
    await watch(store, 1)
    nonce = "0x" + "cd" * 32
    answer = ProbeAnswer(
        nonce=nonce, at_ms=NOW, running=True, started_ms=NOW, usage=usage_body(Usage(wall_s=8))
    )
    async with store.write() as tx:
        await keep_probe(tx, (job(1), 1, ONE), Probe(nonce, NOW, Usage(wall_s=2)), 10**9)
        assert await take_answer(tx, OTHER, answer, NOW + 5) is None
        assert await take_answer(tx, ONE, answer, NOW + 5) == job(1)
        late = answer.model_copy(update={"running": False})
        assert await take_answer(tx, ONE, late, NOW + 9) is None
        assert not await end_probe(tx, nonce, "unanswered")
    async with store.read() as tx:
        (probe,) = await load_probes(tx, job(1), 1)
        seen = await load_sighting(tx, job(1), 1)
    assert (probe.outcome, probe.answer, probe.answered_ms) == ("answered", answer, NOW + 5)
    assert probe.metered == Usage(wall_s=8)
    assert seen is not None
    assert (seen.running_ms, seen.metered) == (NOW + 5, Usage(wall_s=8))


async def test_old_probes_of_a_run_go_when_it_is_asked_anew(store: Store) -> None:
    async with store.write() as tx:
        for number in range(3):
            probe = Probe(f"0x{number:064x}", NOW + 1000 * number, Usage())
            await keep_probe(tx, (job(1), 1, ONE), probe, 1500)
        assert [probe.sent_ms - NOW for probe in await load_probes(tx, job(1), 1)] == [1000, 2000]


async def test_spans_in_which_some_copy_listened_are_added_up_once(store: Store) -> None:
    async with store.write() as tx:
        for second in (*range(11), *range(20, 31)):
            await note_listening(tx, "one", NOW + 1000 * second)
        for second in range(5, 16):
            await note_listening(tx, "two", NOW + 1000 * second)
        assert await listened_ms(tx, NOW, NOW + 100_000) == 25_000
        assert await listened_ms(tx, NOW + 8000, NOW + 22_000) == 9000
        assert await listened_ms(tx, NOW + 15_000, NOW + 20_000) == 0


async def test_what_is_final_and_was_not_disputed_is_forgotten(store: Store) -> None:
    await watch(store, 1, 2, 3, 4, 5)
    async with store.write() as tx:
        for number, settled, reported_at in (
            (1, True, 10),
            (2, True, 99),
            (3, False, 10),
            (4, True, 10),
            (5, True, 10),
        ):
            run: dict[str, Any] = {"job_id": job(number), "attempt": 1, "provider": ONE}
            run |= {"rate_card": 1, "image": "", "started_at": 1, "reported_at": reported_at}
            run |= {"usage": Usage(), "earned": 0, "released": 0, "settled": settled}
            run |= {"dispute_id": "7" if number == 4 else None}
            await upsert(tx, t.runs, run)
            probe = Probe(f"0x{number:064x}", NOW, Usage())
            await keep_probe(tx, (job(number), 1, ONE), probe, 10**9)
        # Of the last one the dispute was never mined.
        suspected = t.sightings.c.job_id.in_([job(4), job(5)])
        await tx.execute(t.sightings.update().where(suspected).values(evidence="{}"))
        await note_listening(tx, "one", NOW)
        await forget_final(tx, 50, NOW + 1)
        open_ones = await tx.execute(t.sightings.select().where(t.sightings.c.is_open))
        assert {row.job_id for row in open_ones} == {job(2), job(3), job(4)}
        kept = [number for number in (1, 2, 3, 4, 5) if await load_probes(tx, job(number), 1)]
        assert kept == [2, 3, 4]
        assert await listened_ms(tx, 0, 10 * NOW) == 0

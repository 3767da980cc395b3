"""What the figures' loop counts is what the rows say, on either database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert

from chain.clock import unix_ms
from chain.wire import ResourcesBody
from scheduler.rows import tables as t
from scheduler.telemetry.figures import LEAST_S, REST, Counted, Figures
from tests.fixtures_chain import RULES
from tests.integration.scheduler.reading import Reading, a_whole_life

HEARTBEAT_S = 2


def figures_of(reader: Reading) -> Figures:
    return Figures(reader.store, reader.clock, RULES, HEARTBEAT_S)


def an_agent(number: int, seen_ms: int, session_at: str | None) -> dict[str, Any]:
    capacity = ResourcesBody(cpu_millis=1000, memory_mib=1000, egress_kib_s=0)
    values: dict[str, Any] = {"agent": f"0x{number:040x}", "version": "1", "capacity": capacity}
    values |= {"attributes": {}, "last_seen_ms": seen_ms, "session_at": session_at}
    return values


async def test_an_empty_market_has_no_figures_but_zero(reader: Reading) -> None:
    counted = await figures_of(reader).count()
    assert (counted.due, counted.agents, counted.log_bytes) == (0, 0, 0)
    assert not any(counted.states.values())


async def test_jobs_are_counted_by_state_and_by_what_happens_to_them(reader: Reading) -> None:
    await a_whole_life(reader.market)
    await reader.market.with_job(salt=7)
    await reader.to_the_head()
    counted = await figures_of(reader).count()
    assert counted.states["Open"] == 1
    assert sum(counted.states.values()) == 2
    assert counted.phases["fetching"] >= 1
    assert counted.due >= 1


async def test_only_agents_that_some_copy_hears_are_live(reader: Reading) -> None:
    now = unix_ms()
    long_ago = now - 1000 * (3 * HEARTBEAT_S + 60)
    rows = [
        an_agent(1, now - 500, "copy-1"),
        an_agent(2, now - 3000, "copy-2"),
        an_agent(3, long_ago, "copy-1"),
        an_agent(4, now, None),
    ]
    async with reader.store.write() as tx:
        await tx.execute(insert(t.agents), rows)
    counted = await figures_of(reader).count()
    assert counted.agents == 2
    assert counted.oldest_beat_ms == now - 3000


async def test_the_loop_rests_longer_where_counting_takes_long(reader: Reading) -> None:
    figures = figures_of(reader)
    assert figures.rest_s == LEAST_S
    figures.counted = Counted(seconds=3)
    assert figures.rest_s == 3 * REST

"""Agents are listed a page at a time, filtered by the database, with what is free of each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from chain.clock import unix_ms
from chain.job import units_of
from chain.wire import ResourcesBody
from scheduler.rows import tables as t
from scheduler.rows.batch import upsert
from scheduler.rows.database import Store, open_store
from tests.fixtures_chain import RATES, TERMS
from tests.integration.scheduler.linking import (
    Copy,
    a_copy,
    job_of,
    key_of,
)
from tests.integration.scheduler.posted import claim_job, offer_job, post_job

ROOM = ResourcesBody(cpu_millis=4000, memory_mib=1024, egress_kib_s=100)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    opened = await open_store(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def copy(store: Store) -> AsyncIterator[Copy]:
    async with a_copy(store, "two") as one:
        yield one


async def keep(store: Store, number: int, **changes: Any) -> str:
    """An agent's row, at another copy."""
    account = key_of(number)
    values: dict[str, Any] = {"agent": account.address, "version": "1", "capacity": ROOM}
    values |= {"url": None, "attributes": {}, "heartbeat": None, "last_seen_ms": unix_ms()}
    async with store.write() as tx:
        await upsert(tx, t.agents, values | {"session_at": "one"} | changes)
    return str(account.address)


async def ask(copy: Copy, path: str = "", **more: Any) -> Any:
    async with httpx.AsyncClient(trust_env=False) as http:
        return await http.get(f"{copy.url}/v1/agents{path}", **more)


async def listed(copy: Copy, **query: Any) -> list[str]:
    answer = await ask(copy, params=query)
    assert answer.status_code == 200
    return [item["agent"] for item in answer.json()["items"]]


async def test_pages_follow_each_other_without_gap_or_repetition(copy: Copy) -> None:
    stored = [await keep(copy.store, number) for number in range(25)]
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await ask(copy, params={"limit": 10, **cursor})).json()
        found += [item["agent"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert found == sorted(stored)


async def test_only_the_live_are_listed_when_asked_for(copy: Copy) -> None:
    long_ago = unix_ms() - 3_600_000
    live = await keep(copy.store, 1)
    silent = await keep(copy.store, 2, last_seen_ms=long_ago)
    left = await keep(copy.store, 3, session_at=None)
    assert await listed(copy, live="true") == [live]
    assert await listed(copy, live="false") == sorted([silent, left])
    assert (await ask(copy, f"/{live}")).json()["live"]
    assert not (await ask(copy, f"/{left.lower()}")).json()["live"]


async def test_agents_are_found_by_what_they_say_of_themselves(copy: Copy) -> None:
    eu = await keep(copy.store, 1, attributes={"region": "eu", "disk": "ssd"})
    wide = await keep(copy.store, 2, attributes={"region": "eu_1", "disk": "ssd"})
    await keep(copy.store, 3, attributes={"other": "region"})
    assert await listed(copy, attribute="region=eu") == [eu]
    assert await listed(copy, attribute=["disk=ssd", "region=eu_1"]) == [wide]
    assert await listed(copy, attribute="disk=ssd") == sorted([eu, wide])


@pytest.mark.parametrize("text", ["region", "=eu", 'a="', "a=%", "a=b'c"])
async def test_what_is_no_attribute_is_told(copy: Copy, text: str) -> None:
    assert (await ask(copy, params={"attribute": text})).status_code == 422


async def test_what_is_free_is_what_offers_and_runs_leave(copy: Copy) -> None:
    agent = await keep(copy.store, 1)
    provider: dict[str, Any] = {"provider": agent, "bonded": 9, "unbond_at": 0, "rate_card": 2}
    async with copy.store.write() as tx:
        row = provider | {"completed": 7, "lapsed": 2, "disputes_lost": 1}
        await upsert(tx, t.providers, row)
        await upsert(tx, t.rate_cards, {"provider": agent, "rate_card": 2, "rates": RATES})
    for number in (1, 2):
        await post_job(copy.store, job_of(number))
    await offer_job(copy.store, job_of(1), key_of(1))
    await claim_job(copy.store, job_of(2), key_of(1))
    shown = (await ask(copy, f"/{agent}")).json()
    taken = 2 * TERMS.resources.cpu_millis
    assert (shown["free"]["cpu_millis"], shown["running"]) == (ROOM.cpu_millis - taken, 2)
    assert shown["rates"]["cpu_ms"] == str(RATES.cpu_ms)
    assert shown["record"] == {
        "completed": 7,
        "lapsed": 2,
        "disputes_lost": 1,
        "bonded_units": 9,
        "reserved_units": units_of(TERMS.resources),  # of the run; an offer holds no bond yet
    }


async def test_an_agent_that_never_registered_has_no_record(copy: Copy) -> None:
    agent = await keep(copy.store, 1)
    shown = (await ask(copy, f"/{agent}")).json()
    assert (shown["record"], shown["rates"]) == (None, None)


async def test_an_answer_that_did_not_change_is_not_sent_again(copy: Copy) -> None:
    await keep(copy.store, 1)
    first = await ask(copy)
    again = await ask(copy, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_an_agent_that_never_came_is_not_found(copy: Copy) -> None:
    assert (await ask(copy, f"/{key_of(9).address}")).status_code == 404

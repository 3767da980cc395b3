"""Streams end with the session that opened them, and nobody holds more of them than their share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from chain.job import Address, JobId
from scheduler.sessions.lines import store_lines
from tests.fixtures_chain import ChainMarket
from tests.fixtures_ipfs import ContentStore
from tests.integration.scheduler.linking import lines
from tests.integration.scheduler.served import Served, serving

AGENT = Address("0x" + "11" * 20)


@pytest.fixture
async def served(
    market_on_anvil: ChainMarket, tmp_path: Path, store: ContentStore
) -> AsyncIterator[Served]:
    async with serving(market_on_anvil, tmp_path, store.api, STREAMS_PER_CLIENT="2") as one:
        yield one


async def an_open_job(served: Served) -> JobId:
    terms = await served.market.with_job()
    await served.until_read()
    return served.market.escrow.job_id(terms)


async def test_a_client_follows_so_many_streams_at_once_and_another_client_its_own(
    served: Served,
) -> None:
    path = f"/v1/deployments/{await an_open_job(served)}/events"
    async with AsyncExitStack() as stack:
        for expected in (200, 200, 429):
            answer = await stack.enter_async_context(served.http.stream("GET", path))
            assert answer.status_code == expected
        mine = {"authorization": f"Bearer {served.token(served.market.consumer)}"}
        other = await stack.enter_async_context(served.http.stream("GET", path, headers=mine))
        assert other.status_code == 200
    gate = served.context.gate
    while gate.seats.taken:  # each is given back when its reader has gone
        await served.http.get("/healthz")


async def test_a_log_is_followed_no_longer_than_the_session_lasts(served: Served) -> None:
    job_id = await an_open_job(served)
    async with served.context.store.write() as tx:
        await store_lines(tx, [lines(0, 1, "hello").of(AGENT, (job_id, 1))], 10_000)
    shown = {"authorization": f"Bearer {served.token(served.market.consumer, lasts_s=2)}"}
    told = (await served.http.get(f"/v1/deployments/{job_id}/logs", headers=shown)).text
    events = [row for row in told.splitlines() if row.startswith("event: ")]
    assert events == ["event: log", "event: expired"]
    assert '"text": "hello0"' in told

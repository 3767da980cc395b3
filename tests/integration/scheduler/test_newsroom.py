"""Who follows the market hears of what changed, once: a block, whose deployments, and the agents."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx

from chain.job import Address, JobId, Rates, Usage
from chain.rpc import request
from scheduler.api.newsroom import MOST_JOBS, MOST_PARTIES, Change, Reader
from scheduler.signals import AGENTS, EVERYTHING, JOBS
from tests.fixtures_chain import RATES, ChainMarket
from tests.fixtures_ipfs import ContentStore
from tests.integration.scheduler.served import Served, serving


class Followed:
    """The stream, as it comes."""

    def __init__(self, answer: httpx.Response) -> None:
        self._lines = answer.aiter_lines()

    async def next(self) -> Any:
        """One event's data."""
        names = dict[str, str]()
        async for line in self._lines:
            if not line and names:
                assert names["event"] == "news"
                return json.loads(names["data"])
            name, _, value = line.partition(": ")
            names[name] = value
        raise AssertionError("the stream has ended")

    async def until(self, is_it: Any) -> Any:
        """The first that is as asked."""
        async with asyncio.timeout(15):
            while not is_it(news := await self.next()):
                pass
        return news


@asynccontextmanager
async def following(served: Served) -> AsyncIterator[Followed]:
    """One who follows, past what it is told at first."""
    async with served.http.stream("GET", "/v1/market/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        followed = Followed(answer)
        first = await followed.next()
        assert (first["parties"], first["agents"]) == (None, True)  # what came before is not known
        yield followed


async def test_a_block_is_told_with_whose_deployments_it_changed(served: Served) -> None:
    market = served.market
    await market.with_provider()
    await served.until_read()
    async with following(served) as news:
        terms = await market.with_job()
        posted = await news.until(lambda one: one["parties"])
        assert posted["parties"] == [market.consumer.address]
        assert posted["read"] == posted["head"] == await market.w3.eth.block_number
        await market.claimed(terms)
        both = sorted([market.consumer.address, market.provider.address])
        claimed = await news.until(lambda one: one["parties"] == both)
        assert claimed["agents"]  # there is less room
        await market.pass_time(1)  # a block without anything
        quiet: tuple[list[str], bool] = ([], False)
        empty = await news.until(
            lambda one: (one["parties"], one["agents"]) == quiet and one["block"]
        )
        assert empty["head"] > claimed["head"]


async def test_new_prices_are_news_of_the_agents(served: Served) -> None:
    market = served.market
    await market.with_provider()
    await served.until_read()
    async with following(served) as news:
        rates = Rates(**{name: 1 + value for name, value in asdict(RATES).items()})
        await market.send(market.provider, market.escrow.set_rates(rates))
        told = await news.until(lambda one: one["agents"])
        assert told["parties"] == []


async def test_what_the_scheduler_does_for_a_job_is_told_to_its_parties(served: Served) -> None:
    terms = await served.market.with_job()
    job_id = served.market.escrow.job_id(terms)
    await served.until_read()
    async with following(served) as news:
        served.context.signals.notify(f"{JOBS}{job_id}")
        told = await news.until(lambda one: one["parties"])
        assert told["parties"] == [served.market.consumer.address]


async def test_so_many_changes_that_nobody_can_look_at_each_are_everybodys(served: Served) -> None:
    signals = served.context.signals
    async with following(served) as news:
        signals.notify(*(f"{JOBS}0x{number:064x}" for number in range(MOST_JOBS + 1)))
        assert not (await news.until(lambda one: one["parties"] is None))["agents"]
        signals.hear([EVERYTHING])
        assert (await news.until(lambda one: one["parties"] is None))["agents"]
        signals.notify(AGENTS)
        assert (await news.until(lambda one: one["agents"]))["parties"] == []


def test_a_reader_that_is_slow_hears_all_of_it_together() -> None:
    one, two = Address("0xa"), Address("0xb")
    reader = Reader()
    reader.tell(Change(7, 6, parties=frozenset({one})))
    reader.tell(Change(8, 8, block=True, parties=frozenset({two}), agents=True))
    assert reader.due.is_set()
    assert reader.take() == Change(8, 8, True, frozenset({one, two}), True)
    assert not reader.due.is_set()
    assert reader.take() is None
    many = frozenset(Address(f"0x{number}") for number in range(MOST_PARTIES))
    reader.tell(Change(8, 8, parties=many))
    reader.tell(Change(8, 8, parties=frozenset({one})))
    assert reader.take() == Change(8, 8, parties=None)


async def test_after_a_reorganisation_everybody_is_told_also_who_had_what_is_gone(
    served: Served,
) -> None:
    market = served.market
    async with following(served) as news:
        before = await request(market.w3, "evm_snapshot")
        await market.with_job()
        await news.until(lambda one: one["parties"])
        await request(market.w3, "evm_revert", before)
        for _ in range(4):
            await request(market.w3, "evm_mine")
        told = await news.until(lambda one: one["parties"] is None)
        assert (told["block"], told["agents"]) == (True, True)


async def test_who_follows_is_let_go_and_holds_no_stream_of_another_kind(
    market_on_anvil: ChainMarket, tmp_path: Path, store: ContentStore
) -> None:
    few = {"FOLLOWERS_PER_CLIENT": "1", "STREAMS_PER_CLIENT": "1"}
    async with serving(market_on_anvil, tmp_path, store.api, **few) as served:
        terms = await served.market.with_job()
        await served.until_read()
        gate = served.context.gate
        async with following(served):
            refused = await served.http.get("/v1/market/events")
            assert refused.status_code == 429
            path = f"/v1/deployments/{served.market.escrow.job_id(terms)}/events"
            async with served.http.stream("GET", path) as other:
                assert other.status_code == 200
            assert gate.followers.taken == 1
        while gate.followers.taken:
            await served.http.get("/healthz")


async def test_what_was_not_paid_out_is_due_and_nothing_else(served: Served) -> None:
    market = served.market
    await market.with_provider()
    due = list[JobId]()
    for salt in range(3):
        terms = await market.with_job(salt)
        await market.claimed(terms)
        due.append(market.escrow.job_id(terms))
        await market.pass_time(9)
        report = [(due[-1], 1, Usage(500, 60, 4, 2))]
        await market.send(market.provider, market.escrow.report_usage(report))
    await served.until_read()
    assert await asked(served) == sorted(due)
    await market.pass_time(served.context.rules.window + 1)
    await market.send(market.provider, market.escrow.withdraw([(due[1], 1)]))
    await served.until_read()
    assert await asked(served) == sorted({due[0], due[2]})
    assert await asked(served, provider=market.consumer.address) == []


async def asked(served: Served, **query: Any) -> list[str]:
    """The jobs of which something is due, page by page."""
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        asking = {"provider": served.market.provider.address, "limit": 1} | cursor | query
        answer = await served.http.get("/v1/due", params=asking)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += [one["job_id"] for one in page["items"]]
        assert all(int(one["earned"]) > int(one["released"]) for one in page["items"])
        if page["next"] is None:
            return found
        cursor = {"cursor": page["next"]}

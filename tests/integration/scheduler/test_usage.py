"""A run's usage by the second: what was kept of it, then what its agent tells while somebody watches; nothing else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from chain.convert import usage_body
from chain.job import Address, JobId, Usage, accepted, cost, usage_cap
from chain.link_messages import Metered, MeteredRun, Metering
from chain.wire import UsageBody
from tests.fixtures_chain import RATES, TERMS, ChainMarket
from tests.fixtures_ipfs import ContentStore
from tests.integration.scheduler.linking import Peer, beat_of, linked, status
from tests.integration.scheduler.served import Served, serving

MS = 1_700_000_000_000


@pytest.fixture
async def served(
    market_on_anvil: ChainMarket, tmp_path: Path, store: ContentStore
) -> AsyncIterator[Served]:
    async with serving(market_on_anvil, tmp_path, store.api) as one:
        await one.market.with_provider()
        yield one


async def a_run(served: Served) -> JobId:
    market = served.market
    terms = await market.with_job()
    await market.claimed(terms)
    await market.pass_time(10)
    await served.until_read()
    return market.escrow.job_id(terms)


@dataclass
class Reader:
    """Reads one stream."""

    rows: Any

    async def next(self, within_s: float = 15) -> tuple[str, dict[str, Any], str]:
        """An event's name, data and id."""
        event: dict[str, str] = {"id": ""}
        async with asyncio.timeout(within_s):
            async for row in self.rows:
                name, _, value = row.partition(": ")
                if name and row[0] != ":":
                    event[name] = value
                elif "data" in event:
                    return event["event"], json.loads(event["data"]), event["id"]
        raise AssertionError("the stream ended")


@asynccontextmanager
async def watching(served: Served, job_id: JobId, after: str = "") -> AsyncIterator[Reader]:
    path = f"/v1/deployments/{job_id}/usage/events"
    limits = httpx.Timeout(30)
    async with served.http.stream("GET", path, params={"after": after}, timeout=limits) as answer:
        assert answer.status_code == 200
        yield Reader(answer.aiter_lines())


def totals(seconds: int) -> UsageBody:
    return UsageBody(cpu_ms=700 * seconds, memory_mib_s=40 * seconds, egress_kib=3, wall_s=seconds)


def metered(job_id: str, seconds: int) -> Metered:
    one = MeteredRun(
        job_id=job_id,
        attempt=1,
        at_ms=MS + 1000 * seconds,
        usage=totals(seconds),
        wall_ms=1000 * seconds + 250,
        memory_mib=48,
    )
    return Metered(runs=[one])


@asynccontextmanager
async def agent_of(served: Served) -> AsyncIterator[Peer]:
    token = served.token(served.market.provider, "agent")
    async with linked(served.url, served.market.provider, token=token) as agent:
        yield agent


def beat(job_id: JobId, seconds: int) -> Any:
    run = status(job_id, "running").model_copy(update={"usage": totals(seconds), "memory_mib": 40})
    return beat_of(run).model_copy(update={"at_ms": MS + 1000 * seconds})


async def until_asked(agent: Peer) -> Metering:
    while not isinstance(message := await agent.hear(), Metering):
        pass
    return message


async def test_what_was_kept_comes_first_then_every_second_as_it_is_told_and_then_the_end(
    served: Served,
) -> None:
    job_id = await a_run(served)
    async with agent_of(served) as agent:
        for seconds in (2, 4):
            await agent.say(beat(job_id, seconds))
        while served.context.hub.trails.of(Address(agent.account.address), (job_id, 1)) is None:
            await asyncio.sleep(0.02)
        async with watching(served, job_id) as reader:
            kept = [(await reader.next())[1] for _ in range(2)]
            assert [one["wall_ms"] for one in kept] == [2000, 4000]
            asked = await until_asked(agent)
            assert asked.runs == [f"{job_id}/1"]
            for seconds in (5, 6, 7):
                await agent.say(metered(job_id, seconds))
                name, told, identity = await reader.next(within_s=1)
                used = Usage(700 * seconds, 40 * seconds, 3, seconds)
                assert (name, identity) == ("usage", f"1-{MS + 1000 * seconds}")
                assert told == {
                    "attempt": 1,
                    "at_ms": MS + 1000 * seconds,
                    "cpu_ms": used.cpu_ms,
                    "memory_mib_s": used.memory_mib_s,
                    "memory_mib": 48,
                    "egress_kib": 3,
                    "wall_ms": 1000 * seconds + 250,
                    "earned": str(cost(used, RATES)),
                }
            market = served.market
            await market.send(
                market.provider, market.escrow.complete_job(job_id, 1, Usage(), 0, "")
            )
            name, told, identity = await reader.next()
            assert (name, identity, told["wall_ms"]) == ("usage", "", 7250)
            assert told["earned"] == "0", "what the contract has paid"
            assert (await reader.next())[0] == "end"


async def test_a_reader_that_comes_back_goes_on_where_it_was(served: Served) -> None:
    job_id = await a_run(served)
    async with agent_of(served) as agent:
        async with watching(served, job_id) as reader:
            await until_asked(agent)
            for seconds in (1, 2):
                await agent.say(metered(job_id, seconds))
                _, _, identity = await reader.next()
        await agent.say(metered(job_id, 3))
        async with watching(served, job_id, identity) as reader:
            assert (await reader.next())[1]["at_ms"] == MS + 3000


async def test_only_the_runs_own_agent_is_believed(served: Served) -> None:
    job_id, juror = await a_run(served), served.market.juror
    async with linked(served.url, juror, token=served.token(juror, "agent")) as liar:
        await liar.say(metered(job_id, 500))
        async with agent_of(served) as agent, watching(served, job_id) as reader:
            await agent.say(metered(job_id, 2))
            _, told, _ = await reader.next()
            assert told["wall_ms"] == 2250


async def test_a_scheduler_that_has_heard_nothing_tells_what_its_rows_have(served: Served) -> None:
    job_id, market = await a_run(served), served.market
    await market.pass_time(9)
    used = Usage(900, 100, 4, 5)
    await market.send(market.provider, market.escrow.complete_job(job_id, 1, used, 0, ""))
    await served.until_read()
    async with watching(served, job_id) as reader:
        name, told, _ = await reader.next()
        assert (name, told["cpu_ms"], told["wall_ms"]) == ("usage", 900, 5000)
        assert told["earned"] == str(cost(used, RATES))
        assert (await reader.next())[0] == "end"


async def test_what_was_used_beyond_what_is_reserved_is_worth_no_more_than_the_contract_pays(
    served: Served,
) -> None:
    job_id, market, clock = await a_run(served), served.market, served.context.clock
    used = Usage(10**6, 10**4, 10**3, 5)
    told = metered(job_id, 5).runs[0].model_copy(update={"usage": usage_body(used)})
    job = await market.escrow.job(job_id)
    started = job.deadline - job.duration

    def pays(now: int) -> int:
        return cost(accepted(used, usage_cap(TERMS.resources, now - started)), RATES)

    async with agent_of(served) as agent, watching(served, job_id) as reader:
        least = pays(clock.now())
        await agent.say(Metered(runs=[told]))
        _, shown, _ = await reader.next()
        assert least <= int(shown["earned"]) <= pays(clock.now()) < cost(used, RATES)
        await market.send(market.provider, market.escrow.report_usage([(job_id, 1, used)]))
        await served.until_read()
        paid = (await market.escrow.run(job_id, 1, market.provider.address)).earned
        assert int(shown["earned"]) <= paid <= pays(clock.now())


async def test_a_report_that_is_ahead_of_what_was_heard_tells_the_memory_that_was_heard(
    served: Served,
) -> None:
    job_id, market = await a_run(served), served.market
    async with agent_of(served) as agent, watching(served, job_id) as reader:
        await agent.say(metered(job_id, 5))
        assert (await reader.next())[1]["memory_mib"] == 48
        used = Usage(900, 100, 4, 7)
        await market.send(market.provider, market.escrow.report_usage([(job_id, 1, used)]))
        _, told, _ = await reader.next()
        assert (told["wall_ms"], told["memory_mib"]) == (7000, 48)


async def test_a_job_that_is_not_known_has_no_usage(served: Served) -> None:
    answer = await served.http.get(f"/v1/deployments/0x{'5' * 64}/usage/events")
    assert answer.status_code == 404
    job_id = await a_run(served)
    bad = await served.http.get(f"/v1/deployments/{job_id}/usage/events?after=0-5")
    assert bad.status_code == 422

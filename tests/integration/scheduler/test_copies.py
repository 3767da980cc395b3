"""Two schedulers with one key on one PostgreSQL: either does the work, and it is done once."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from chain.job import Cid, JobId, JobState, max_cost
from tests.fixtures_chain import ChainMarket, free_port
from tests.fixtures_postgres import Postgres

ROOT = Path(__file__).resolve().parents[3]


@dataclass
class Copy:
    """One scheduler process."""

    market: ChainMarket
    url: str
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def holds_the_key(self) -> bool:
        """One that was starved for longer than its lease has lost it to the other, and may have it again."""
        told = self.log.read_text()
        return told.count("key.taken") > told.count("key.lost")

    async def get(self, path: str) -> httpx.Response | None:
        async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
            try:
                return await client.get(self.url + path)
            except httpx.TransportError:
                return None

    async def shows(self, job_id: JobId, state: str) -> bool:
        answer = await self.get(f"/v1/deployments/{job_id}")
        return answer is not None and answer.json().get("state") == state

    async def is_ready(self) -> bool:
        answer = await self.get("/readyz")
        return answer is not None and answer.status_code == 200


def start_copy(market: ChainMarket, database: str, home: Path) -> Copy:
    """With a home of its own, and the address book of the market in it."""
    shutil.copytree(market.home / "addresses", home / "addresses")
    port, log = free_port(), home / "log"
    settings = {
        "DRAAS_HOME": str(home),
        "DRAAS_PRIVATE_KEY": market.scheduler.key.hex(),
        "DATABASE_URL": database,
        "RPC_URL": market.chain.rpc_url,
        "SCHEDULER_PORT": str(port),
        "SCHEDULER_NAME": home.name,
        "LEASE_S": "3",
    }
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "scheduler"],
            cwd=ROOT,
            env=os.environ | settings,
            stdout=out,
            stderr=out,
        )
    return Copy(market, f"http://127.0.0.1:{port}", log, process)


async def until(check: Callable[[], Awaitable[bool]], *copies: Copy, within_s: float = 150) -> None:
    ends = time.monotonic() + within_s
    while not await check():
        told = "\n".join(copy.log.read_text()[-3000:] for copy in copies)
        assert time.monotonic() < ends, told
        await asyncio.sleep(0.1)


@pytest.fixture
async def two(
    quiet_market: ChainMarket, postgres_url: str, tmp_path: Path
) -> AsyncIterator[list[Copy]]:
    copies = [start_copy(quiet_market, postgres_url, tmp_path / name) for name in ("one", "two")]
    try:
        for copy in copies:
            await until(copy.is_ready, copy)
        yield copies
    finally:
        for copy in copies:
            copy.process.kill()
            copy.process.wait()


async def post_unbuildable(market: ChainMarket, salt: int) -> JobId:
    """A job whose CID is none, far longer than one, and with a character that not every database keeps."""
    terms = replace(market.terms(salt), cid=Cid("no\0cid" * 500))
    deposit = max_cost(terms.resources, terms.max_rates, terms.duration)
    await market.give(market.consumer, deposit)
    await market.send(market.consumer, market.escrow.post_job(terms, deposit))
    return market.escrow.job_id(terms)


async def sent(market: ChainMarket) -> int:
    count: Any = await market.w3.eth.get_transaction_count(market.scheduler.address)
    return int(count)


async def test_two_copies_share_the_work_and_the_key_and_one_goes_on_when_the_other_is_killed(
    two: list[Copy],
) -> None:
    market = two[0].market
    before = await sent(market)

    async def is_closed() -> bool:
        return await market.escrow.state(job_id) is JobState.CLOSED

    for salt in range(1, 4):
        job_id = await post_unbuildable(market, salt)
        await until(is_closed, *two)
    for copy in two:
        await until(lambda: copy.shows(job_id, "Closed"), copy)  # noqa: B023
    assert await sent(market) == before + 3
    (holder,) = [copy for copy in two if copy.holds_the_key]
    (other,) = [copy for copy in two if copy is not holder]
    holder.process.kill()
    job_id = await post_unbuildable(market, 4)
    await until(is_closed, other)
    assert other.holds_the_key
    assert await sent(market) == before + 4


async def test_a_copy_that_is_told_to_stop_gives_back_what_it_holds(two: list[Copy]) -> None:
    one, other = two
    job_id = await post_unbuildable(one.market, 1)
    await until(lambda: other.shows(job_id, "Closed"), *two)
    for copy in two:
        copy.process.send_signal(signal.SIGTERM)
    for copy in two:
        code = await asyncio.to_thread(copy.process.wait, 20)
        assert code in (0, -signal.SIGTERM), copy.log.read_text()


async def test_copies_go_on_after_an_outage_of_their_database(
    quiet_market: ChainMarket, tmp_path: Path
) -> None:
    with Postgres() as server:
        database = server.create()
        copies = [start_copy(quiet_market, database, tmp_path / name) for name in ("one", "two")]
        try:
            for copy in copies:
                await until(copy.is_ready, copy)
            server.stop()
            answer = await copies[0].get("/v1/deployments")
            assert answer is not None
            assert answer.status_code == 503
            job_id = await post_unbuildable(quiet_market, 1)
            await asyncio.to_thread(server.start)
            for copy in copies:
                await until(lambda: copy.shows(job_id, "Closed"), *copies)  # noqa: B023
                assert copy.process.poll() is None
        finally:
            for copy in copies:
                copy.process.kill()
                copy.process.wait()


async def test_told_twice_a_copy_ends_at_once(two: list[Copy]) -> None:
    process = two[0].process
    process.send_signal(signal.SIGTERM)
    await asyncio.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(process.wait, 5) in (128 + signal.SIGTERM, -signal.SIGTERM)

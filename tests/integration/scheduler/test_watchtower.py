"""Providers that lie about a watched run are taken to court on a real chain, and the money moves as it was ruled."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from eth_account import Account

from chain import events as ev
from chain import ipfs
from chain.calls import Call
from chain.errors import Unavailable
from chain.evidence import signer_of_evidence
from chain.job import Address, Cid, RunState, Usage, cost
from chain.sender import Receipt
from chain.wire import Probe, ProbeAnswer
from scheduler.key import Key
from scheduler.watch import probes, watchtower
from tests.fixtures_chain import RATES, RULES, ChainMarket
from tests.integration.chain.test_court import SALT, drawn, with_juror
from tests.integration.scheduler.liar import Liar, a_scheduler, honestly, linked, not_at_all
from tests.integration.scheduler.watched import ELAPSED, evidence_of, watched

BILLED = Usage(cpu_ms=50_000, memory_mib_s=3000, wall_s=55)
TRUE = Usage(cpu_ms=2000, memory_mib_s=100, wall_s=55)
BOND = RULES.dispute_bond


@pytest.fixture
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Probes come and are given up quickly."""
    monkeypatch.setattr(probes, "EVERY_MS", (300, 600))
    monkeypatch.setattr(probes, "ANSWER_MS", 1000)
    monkeypatch.setattr(probes, "TALKS_MS", 1000)


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as one:
        yield one


@pytest.fixture
async def url(
    market_on_anvil: ChainMarket, tmp_path: Path, stack: AsyncExitStack, _hurried: None
) -> str:
    """A scheduler that disputes whatever it can, with the tokens for one bond."""
    market = market_on_anvil
    payment = market.token.transfer(Address(market.scheduler.address), BOND)
    await market.send(market.deployer, payment)
    home = tmp_path / "scheduler"
    return await stack.enter_async_context(a_scheduler(market, home, WATCH_MIN="1"))


def padding(market: ChainMarket) -> Liar:
    """Meters truly, and reports more."""
    return Liar(market.provider, metered=TRUE)


def never_running(market: ChainMarket) -> Liar:
    """Says all the time that it is about to start."""
    return Liar(market.provider, phase="claiming")


def saying_nothing(market: ChainMarket) -> Liar:
    """Talks, but not of the run, and answers no probe."""
    return Liar(market.provider, answers=not_at_all)


def lying_to_probes(market: ChainMarket) -> Liar:
    """Claims in heartbeats and probes alike to have used what it bills, by a container that is too young for it."""

    def answers(liar: Liar, probe: Probe) -> ProbeAnswer | None:
        return honestly(replace(liar, metered=BILLED), probe)

    return Liar(market.provider, metered=BILLED, answers=answers)


@pytest.mark.parametrize("lie", [padding, never_running, saying_nothing, lying_to_probes])
async def test_a_provider_that_lies_is_disputed_with_signed_evidence_in_the_first_half_of_the_window(
    market_on_anvil: ChainMarket, url: str, stack: AsyncExitStack, lie: Any
) -> None:
    market = market_on_anvil
    job = await watched(market, url)
    liar = lie(market)
    liar.names = None if lie is saying_nothing else job.job_id
    await stack.enter_async_context(linked(url, market, liar))
    if lie is saying_nothing:  # it is asked a few times before it bills
        await asyncio.sleep(12)
    await job.report(BILLED)
    dispute = await job.disputed()
    assert (dispute.opener, dispute.provider) == (market.scheduler.address, job.me)
    (report,) = await job.told(ev.UsageReported)
    window = RULES.window
    final_at = (report.at.timestamp // window + 2) * window
    assert dispute.at.timestamp <= (report.at.timestamp + final_at) / 2
    assert dispute.frozen == report.earned

    async with httpx.AsyncClient(trust_env=False) as http:
        path = await evidence_of(job)
        gateway = (await http.get(f"{url}/v1/market")).json()["gateway"]
        text = (await http.get(f"{gateway}{path}?format=raw")).text
    assert signer_of_evidence(text) == market.scheduler.address
    told = json.loads(text)["draas"]
    assert told["reported"]["transactions"][-1]["tx_hash"] == report.at.tx_hash
    assert told["reported"]["usage"]["cpu_ms"] == BILLED.cpu_ms
    assert (told["job"], told["provider"], told["attempt"]) == (job.job_id, job.me, 1)
    assert {probe["nonce"] for probe in told["probes"]} <= {probe.nonce for probe in liar.asked}
    assert "disputed by its watcher" in (await job.shown())["why"]


async def test_an_honest_run_and_an_unwatched_one_are_left_alone(
    market_on_anvil: ChainMarket, url: str, stack: AsyncExitStack
) -> None:
    market = market_on_anvil
    job = await watched(market, url)
    honest = Liar(market.provider, names=job.job_id, metered=TRUE)
    honest.started_ms -= 1000 * (ELAPSED + 5)
    await stack.enter_async_context(linked(url, market, honest))
    await job.report(TRUE)
    await asyncio.sleep(6)
    assert honest.asked
    assert not await job.told(ev.JobDisputed)


async def test_a_job_that_names_no_watcher_is_not_watched(
    market_on_anvil: ChainMarket, url: str, stack: AsyncExitStack
) -> None:
    market = market_on_anvil
    job = await watched(market, url, watch=False)
    liar = Liar(market.provider, names=job.job_id, metered=TRUE)
    await stack.enter_async_context(linked(url, market, liar))
    await job.report(BILLED)
    await asyncio.sleep(4)
    assert not liar.asked
    assert not await job.told(ev.JobDisputed)


async def test_a_won_dispute_pays_the_consumer_and_brings_the_watcher_its_bond_and_costs(
    market_on_anvil: ChainMarket, url: str, stack: AsyncExitStack
) -> None:
    market, escrow, court = market_on_anvil, market_on_anvil.escrow, market_on_anvil.court
    juror = await with_juror(market)
    job = await watched(market, url)
    watcher, consumer = Address(market.scheduler.address), job.terms.consumer
    liar = Liar(market.provider, names=job.job_id, metered=TRUE)
    await stack.enter_async_context(linked(url, market, liar))
    await job.report(BILLED)
    dispute = await job.disputed()
    case = dispute.dispute_id
    assert await market.token.balance_of(watcher) == 0
    assert await court.excluded(case) == [consumer, job.me, watcher]
    await drawn(market, case)
    await market.send(market.juror, court.commit(case, court.commitment(case, 1, juror, 0, SALT)))
    await market.send(market.juror, court.reveal(case, 0, SALT))
    await market.send(market.deployer, court.tally(case))
    await market.send(market.deployer, court.execute_ruling(case))
    assert (await escrow.run(job.job_id, 1, job.me)).state is RunState.RULED
    assert await escrow.credit(consumer) == cost(BILLED, RATES)
    for _ in range(100):
        if await market.token.balance_of(watcher):
            break
        await asyncio.sleep(0.2)
    slashed = min(BOND, 1064 * RULES.bond_per_unit)
    assert await market.token.balance_of(watcher) == BOND + slashed
    assert await escrow.credit(watcher) == 0


@pytest.mark.usefixtures("_hurried")
async def test_a_watcher_without_tokens_says_so_and_disputes_once_it_has_them(
    market_on_anvil: ChainMarket, tmp_path: Path, stack: AsyncExitStack
) -> None:
    market = market_on_anvil
    home = tmp_path / "scheduler"
    url = await stack.enter_async_context(a_scheduler(market, home, WATCH_MIN="1"))
    job = await watched(market, url)
    liar = Liar(market.provider, names=job.job_id, metered=TRUE)
    await stack.enter_async_context(linked(url, market, liar))
    await job.report(BILLED)
    wanted = f"the watcher {market.scheduler.address} has 0 of the {BOND} base units"
    for _ in range(50):
        if wanted in (await job.shown())["why"]:
            break
        await asyncio.sleep(0.2)
    else:
        raise AssertionError((await job.shown())["why"])
    payment = market.token.transfer(Address(market.scheduler.address), BOND)
    await market.send(market.deployer, payment)
    await job.disputed()


@pytest.mark.usefixtures("_hurried")
async def test_who_only_bills_and_never_connects_is_disputed_while_others_are_heard(
    market_on_anvil: ChainMarket, tmp_path: Path, stack: AsyncExitStack
) -> None:
    market = market_on_anvil
    payment = market.token.transfer(Address(market.scheduler.address), BOND)
    await market.send(market.deployer, payment)
    home = tmp_path / "scheduler"
    limits = {"WATCH_MIN": "1", "WATCH_SILENCE_S": "10"}
    url = await stack.enter_async_context(a_scheduler(market, home, **limits))
    job = await watched(market, url)
    await job.report(Usage(wall_s=1), after_s=2)
    another = Liar(Account.create())
    await stack.enter_async_context(linked(url, market, another))
    await asyncio.sleep(13)
    assert not await job.told(ev.JobDisputed)
    await job.report(BILLED)
    await job.disputed()


@pytest.mark.usefixtures("_hurried")
async def test_a_death_between_pinning_and_sending_leads_to_one_dispute_with_the_same_evidence(
    market_on_anvil: ChainMarket, url: str, stack: AsyncExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    market = market_on_anvil
    send = Key.send
    died: list[str] = []
    pinned: list[Cid] = []

    async def dies_once(key: Key, call: Call, name: str) -> Receipt:
        if name.endswith("/dispute") and not died:
            died.append(name)
            raise Unavailable("The process dies here.")
        return await send(key, call, name)

    async def add_bytes(api: str, data: bytes) -> Cid:
        pinned.append(await ipfs.add_bytes(api, data))
        return pinned[-1]

    monkeypatch.setattr(Key, "send", dies_once)
    monkeypatch.setattr(watchtower, "add_bytes", add_bytes)
    job = await watched(market, url)
    liar = Liar(market.provider, names=job.job_id, metered=TRUE)
    await stack.enter_async_context(linked(url, market, liar))
    await job.report(BILLED)
    await job.disputed()
    assert died == [f"{job.job_id}/1/dispute"]
    assert len(pinned) >= 2
    assert {f"/ipfs/{cid}" for cid in pinned} == {await evidence_of(job)}
    assert len(await job.told(ev.JobDisputed)) == 1

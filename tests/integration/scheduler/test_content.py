"""Content for browsers: what a job, a run or a dispute names, checked block by block; nothing else, and no more."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from chain import ipfs
from chain.car import received
from chain.cid import Codec, cid_bytes, cid_of, cid_text
from chain.contracts import deploy
from chain.escrow import Escrow
from chain.folder import DEFAULT_LIMITS, MIB
from chain.job import Address, Cid, JobId, Usage
from scheduler.api import content as api
from scheduler.rows.pins import note
from tests.fixtures_chain import COURT, RULES, ChainMarket
from tests.fixtures_ipfs import ContentStore
from tests.integration.scheduler.served import Served, serving

RESULT = b"the answer\n" * 100_000


@pytest.fixture
async def served(market_on_anvil: ChainMarket, tmp_path: Path, node: str) -> AsyncIterator[Served]:
    async with serving(market_on_anvil, tmp_path, node) as one:
        yield one


def bytes_of(car: bytes, cid: Cid) -> bytes:
    """The file in a CAR; every block is checked."""
    root = cid_bytes(cid)
    with received(iter([car]), root, DEFAULT_LIMITS) as walk:
        return b"".join(walk.file(walk.node(root)))


async def a_run_with(served: Served, result: Cid) -> JobId:
    market = served.market
    await market.with_provider()
    terms = await market.with_job()
    await market.claimed(terms)
    job_id = market.escrow.job_id(terms)
    call = market.escrow.complete_job(job_id, 1, Usage(), 0, result)
    await market.send(market.provider, call)
    await served.until_read()
    return job_id


async def test_a_result_is_given_whole_and_can_be_checked(served: Served) -> None:
    cid = await ipfs.add_bytes(served.context.ipfs_api, RESULT)
    unnamed = await served.http.get(f"/v1/content/{cid}")
    assert unnamed.status_code == 404
    await a_run_with(served, cid)
    answer = await served.http.get(f"/v1/content/{cid}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/vnd.ipld.car"
    assert "immutable" in answer.headers["cache-control"]
    assert bytes_of(answer.content, cid) == RESULT


async def test_a_bundle_evidence_and_a_ledger_are_named_too(served: Served) -> None:
    market, node = served.market, served.context.ipfs_api
    evidence, ledger, other = [
        await ipfs.add_bytes(node, text.encode()) for text in ("it lied", "a ledger", "a bundle")
    ]
    await market.with_provider()
    terms = await market.with_job()
    await market.claimed(terms)
    await market.pass_time(4)
    job_id, who = market.escrow.job_id(terms), Address(market.provider.address)
    await market.send(market.provider, market.escrow.report_usage([(job_id, 1, Usage(100))]))
    await market.give(market.consumer, RULES.dispute_bond)
    fee = await market.escrow.dispute_fee()
    call = market.escrow.dispute(terms, 1, who, f"/ipfs/{evidence}/evidence.json", fee=fee)
    await market.send(market.consumer, call)
    await served.until_read()
    async with served.context.store.write() as tx:
        await note(tx, {ledger: f"ledger of {job_id}", other: "bundle of no job yet"}, 1)
    for cid, status in (
        (evidence, 200),
        (ledger, 200),
        (other, 404),
        (cid_text(cid_of(b"else", Codec.RAW)), 404),
    ):
        assert (await served.http.get(f"/v1/content/{cid}")).status_code == status


async def test_what_disputes_are_about_is_named_by_the_escrow_itself(
    market_on_anvil: ChainMarket, tmp_path: Path, store: ContentStore
) -> None:
    market = market_on_anvil
    paper = await ipfs.add_bytes(store.api, b"{}")
    where = tmp_path / "another"
    book = await deploy(
        market.w3, market.deployer, RULES, COURT, home=where, meta_evidence=f"/ipfs/{paper}"
    )
    market = replace(market, home=where, book=book)
    async with serving(market, tmp_path, store.api) as served:
        answer = await served.http.get(f"/v1/content/{paper}")
        assert bytes_of(answer.content, paper) == b"{}"
        told = (await served.http.get("/v1/market")).json()
        escrow = Escrow.of(market.w3, book)  # as the pages find it
        assert await escrow.meta_evidence(told["deployed_at_block"]) == f"/ipfs/{paper}"


async def test_what_the_node_does_not_have_is_told_before_anything_is_sent(
    market_on_anvil: ChainMarket, tmp_path: Path, store: ContentStore
) -> None:
    async with serving(market_on_anvil, tmp_path, store.api) as served:
        absent = cid_text(cid_of(b"nowhere", Codec.RAW))
        await a_run_with(served, absent)
        answer = await served.http.get(f"/v1/content/{absent}")
        assert answer.status_code == 404
        assert absent in answer.json()["detail"]


async def test_no_more_than_the_limit_is_sent(
    market_on_anvil: ChainMarket,
    tmp_path: Path,
    store: ContentStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(api, "LIMIT", 2 * MIB)
    cid = await ipfs.add_bytes(store.api, os.urandom(5 * MIB))
    async with serving(market_on_anvil, tmp_path, store.api) as served:
        await a_run_with(served, cid)
        got = bytearray()
        with pytest.raises(httpx.RemoteProtocolError):
            await _read(served, cid, got)
        assert len(got) <= 2 * MIB


async def _read(served: Served, cid: Cid, into: bytearray) -> None:
    async with served.http.stream("GET", f"/v1/content/{cid}") as answer:
        async for piece in answer.aiter_bytes():
            into += piece

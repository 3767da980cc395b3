"""Reading events: ranges, confirmations, and what happens when the chain or the node is not as it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from web3.types import RPCEndpoint, RPCResponse

from chain.calls import Call
from chain.errors import Conflict, Unavailable
from chain.events import JobClaimed, JobPosted, RatesSet
from chain.follow import TAIL, Batch, Cursor, events_of_job, next_batch
from chain.job import Address
from chain.rpc import request
from tests.fixtures_chain import RATES, UNITS, ChainMarket


@dataclass
class Reader:
    """A provider's rate cards as the events tell them, on a chain that the test moves."""

    market: ChainMarket

    async def set_rate(self, wall_s: int) -> None:
        """One event, in a block of its own."""
        await self.act(self.market.escrow.set_rates(replace(RATES, wall_s=wall_s)))

    async def act(self, call: Call) -> None:
        """By an account that the node holds, so that a test can undo it."""
        transaction = {"from": self.market.provider.address, "to": call.to}
        sent = {**transaction, "data": "0x" + call.data.hex(), "gas": hex(500_000)}
        await request(self.market.w3, "eth_sendTransaction", sent)
        await request(self.market.w3, "evm_mine")

    async def read(self, cursor: Cursor | None = None, **options: Any) -> Batch:
        """The next batch from the deployment on."""
        given = {"confirmations": 0, **options}
        start = self.market.book.deployed_at_block
        return await next_batch(self.market.w3, self.market.escrow, cursor, start, **given)


def rates(batch: Batch) -> list[int]:
    return [event.rates.wall_s for event in batch.events if isinstance(event, RatesSet)]


@pytest.fixture
async def reader(quiet_market: ChainMarket) -> Reader:
    market = quiet_market
    me = Reader(market)
    await market.give(market.deployer, 1)
    await market.send(
        market.deployer, market.token.transfer(Address(market.provider.address), 10**19)
    )
    await me.act(market.token.approve(market.book.escrow, 10**19))
    await me.act(market.escrow.register(UNITS, RATES))
    return me


async def test_events_come_once_and_in_order(reader: Reader) -> None:
    first = await reader.read()
    for wall_s in (1, 2, 3):
        await reader.set_rate(wall_s)
    second = await reader.read(first.cursor)
    assert rates(first) == [RATES.wall_s]
    assert rates(second) == [1, 2, 3]
    assert (await reader.read(second.cursor)).events == ()
    assert second.cursor is not None
    assert second.cursor.number == second.head


async def test_what_lacks_confirmations_is_not_told_yet(reader: Reader) -> None:
    cursor = (await reader.read()).cursor
    await reader.set_rate(1)
    assert rates(await reader.read(cursor, confirmations=5)) == []
    for _ in range(5):
        await request(reader.market.w3, "evm_mine")
    assert rates(await reader.read(cursor, confirmations=5)) == [1]


async def test_a_long_way_is_gone_in_ranges_without_loss(reader: Reader) -> None:
    for wall_s in range(1, 8):
        await reader.set_rate(wall_s)
    cursor: Cursor | None = None
    told: list[int] = []
    while True:
        batch = await reader.read(cursor, max_range=3)
        told += rates(batch)
        cursor = batch.cursor
        if cursor is not None and cursor.number == batch.head:
            break
    assert told == [RATES.wall_s, 1, 2, 3, 4, 5, 6, 7]


async def test_a_reorganised_chain_rolls_back_to_what_both_have(reader: Reader) -> None:
    w3 = reader.market.w3
    ancestor = (await reader.read()).cursor
    snapshot = await request(w3, "evm_snapshot")
    await reader.set_rate(1)
    lost = await reader.read(ancestor)
    await request(w3, "evm_revert", snapshot)
    behind = await reader.read(lost.cursor)
    assert behind.lagging
    assert (behind.cursor, behind.rolled_back, behind.events) == (lost.cursor, False, ())
    await request(w3, "evm_increaseTime", 3)
    await reader.set_rate(2)
    await reader.set_rate(3)
    assert ancestor is not None
    oldest = Cursor(ancestor.number - 1, "0x" + "00" * 32)
    back = await reader.read(lost.cursor, known=[oldest, ancestor])
    assert (back.cursor, back.rolled_back, back.events) == (ancestor, True, ())
    assert rates(await reader.read(back.cursor)) == [2, 3]


async def test_a_reorganisation_by_the_node_itself_is_seen(reader: Reader) -> None:
    """At the same height and with the head not lower: told by the hash alone."""
    ancestor = (await reader.read()).cursor
    await reader.set_rate(1)
    lost = await reader.read(ancestor)
    assert lost.cursor is not None
    assert ancestor is not None
    depth = lost.cursor.number - ancestor.number
    await request(reader.market.w3, "anvil_reorg", depth, [])
    back = await reader.read(lost.cursor, known=[ancestor])
    assert back.rolled_back
    assert back.cursor == ancestor


async def test_a_reorganisation_deeper_than_all_that_is_known_stops_the_reader(
    reader: Reader,
) -> None:
    cursor = (await reader.read()).cursor
    assert cursor is not None
    other = replace(cursor, hash="0x" + "ee" * 32)
    with pytest.raises(Conflict, match="deeper"):
        await reader.read(other, known=[Cursor(cursor.number - 1, "0x" + "dd" * 32)])


async def test_a_jobs_events_are_found_by_its_id_in_order(reader: Reader) -> None:
    market = reader.market
    first, second = [await market.with_job(salt) for salt in (1, 2)]
    await market.claimed(first)
    job_id = market.escrow.job_id(first)
    start = market.book.deployed_at_block
    told = await events_of_job(market.w3, market.escrow, job_id, start)
    assert [type(event) for event in told] == [JobPosted, JobClaimed]
    (other,) = await events_of_job(market.w3, market.escrow, market.escrow.job_id(second), start)
    assert isinstance(other, JobPosted)
    assert other.terms == second


def answering(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, change: Callable[[str, Any, Any], Any]
) -> None:
    """Let a function change the node's answers, as an odd node would."""
    provider = reader.market.w3.provider
    real = provider.make_request

    async def make_request(method: RPCEndpoint, params: Any) -> RPCResponse:
        answer: RPCResponse = change(method, params, await real(method, params))
        return answer

    monkeypatch.setattr(provider, "make_request", make_request)


async def test_a_range_that_the_node_refuses_is_halved(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    for wall_s in range(1, 6):
        await reader.set_rate(wall_s)
    await request(reader.market.w3, "anvil_mine", hex(TAIL))
    asked: list[int] = []

    def refuse_long(method: str, params: Any, answer: Any) -> Any:
        if method != "eth_getLogs":
            return answer
        asked.append(int(params[0]["toBlock"], 16) - int(params[0]["fromBlock"], 16) + 1)
        return answer if asked[-1] <= 2 else {"error": {"code": -32005, "message": "too many"}}

    answering(reader, monkeypatch, refuse_long)
    assert rates(await reader.read()) == [RATES.wall_s, 1, 2, 3, 4, 5]
    assert max(asked) > 2


async def test_logs_of_another_chain_than_the_blocks_are_never_told(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    await reader.set_rate(1)

    def foreign(method: str, params: Any, answer: Any) -> Any:
        if method == "eth_getLogs":
            for log in answer["result"]:
                log["blockHash"] = "0x" + "cc" * 32
        return answer

    answering(reader, monkeypatch, foreign)
    with pytest.raises(Unavailable, match="changes while"):
        await reader.read()


async def test_a_block_that_does_not_join_the_cursor_is_not_read_on_from(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    cursor = (await reader.read()).cursor
    await reader.set_rate(1)
    assert cursor is not None

    def detached(method: str, params: Any, answer: Any) -> Any:
        if method == "eth_getBlockByNumber" and params[0] == hex(cursor.number + 1):
            answer["result"]["parentHash"] = "0x" + "cc" * 32
        return answer

    answering(reader, monkeypatch, detached)
    with pytest.raises(Unavailable):
        await reader.read(cursor)

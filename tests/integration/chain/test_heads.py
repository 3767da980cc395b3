"""Whoever waits for a new block is woken by it, many at the price of one."""

from __future__ import annotations

import asyncio

import pytest

from chain.connect import connect
from chain.ganache import LocalChain
from chain.heads import Heads
from chain.rpc import request


@pytest.mark.parametrize("scheme", ["http", "ws"])
async def test_a_block_wakes_all_who_wait_and_one_that_came_before_is_not_missed(
    quiet_anvil: LocalChain, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chain.heads.LONGEST_S", 600)
    w3 = connect(quiet_anvil.rpc_url.replace("http", scheme))
    await request(w3, "eth_chainId")
    heads = Heads(w3, 0.02)
    await heads.wait(1)  # the first look, whatever it finds
    waits = [asyncio.create_task(heads.wait(600)) for _ in range(5)]
    await asyncio.sleep(0.2)
    assert not any(task.done() for task in waits)
    await request(w3, "evm_mine")
    async with asyncio.timeout(20):
        await asyncio.gather(*waits)
    await request(w3, "evm_mine")
    await asyncio.sleep(0.1)
    async with asyncio.timeout(20):
        await heads.wait(600)
    await w3.provider.disconnect()


async def test_nobody_looks_while_nobody_waits(
    quiet_anvil: LocalChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    w3 = connect(quiet_anvil.rpc_url)
    asked = []

    async def count(_: object, method: str) -> str:
        asked.append(method)
        return "0x1"

    monkeypatch.setattr("chain.heads.request", count)
    heads = Heads(w3, 0.01)
    await asyncio.gather(*(heads.wait(0.1) for _ in range(20)))
    assert 0 < len(asked) < 40
    before = len(asked)
    await asyncio.sleep(0.1)
    assert len(asked) == before
    await w3.provider.disconnect()

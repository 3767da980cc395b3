"""One sender a key: every call once, whatever dies, hangs or reorganises on the way."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest
from eth_account import Account

from chain.errors import Conflict, Reverted
from chain.ganache import start_anvil
from chain.job import Address
from chain.rpc import request
from tests.fixtures_chain import ChainMarket, free_port
from tests.integration.chain.crashing_sender import KEY, KILLED
from tests.integration.chain.payers import COIN, Payer, payer_on

STEPS = ["signed", "saved", "broadcast", "mined", "noted"]


async def test_a_call_is_mined_and_told(each_payer: Payer) -> None:
    with each_payer.sender() as sender:
        receipt = await sender.send(each_payer.pay())
    assert receipt.status == 1
    assert receipt.gas_used == 21_000
    assert await each_payer.paid() == 5


async def test_a_key_is_sent_once_however_often_it_is_asked(each_payer: Payer) -> None:
    with each_payer.sender() as sender:
        receipts = await asyncio.gather(*(sender.send(each_payer.pay(), KEY) for _ in range(5)))
    with each_payer.sender() as later:
        receipts.append(await later.send(each_payer.pay(), KEY))
    assert len(set(receipts)) == 1
    assert await each_payer.paid() == 5


async def test_without_a_key_a_call_is_made_each_time(payer: Payer) -> None:
    with payer.sender() as sender:
        await sender.send(payer.pay())
        await sender.send(payer.pay())
    assert await payer.paid() == 10


async def test_many_at_once_get_nonces_without_gaps(each_payer: Payer) -> None:
    with each_payer.sender() as sender:
        await asyncio.gather(*(sender.send(each_payer.pay(), f"{KEY}{i}") for i in range(20)))
    assert await each_payer.paid() == 100
    assert await each_payer.used() == 20


@pytest.mark.parametrize("step", STEPS)
async def test_killed_at_any_step_the_call_is_made_exactly_once(
    each_payer: Payer, step: str
) -> None:
    payer = each_payer
    killed = await asyncio.create_subprocess_exec(*payer.command(step))
    assert await killed.wait() == KILLED
    with payer.sender() as sender:
        await sender.resume()
        receipt = await sender.send(payer.pay(), KEY)
    assert receipt.status == 1
    assert await payer.paid() == 5
    assert await payer.used() == 1


async def test_what_was_saved_but_not_asked_for_again_is_sent_all_the_same(payer: Payer) -> None:
    killed = await asyncio.create_subprocess_exec(*payer.command("saved"))
    await killed.wait()
    with payer.sender() as sender:
        await sender.send(payer.pay(2), "another")
    assert await payer.paid() == 7


async def test_a_second_process_with_the_same_key_is_refused(payer: Payer) -> None:
    holder = subprocess.Popen(payer.command("held"), stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert await asyncio.to_thread(holder.stdout.readline) == b"held\n"
    with pytest.raises(Conflict, match="Another process"):
        payer.sender()
    holder.kill()
    holder.wait()
    with payer.sender():
        second = subprocess.run(payer.command("none"), capture_output=True, check=False)
    assert (second.returncode, second.stdout) == (Conflict.exit_code, b"Conflict\n")


async def test_a_call_that_would_revert_is_not_sent(each_market: ChainMarket) -> None:
    market = each_market
    call = market.token.transfer(Address(market.provider.address), 10)
    before = await market.w3.eth.get_transaction_count(market.scheduler.address)
    with pytest.raises(Reverted) as refusal:
        await market.send(market.scheduler, call, KEY)
    assert refusal.value.name == "ERC20InsufficientBalance"
    assert await market.w3.eth.get_transaction_count(market.scheduler.address) == before
    await market.give(market.scheduler, 10)
    assert (await market.send(market.scheduler, call, KEY)).status == 1


async def test_a_call_that_reverts_only_when_mined_is_told_by_name_and_may_be_made_again(
    quiet_market: ChainMarket,
) -> None:
    market, w3, token = quiet_market, quiet_market.w3, quiet_market.book.token
    code = await request(w3, "eth_getCode", token, "latest")
    (closed,) = [
        one.selector.hex()
        for one in market.token.interface.errors.values()
        if one.name == "FaucetClosed"
    ]
    await request(w3, "evm_setAutomine", False)
    sending = asyncio.create_task(market.send(market.consumer, market.token.faucet(), KEY))
    while await request(w3, "txpool_status") == {"pending": "0x0", "queued": "0x0"}:
        await asyncio.sleep(0.02)
    await request(w3, "anvil_setCode", token, f"0x63{closed}5f526004601cfd")  # reverts with it
    await request(w3, "evm_setAutomine", True)
    await request(w3, "evm_mine")
    with pytest.raises(Reverted) as refusal:
        await sending
    assert refusal.value.name == "FaucetClosed"
    await request(w3, "anvil_setCode", token, code)
    assert (await market.send(market.consumer, market.token.faucet(), KEY)).status == 1


async def test_a_chain_that_begins_anew_begins_again_at_its_own_nonce(tmp_path: Path) -> None:
    """Same id, same key, same folder: what was mined on the old chain says nothing about the new one."""
    account = Account.create()
    for _ in range(2):
        async with await start_anvil(free_port(), tmp_path, pulse_s=0) as chain:
            async for payer in payer_on(chain, tmp_path):
                payer.account = account
                await request(payer.w3, "anvil_setBalance", account.address, hex(COIN))
                with payer.sender() as sender:
                    await sender.send(payer.pay(), KEY)
                assert await payer.paid() == 5
        await asyncio.sleep(1.1)  # first blocks are told apart by their second

"""A sender whose transactions get stuck, forgotten, refused, reorganised, or lose their nonce."""

from __future__ import annotations

import asyncio
import os
import signal
from itertools import pairwise

import pytest
from eth_account import Account

from chain.calls import Call
from chain.connect import connect
from chain.errors import Reverted, Unavailable
from chain.fees import wait_for_receipt
from chain.job import Address
from chain.rpc import request
from chain.sender import Sender
from tests.integration.chain.crashing_sender import KEY
from tests.integration.chain.payers import COIN, Payer


async def test_a_stuck_transaction_is_replaced_by_a_dearer_one(payer: Payer) -> None:
    await request(payer.w3, "evm_setAutomine", False)
    with payer.sender(stuck_after_s=0.3) as sender:
        sending = asyncio.create_task(sender.send(payer.pay(), KEY))
        seen: set[tuple[str, int]] = set()
        while len(seen) < 3:
            await asyncio.sleep(0.05)
            pool = await request(payer.w3, "txpool_content")
            mine = pool["pending"].get(payer.account.address.lower(), {}) or pool["pending"].get(
                payer.account.address, {}
            )
            seen |= {(one["hash"], int(one["maxFeePerGas"], 16)) for one in mine.values()}
        await request(payer.w3, "evm_setAutomine", True)
        await request(payer.w3, "evm_mine")
        receipt = await sending
    assert receipt.tx_hash in {tx_hash for tx_hash, _ in seen}
    fees = sorted(fee for _, fee in seen)
    assert all(later >= earlier * 11 // 10 for earlier, later in pairwise(fees))
    assert await payer.paid() == 5
    assert await payer.used() == 1


async def test_fees_never_pass_the_limit(payer: Payer) -> None:
    with payer.sender(max_fee=1) as sender, pytest.raises(Unavailable, match="more than the"):
        await sender.send(payer.pay())
    await request(payer.w3, "evm_setAutomine", False)
    block = await request(payer.w3, "eth_getBlockByNumber", "latest", False)
    limit = 2 * int(block["baseFeePerGas"], 16) + 10**9 + 1
    with payer.sender(max_fee=limit, stuck_after_s=0.1, patience_s=1) as sender:
        with pytest.raises(Unavailable, match="end is not known"):
            await sender.send(payer.pay(), KEY)
        await request(payer.w3, "evm_setAutomine", True)
        await request(payer.w3, "evm_mine")
        await sender.send(payer.pay(), KEY)
    assert await payer.paid() == 5


async def test_a_transaction_that_the_node_forgot_is_broadcast_again(payer: Payer) -> None:
    await request(payer.w3, "evm_setAutomine", False)
    with payer.sender(patience_s=0.2) as sender:
        with pytest.raises(Unavailable):
            await sender.send(payer.pay(), KEY)
        await request(payer.w3, "anvil_dropAllTransactions")
    await request(payer.w3, "evm_setAutomine", True)
    with payer.sender() as sender:
        await sender.send(payer.pay(), KEY)
    assert await payer.paid() == 5


async def test_a_reorganised_transaction_is_sent_again_with_the_same_bytes(payer: Payer) -> None:
    with payer.sender() as sender:
        first = await sender.send(payer.pay(), KEY)
        await request(payer.w3, "anvil_reorg", 1, [])
        assert await payer.paid() == 0
        await sender.send(payer.pay(2), "next")
        assert await sender.send(payer.pay(), KEY) == first or await payer.paid() == 7
    assert await payer.paid() == 7
    assert await payer.used() == 2


async def test_a_nonce_used_by_another_program_is_told_and_the_call_can_be_made_again(
    payer: Payer,
) -> None:
    await request(payer.w3, "evm_setAutomine", False)
    with payer.sender(patience_s=0.2) as sender, pytest.raises(Unavailable):
        await sender.send(payer.pay(), KEY)
    await request(payer.w3, "anvil_dropAllTransactions")
    await request(payer.w3, "evm_setAutomine", True)
    foreign = {"from": payer.account.address, "to": payer.account.address, "gas": hex(21_000)}
    await request(payer.w3, "anvil_impersonateAccount", payer.account.address)
    await request(payer.w3, "eth_sendTransaction", foreign)
    await request(payer.w3, "anvil_mine", "0x8")
    with payer.sender() as sender:
        await sender.send(payer.pay(), KEY)
    assert await payer.paid() == 5
    assert await payer.used() == 2


async def test_a_used_nonce_is_not_given_up_before_it_is_deep(payer: Payer) -> None:
    """A node that is behind may not show our receipt yet."""
    await request(payer.w3, "evm_setAutomine", False)
    with payer.sender(patience_s=0.2) as sender:
        with pytest.raises(Unavailable):
            await sender.send(payer.pay(), KEY)
        await request(payer.w3, "anvil_dropAllTransactions")
        await request(payer.w3, "evm_setAutomine", True)
        foreign = {"from": payer.account.address, "to": payer.account.address, "gas": hex(21_000)}
        await request(payer.w3, "anvil_impersonateAccount", payer.account.address)
        await request(payer.w3, "eth_sendTransaction", foreign)
        await request(payer.w3, "evm_mine")
        with pytest.raises(Unavailable, match="end is not known"):
            await sender.send(payer.pay(), KEY)
        assert await payer.paid() == 0


async def test_a_nonce_used_elsewhere_before_is_passed_over(payer: Payer) -> None:
    with payer.sender() as sender:
        await sender.send(payer.pay())
        foreign = {"from": payer.account.address, "to": payer.payee, "gas": hex(21_000)}
        await request(payer.w3, "anvil_impersonateAccount", payer.account.address)
        sent = await request(payer.w3, "eth_sendTransaction", foreign)
        await wait_for_receipt(payer.w3, sent)
        await sender.send(payer.pay())
    assert await payer.paid() == 10


async def test_a_node_that_hangs_while_waiting_costs_time_only(payer: Payer) -> None:
    await request(payer.w3, "evm_setAutomine", False)
    payer.w3 = connect(payer.chain.rpc_url, timeout_s=0.3)
    with payer.sender(patience_s=1) as sender:
        sending = asyncio.create_task(sender.send(payer.pay(), KEY))
        while (await request(payer.w3, "txpool_status"))["pending"] == "0x0":
            await asyncio.sleep(0.02)
        os.kill(payer.chain.pid, signal.SIGSTOP)
        try:
            with pytest.raises(Unavailable, match="end is not known"):
                await sending
        finally:
            os.kill(payer.chain.pid, signal.SIGCONT)
        await request(payer.w3, "evm_setAutomine", True)
        await request(payer.w3, "evm_mine")
        await sender.send(payer.pay(), KEY)
    assert await payer.used() == 1
    assert await payer.paid() == 5


async def test_what_the_node_refuses_leaves_no_hole_in_the_nonces(each_payer: Payer) -> None:
    payer = each_payer
    poor = Account.create()
    with Sender(payer.w3, poor, payer.where) as sender:
        with pytest.raises((Unavailable, Reverted)):
            await sender.send(payer.pay(0), KEY)
        with payer.sender() as rich:
            await rich.send(Call(Address(poor.address), b"", COIN // 10))
        assert (await sender.send(payer.pay(0), KEY)).status == 1

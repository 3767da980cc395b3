"""The token's bindings against the contract."""

from __future__ import annotations

import pytest

from chain.connect import chain_time
from chain.errors import Reverted
from chain.job import Address, max_cost
from chain.token import sign_permit
from tests.fixtures_chain import ChainMarket


async def test_a_permit_lets_a_job_be_posted_without_an_approval(
    market_on_anvil: ChainMarket,
) -> None:
    market = market_on_anvil
    terms = market.terms()
    me = Address(market.consumer.address)
    deposit = max_cost(terms.resources, terms.max_rates, terms.duration)
    await market.send(market.deployer, market.token.transfer(me, deposit))
    deadline = await chain_time(market.w3) + 60
    permit = await sign_permit(market.consumer, market.token, market.book.escrow, deposit, deadline)
    await market.send(market.consumer, market.escrow.post_job_with_permit(terms, deposit, permit))
    assert await market.token.balance_of(market.book.escrow) == deposit
    assert await market.token.nonces(me) == 1


async def test_the_faucet_gives_once_an_hour(market_on_anvil: ChainMarket) -> None:
    market, token = market_on_anvil, market_on_anvil.token
    me = Address(market.consumer.address)
    await market.send(market.consumer, token.faucet())
    assert await token.balance_of(me) == 1000 * 10**18
    with pytest.raises(Reverted) as refusal:
        await market.send(market.consumer, token.faucet())
    assert refusal.value.name == "FaucetUsed"
    assert refusal.value.arguments["opensAt"] == await token.faucet_opens_at(me)


async def test_an_allowance_is_what_was_approved(market_on_anvil: ChainMarket) -> None:
    market, token = market_on_anvil, market_on_anvil.token
    me, other = Address(market.consumer.address), Address(market.provider.address)
    await market.send(market.consumer, token.approve(other, 7))
    assert await token.allowance(me, other) == 7


async def test_more_than_one_has_is_refused_by_name_whatever_the_node(
    each_market: ChainMarket,
) -> None:
    market = each_market
    call = market.token.transfer(Address(market.provider.address), 10)
    with pytest.raises(Reverted) as refusal:
        await market.send(market.scheduler, call)
    assert refusal.value.name == "ERC20InsufficientBalance"
    assert refusal.value.arguments["needed"] == 10


async def test_a_token_error_inside_an_escrow_call_has_its_name_too(
    each_market: ChainMarket,
) -> None:
    market = each_market
    with pytest.raises(Reverted) as refusal:
        await market.send(market.consumer, market.escrow.post_job(market.terms(), 10**18))
    assert refusal.value.name == "ERC20InsufficientAllowance"

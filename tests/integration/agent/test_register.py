"""An agent bonds what it offers, and says what it lacks when it cannot."""

from __future__ import annotations

from dataclasses import replace

import pytest
from eth_account.signers.local import LocalAccount

from agent.pay.register import Registry, ensure_registered
from chain.errors import Conflict
from chain.job import Address, Resources
from tests.fixtures_chain import RATES, RULES, ChainMarket

OFFERED = Resources(cpu_millis=2_000, memory_mib=1_024, egress_kib_s=100)
FAUCET = 1_000 * 10**18


def registry(market: ChainMarket, account: LocalAccount) -> Registry:
    return Registry(
        escrow=market.escrow,
        token=market.token,
        sender=market.sender(account),
        parameters=RULES,
        chain_id=market.book.chain_id,
    )


async def test_a_new_agent_bonds_its_capacity_with_what_the_faucet_gives(
    market_on_anvil: ChainMarket,
) -> None:
    market = market_on_anvil
    me = Address(market.provider.address)
    at = registry(market, market.provider)
    await ensure_registered(at, RATES, OFFERED)
    provider = await market.escrow.provider(me)
    assert (provider.bonded, provider.rate_card) == (3_024, 1)
    assert await market.token.balance_of(me) == FAUCET - 3_024 * RULES.bond_per_unit
    await ensure_registered(at, RATES, OFFERED)
    assert await market.escrow.provider(me) == provider


async def test_an_agent_that_offers_more_bonds_the_difference_and_one_that_offers_less_keeps_its_bond(
    market_on_anvil: ChainMarket,
) -> None:
    market = market_on_anvil
    me = Address(market.provider.address)
    at = registry(market, market.provider)
    await ensure_registered(at, RATES, OFFERED)
    await ensure_registered(at, RATES, replace(OFFERED, memory_mib=2_048))
    assert (await market.escrow.provider(me)).bonded == 4_048
    dearer = replace(RATES, wall_s=RATES.wall_s + 1)
    await ensure_registered(at, dearer, OFFERED)
    provider = await market.escrow.provider(me)
    assert provider.bonded == 4_048
    assert await market.escrow.rates(me, provider.rate_card) == dearer


async def test_an_agent_that_the_faucet_cannot_cover_is_told_how_much_it_lacks(
    market_on_anvil: ChainMarket,
) -> None:
    market = market_on_anvil
    at = registry(market, market.provider)
    vast = Resources(cpu_millis=1_000_000, memory_mib=1)
    needed = 1_000_001 * RULES.bond_per_unit
    with pytest.raises(Conflict, match=f"takes {needed} base units.*has {FAUCET}") as told:
        await ensure_registered(at, RATES, vast)
    assert "AGENT_CPUS" in told.value.fix
    assert (await market.escrow.provider(Address(market.provider.address))).rate_card == 0


async def test_an_agent_that_is_leaving_is_told_so(market_on_anvil: ChainMarket) -> None:
    market = market_on_anvil
    at = registry(market, market.provider)
    await ensure_registered(at, RATES, OFFERED)
    await market.send(market.provider, market.escrow.start_unbond())
    with pytest.raises(Conflict, match="leaving"):
        await ensure_registered(at, RATES, OFFERED)

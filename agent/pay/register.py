"""Being a provider: the bond and the rates on-chain, brought to what the settings say."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from chain.errors import Conflict, Reverted
from chain.escrow import Escrow
from chain.job import Parameters, Rates, Resources, units_of
from chain.sender import Sender
from chain.token import Token

log = structlog.get_logger()
TEST_CHAINS = {1337, 5777, 31337, 11155111}


@dataclass(frozen=True, slots=True)
class Registry:
    """Where a provider registers, and with what it pays the bond."""

    escrow: Escrow
    token: Token
    sender: Sender
    parameters: Parameters
    chain_id: int


async def ensure_registered(at: Registry, rates: Rates, capacity: Resources) -> None:
    """Bond the capacity that is offered, and set the rates, where the chain does not say so already. A bond for more
    than that is left as it is.

    Args:
        at: the market.
        rates: to ask from now on.
        capacity: that this agent offers in all.

    Raises:
        Conflict: there are too few tokens for the bond, or the provider is leaving.
        Unavailable: the chain does not answer.
    """
    agent = at.sender.address
    provider = await at.escrow.provider(agent)
    if provider.unbond_at:
        raise Conflict(
            "This provider is leaving: its bond is being released.",
            "Withdraw the bond, then start the agent again to register anew.",
        )
    missing = max(0, units_of(capacity) - provider.bonded)
    if provider.rate_card == 0 or missing:
        amount = missing * at.parameters.bond_per_unit
        await _have_tokens(at, amount, missing)
        if amount and await at.token.allowance(agent, at.escrow.address) < amount:
            await at.sender.send(at.token.approve(at.escrow.address, amount), "")
        await at.sender.send(at.escrow.register(missing, rates), "")
        log.info("provider.registered", agent=agent, units=missing, bond=amount)
        return
    if await at.escrow.rates(agent, provider.rate_card) != rates:
        await at.sender.send(at.escrow.set_rates(rates), "")
        log.info("provider.rates_set", agent=agent)


async def _have_tokens(at: Registry, amount: int, units: int) -> None:
    """Make sure of a balance in base units; on test chains by the faucet, which gives once an hour."""
    agent, tests = at.sender.address, at.chain_id in TEST_CHAINS
    if await at.token.balance_of(agent) >= amount:
        return
    if tests:
        try:
            await at.sender.send(at.token.faucet(), "")
        except Reverted as error:
            log.warning("faucet.refused", error=str(error))
    held = await at.token.balance_of(agent)
    if held < amount:
        each = at.parameters.bond_per_unit
        more = "start the agent again in an hour, when the faucet gives more, " if tests else ""
        raise Conflict(
            f"To offer {units} more units of capacity (thousandths of a core and MiB of memory), at {each} base units "
            f"of bond each, takes {amount} base units of the token, and {agent} has {held}.",
            f"Send it tokens, {more}or offer less with AGENT_CPUS and AGENT_MEMORY.",
        )

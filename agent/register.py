"""Being a provider: the bond and the rates on-chain, brought to what the settings say."""

from __future__ import annotations

import structlog

from chain.errors import Conflict, Reverted
from chain.escrow import Escrow
from chain.job import Address, Parameters, Rates
from chain.sender import Sender
from chain.token import Token

log = structlog.get_logger()
TEST_CHAINS = {1337, 5777, 31337, 11155111}


async def ensure_registered(
    escrow: Escrow,
    token: Token,
    sender: Sender,
    parameters: Parameters,
    rates: Rates,
    chain_id: int,
) -> None:
    """Register with the smallest bond, or set the rates, if the chain does not say so already.

    Raises:
        Conflict: there are too few tokens for the bond, or the provider is leaving.
        Unavailable: the chain does not answer.
    """
    agent = sender.address
    provider = await escrow.provider(agent)
    if provider.unbond_at:
        raise Conflict(
            "This provider is leaving: its bond is being released.",
            "Withdraw the bond, then start the agent again to register anew.",
        )
    missing = parameters.min_bond - provider.bond
    if provider.rate_card == 0 or missing > 0:
        bond = max(0, missing)
        await _have_tokens(token, sender, agent, bond, chain_id)
        if bond and await token.allowance(agent, escrow.address) < bond:
            await sender.send(token.approve(escrow.address, bond), "")
        await sender.send(escrow.register(bond, rates), "")
        log.info("provider.registered", agent=agent, bond=bond)
        return
    if await escrow.rates(agent, provider.rate_card) != rates:
        await sender.send(escrow.set_rates(rates), "")
        log.info("provider.rates_set", agent=agent)


async def _have_tokens(
    token: Token, sender: Sender, agent: Address, amount: int, chain_id: int
) -> None:
    """Make sure of a balance; on test chains by the faucet."""
    if await token.balance_of(agent) >= amount:
        return
    if chain_id in TEST_CHAINS:
        try:
            await sender.send(token.faucet(), "")
        except Reverted as error:
            log.warning("faucet.refused", error=str(error))
    if await token.balance_of(agent) < amount:
        raise Conflict(
            f"The bond needs {amount} base units of the token, and {agent} has fewer.",
            "Send it tokens, then start the agent again.",
        )

"""An agent's log-in, as JSON: POST /v1/agents/nonce, then POST /v1/agents/login."""

from __future__ import annotations

from chain.wire import AddressText, HashText, SignatureText, TokenText, Whole, Wire


class Challenge(Wire):
    """What to sign as EIP-712 `AgentLogin`: the nonce, once, for this scheduler on this escrow."""

    nonce: HashText
    scheduler: AddressText
    chain_id: Whole
    escrow: AddressText
    expires_at: Whole  # the last second in which the nonce may be used


class Login(Wire):
    """The agent's answer to the challenge."""

    agent: AddressText
    nonce: HashText
    signature: SignatureText


class SessionToken(Wire):
    """What opens the link, as `Authorization: Bearer TOKEN`, until it ends."""

    token: TokenText
    expires_at: Whole
    heartbeat_s: Whole

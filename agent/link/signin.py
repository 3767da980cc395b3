"""Signing in to a scheduler: its nonce, signed with the provider's key, for a short-lived token."""

from __future__ import annotations

import email.utils
import time
from dataclasses import dataclass
from typing import TypeVar

import httpx
from eth_account.signers.local import LocalAccount
from pydantic import BaseModel, ValidationError

from chain.errors import Conflict, NotAllowed, TooMany, Unavailable
from chain.job import Address
from chain.login import Challenge, Login, SessionToken
from chain.messages import Domain, sign_login

SECONDS = 10.0
MOST_BYTES = 64 * 1024
T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Signed:
    """A session.

    Args:
        scheduler: whom the token is of.
        ends: when it ends, in seconds of this machine's monotonic clock.
    """

    scheduler: Address
    token: str
    ends: float


async def sign_in(url: str, account: LocalAccount, domain: Domain) -> Signed:
    """Sign in to the scheduler at an address.

    Raises:
        Conflict: it works for another escrow or another chain.
        NotAllowed: it refuses.
        TooMany: it asks to wait.
        Unavailable: it does not answer, or not sensibly.
    """
    asked = time.monotonic()
    try:
        async with httpx.AsyncClient(timeout=SECONDS, trust_env=False) as http:
            answer = await http.post(f"{url}/v1/agents/nonce")
            challenge = _read(answer, Challenge)
            scheduler = _checked(challenge, domain)
            signature = sign_login(account, domain, scheduler, challenge.nonce)
            login = Login(agent=account.address, nonce=challenge.nonce, signature=signature)
            answer = await http.post(f"{url}/v1/agents/login", json=login.model_dump())
            session = _read(answer, SessionToken)
    except httpx.HTTPError as error:
        what = str(error)[:200] or type(error).__name__
        raise Unavailable(f"The scheduler does not answer: {what}.") from None
    lasts = session.expires_at - _clock_of(answer)
    return Signed(scheduler, session.token, asked + max(1.0, lasts))


def _checked(challenge: Challenge, domain: Domain) -> Address:
    asked, ours = (challenge.chain_id, challenge.escrow.lower()), domain.escrow.lower()
    if asked != (domain.chain_id, ours):
        raise Conflict(
            f"The scheduler works for escrow {challenge.escrow} on chain {challenge.chain_id}, "
            f"we for {domain.escrow} on {domain.chain_id}.",
            "Set SCHEDULER_URL or RPC_URL to those of one market.",
        )
    return Address(challenge.scheduler)


def _read(answer: httpx.Response, kind: type[T]) -> T:
    if answer.status_code == 429:
        told = answer.headers.get("retry-after", "")
        wait_s = int(told) if told.isdigit() and len(told) < 5 else 5
        raise TooMany("The scheduler asks to wait.", wait_s=wait_s)
    if answer.status_code in (401, 403):
        raise NotAllowed(f"The scheduler refuses the log-in: {answer.text[:300]}")
    if answer.status_code != 200 or len(answer.content) > MOST_BYTES:
        raise Unavailable(f"The scheduler answers a log-in with status {answer.status_code}.")
    try:
        return kind.model_validate_json(answer.content)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise Unavailable(f"The scheduler sent what we cannot read: {first['msg']}.") from None


def _clock_of(answer: httpx.Response) -> float:
    """The scheduler's clock, so that a difference between the clocks does not count; else our own."""
    try:
        return email.utils.parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (KeyError, ValueError, TypeError):
        return time.time()

"""How agents sign in: a nonce, its signature, and a token that any copy of this scheduler accepts for its link."""

from __future__ import annotations

import asyncio
import math
import os
import time
from dataclasses import dataclass

from chain.convert import address_of
from chain.errors import NotAllowed, NotSignedIn, TooMany
from chain.job import Address
from chain.login import Challenge, Login, SessionToken
from chain.messages import Domain, signer_of_login
from scheduler.rows.database import Store
from scheduler.sessions.bucket import Buckets
from scheduler.sessions.nonces import use_nonce
from scheduler.sessions.tokens import (
    NONCE_SECONDS,
    Claims,
    issue_nonce,
    issue_token,
    read_nonce,
    read_token,
)

RECOVERIES_AT_ONCE = 4  # a signature's recovery costs about a millisecond of processor
WAITING_MOST = 256
LINKS_PER_S, LINKS_BURST = 1.0, 10.0  # how often one agent may open its link


@dataclass(frozen=True, slots=True)
class Terms:
    """Of sessions.

    Args:
        token_s: seconds for which a token holds.
        heartbeat_s: seconds between two heartbeats.
        logins_per_s: from one network address, in the long run; five times as many at once.
    """

    token_s: int
    heartbeat_s: int
    logins_per_s: int


class Logins:
    """Signs agents in."""

    def __init__(
        self, store: Store, scheduler: Address, domain: Domain, secret: bytes, terms: Terms
    ) -> None:
        self._store = store
        self._scheduler = scheduler
        self._domain = domain
        self._secret = secret
        self._terms = terms
        self._turn = asyncio.Semaphore(RECOVERIES_AT_ONCE)
        self._waiting = 0
        self._clients = Buckets(terms.logins_per_s, 5 * terms.logins_per_s)
        self._links = Buckets(LINKS_PER_S, LINKS_BURST)

    def challenge(self) -> Challenge:
        """Something new to sign. Nothing is kept of it, so anybody may ask as often as they like."""
        expires_at = int(time.time()) + NONCE_SECONDS
        return Challenge(
            nonce="0x" + issue_nonce(self._secret, "agent", expires_at, os.urandom(8)),
            scheduler=self._scheduler,
            chain_id=self._domain.chain_id,
            escrow=self._domain.escrow,
            expires_at=expires_at,
        )

    async def login(self, login: Login, client: str) -> SessionToken:
        """A token for whoever holds the agent's key.

        Args:
            client: the network address that asks.

        Raises:
            NotSignedIn: the nonce is not ours, too old, or was used; or the signature is not the agent's.
            TooMany: this client, or everybody together, signs in too often.
        """
        _pace(self._clients, client)
        now = int(time.time())
        ends = read_nonce(self._secret, login.nonce, "agent", now)
        signer = await self._signer(login)
        if signer != address_of(login.agent):
            raise NotSignedIn(
                "The signature is not by the agent named.", "Sign the challenge with its key."
            )
        async with self._store.write() as tx:
            await use_nonce(tx, login.nonce, ends, now)
        expires_at = now + self._terms.token_s
        token = issue_token(self._secret, Claims("agent", signer, expires_at))
        return SessionToken(token=token, expires_at=expires_at, heartbeat_s=self._terms.heartbeat_s)

    def open_link(self, authorization: str) -> Claims:
        """Who may open a link, by the `Authorization` header.

        Raises:
            NotSignedIn: there is no token of ours in it.
            TooMany: this agent opens its link too often.
        """
        claims = self._bearer(authorization)
        _pace(self._links, claims.address)
        return claims

    def open_tunnel(self, authorization: str) -> Claims:
        """Who may open a tunnel; raises as `open_link`."""
        claims = self._bearer(authorization)
        _pace(self._links, f"{claims.address}/tunnel")
        return claims

    def _bearer(self, authorization: str) -> Claims:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise NotSignedIn(
                "The link needs a session token.", "POST /v1/agents/login, then send it as Bearer."
            )
        return self.read(token.strip())

    def read(self, token: str) -> Claims:
        """What an agent's token says now.

        Raises:
            NotSignedIn: it does not hold.
        """
        return read_token(self._secret, token, "agent", int(time.time()))

    async def _signer(self, login: Login) -> Address:
        if self._waiting >= WAITING_MOST:
            raise TooMany("Many agents sign in just now.", "Try again in a moment.", 2)
        self._waiting += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(
                    signer_of_login, self._domain, self._scheduler, login
                )
        except NotAllowed as error:
            raise NotSignedIn(error.message, error.fix) from None
        finally:
            self._waiting -= 1


def _pace(buckets: Buckets, name: str) -> None:
    wait_s = buckets.take(name, time.monotonic())
    if wait_s:
        raise TooMany("That is too often.", "Wait, then try again.", math.ceil(wait_s))

"""Consumers sign in with EIP-4361: a nonce, a signed message, and a token that ends by itself."""

from __future__ import annotations

import asyncio
import secrets

from fastapi import APIRouter, Request, Response

from chain.api import SessionBody, SessionNonce, SignedIn, SignIn
from chain.convert import address_of
from chain.job import Address
from chain.signin import Place, check
from scheduler.api.access import NEEDS_SESSION, Gatekeeper
from scheduler.api.context import Context, Ctx
from scheduler.api.guard import COOKIE
from scheduler.api.problems import refusals
from scheduler.sessions.nonces import use_nonce
from scheduler.sessions.tokens import NONCE_SECONDS, Claims, issue_nonce, issue_token, read_nonce

router = APIRouter(prefix="/v1/session", tags=["session"])


@router.post("/nonce", responses=refusals())
async def nonce(context: Ctx, access: Gatekeeper) -> SessionNonce:
    """What the message to sign has to hold: a nonce that may be used once, within two minutes."""
    expires_at = access.now() + NONCE_SECONDS
    return SessionNonce(
        nonce=issue_nonce(access.secret, "consumer", expires_at, secrets.token_bytes(8)),
        statement=_place(context).statement,
        chain_id=context.market.chain_id,
        expires_at=expires_at,
    )


@router.post("", status_code=201, responses=refusals(401))
async def sign_in(
    context: Ctx, access: Gatekeeper, body: SignIn, request: Request, response: Response
) -> SignedIn:
    """Open a session. The token is in the answer, and in a cookie for browsers."""
    now = access.now()
    domains = context.names.domains(request.headers.get("host", ""))
    place = _place(context)
    signed = await asyncio.to_thread(check, place, body.message, body.signature, domains, now)
    expires_at = read_nonce(access.secret, signed.nonce, "consumer", now)
    async with context.store.write() as tx:
        await use_nonce(tx, signed.nonce, expires_at, now)
    claims = Claims("consumer", address_of(signed.address), now + context.settings.session_s)
    token = issue_token(access.secret, claims)
    response.set_cookie(
        COOKIE,
        token,
        max_age=context.settings.session_s,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    response.headers["Cache-Control"] = "no-store"
    return SignedIn(token=token, address=claims.address, expires_at=claims.expires_at)


@router.get("", dependencies=NEEDS_SESSION, responses=refusals(401))
async def who(access: Gatekeeper, request: Request, response: Response) -> SessionBody:
    """Who the caller is, and until when."""
    caller = await access.signed_in(request)
    response.headers["Cache-Control"] = "no-store"
    return SessionBody(
        address=caller.address, role=caller.claims.role, expires_at=caller.expires_at
    )


@router.delete("", status_code=204, dependencies=NEEDS_SESSION, responses=refusals(401))
async def sign_out(access: Gatekeeper, request: Request, response: Response) -> None:
    """End the session: its token holds no longer."""
    await access.end(await access.signed_in(request))
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")


def _place(context: Context) -> Place:
    return Place(Address(context.market.scheduler), context.market.chain_id)

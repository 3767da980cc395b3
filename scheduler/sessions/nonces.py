"""Nonces are used once: a row for each that was, until it would be too old anyhow."""

from __future__ import annotations

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncConnection

from chain.errors import NotSignedIn
from scheduler.rows import tables as t
from scheduler.rows.store import insert_new


async def use_nonce(tx: AsyncConnection, nonce: str, expires_at: int, now: int) -> None:
    """Use a nonce that `scheduler.sessions.tokens.read_nonce` has found good; old rows go.

    Raises:
        NotSignedIn: it was used before.
    """
    await tx.execute(delete(t.used_nonces).where(t.used_nonces.c.expires_at < now))
    values = {"nonce": nonce.removeprefix("0x"), "expires_at": expires_at}
    if not await insert_new(tx, t.used_nonces, values):
        raise NotSignedIn("This nonce was used before.", "Ask for a new one and sign in again.")

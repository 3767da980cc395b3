"""Nonces are used once: a row for each that was, until it would be too old anyhow."""

from __future__ import annotations

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncConnection

from chain.errors import NotSignedIn
from scheduler.rows import tables as t
from scheduler.rows.batch import insert_new


async def use_nonce(tx: AsyncConnection, nonce: str, expires_at: int, now: int) -> None:
    """Use a nonce that `scheduler.sessions.tokens.read_nonce` has found good.

    Raises:
        NotSignedIn: it was used before.
    """
    if not await note_used(tx, nonce.removeprefix("0x"), expires_at, now):
        raise NotSignedIn("This nonce was used before.", "Ask for a new one and sign in again.")


async def note_used(tx: AsyncConnection, mark: str, expires_at: int, now: int) -> bool:
    """Keep a mark until it expires, and let go of those that have; says whether it was new."""
    await tx.execute(delete(t.used_nonces).where(t.used_nonces.c.expires_at < now))
    return await insert_new(tx, t.used_nonces, {"nonce": mark, "expires_at": expires_at})

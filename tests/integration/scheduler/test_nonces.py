"""A nonce signs in once, and is not kept for longer than it could."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import func, select

from chain.errors import NotSignedIn
from scheduler.rows import tables as t
from scheduler.rows.database import Store, open_store
from scheduler.sessions.nonces import use_nonce

NOW = 1_800_000_000


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    opened = await open_store(database_url)
    yield opened
    await opened.close()


async def test_a_nonce_is_used_once_however_it_is_written(store: Store) -> None:
    async with store.write() as tx:
        await use_nonce(tx, "0x" + "ab" * 32, NOW + 120, NOW)
    with pytest.raises(NotSignedIn):
        async with store.write() as tx:
            await use_nonce(tx, "ab" * 32, NOW + 120, NOW)


async def test_nonces_that_are_too_old_are_not_kept(store: Store) -> None:
    for number in range(10):
        async with store.write() as tx:
            await use_nonce(tx, f"{number:064x}", NOW + number, NOW + number)
    async with store.write() as tx:
        await use_nonce(tx, "ff" * 32, NOW + 500, NOW + 400)
    async with store.read() as tx:
        assert (await tx.execute(select(func.count()).select_from(t.used_nonces))).scalar() == 1

"""Payers on the chains, with their senders' journals in a file or in PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from chain.ganache import LocalChain
from chain.rpc import request as ask
from tests.integration.chain.payers import Payer, payer_on


def home_of(request: pytest.FixtureRequest, kind: str) -> str:
    return str(request.getfixturevalue("tmp_path" if kind == "a file" else "postgres_url"))


@pytest.fixture(params=["a file", "postgresql"])
async def payer(quiet_anvil: LocalChain, request: pytest.FixtureRequest) -> AsyncIterator[Payer]:
    """On Anvil, where blocks are the test's own."""
    async for one in payer_on(quiet_anvil, home_of(request, request.param)):
        yield one
        await ask(one.w3, "evm_setAutomine", True)


@pytest.fixture(
    params=[("ganache", "a file"), ("anvil", "a file"), ("anvil", "postgresql")],
    ids=" and ".join,
)
async def each_payer(request: pytest.FixtureRequest) -> AsyncIterator[Payer]:
    """On Ganache, and on Anvil."""
    chain, kind = request.param
    async for one in payer_on(request.getfixturevalue(chain), home_of(request, kind)):
        yield one

"""Payers on the chains, with their senders' journals in a file or in PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from chain.ganache import LocalChain
from chain.rpc import request
from tests.integration.chain.payers import Payer, payer_on

PLACES = ["a file", "postgresql"]
CHAINS_AND_PLACES = [("ganache", "a file"), ("anvil", "a file"), ("anvil", "postgresql")]


def home_of(asking: pytest.FixtureRequest, place: str) -> str:
    return str(asking.getfixturevalue("tmp_path" if place == "a file" else "postgres_url"))


@pytest.fixture(params=PLACES)
def each_home(request: pytest.FixtureRequest) -> str:
    return home_of(request, request.param)


@pytest.fixture(params=CHAINS_AND_PLACES, ids=" and ".join)
def chain_and_home(request: pytest.FixtureRequest) -> tuple[LocalChain, str]:
    chain, place = request.param
    return request.getfixturevalue(chain), home_of(request, place)


@pytest.fixture
async def payer(quiet_anvil: LocalChain, each_home: str) -> AsyncIterator[Payer]:
    """On Anvil, where blocks are the test's own."""
    async for one in payer_on(quiet_anvil, each_home):
        yield one
        await request(one.w3, "evm_setAutomine", True)


@pytest.fixture
async def each_payer(chain_and_home: tuple[LocalChain, str]) -> AsyncIterator[Payer]:
    """On Ganache, and on Anvil."""
    async for one in payer_on(*chain_and_home):
        yield one

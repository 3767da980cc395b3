"""Payers on the chains."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chain.ganache import LocalChain
from chain.rpc import request
from tests.integration.chain.payers import Payer, payer_on


@pytest.fixture
async def payer(quiet_anvil: LocalChain, tmp_path: Path) -> AsyncIterator[Payer]:
    """On Anvil, where blocks are the test's own."""
    async for one in payer_on(quiet_anvil, tmp_path):
        yield one
        await request(one.w3, "evm_setAutomine", True)


@pytest.fixture
async def each_payer(each_chain: LocalChain, tmp_path: Path) -> AsyncIterator[Payer]:
    """On Ganache, and on Anvil."""
    async for one in payer_on(each_chain, tmp_path):
        yield one

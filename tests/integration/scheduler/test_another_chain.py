"""A chain that was begun anew is told, and never mixed in."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from chain.connect import connect
from chain.contracts import Artifacts
from chain.errors import Conflict, DraasError
from chain.ganache import start_anvil
from chain.rpc import request
from scheduler.index.indexer import BEHIND, Indexer
from tests.fixtures_chain import deployed, free_port
from tests.integration.scheduler.reading import a_whole_life, reading


async def test_a_chain_of_the_same_id_with_another_first_block_is_told(
    tmp_path: Path, artifacts: Artifacts
) -> None:
    port = free_port()
    first = await start_anvil(port, tmp_path, pulse_s=0)
    async for market in deployed(first, tmp_path, artifacts):
        await a_whole_life(market)
        async with reading(market, tmp_path / "rows.sqlite3") as one:
            await one.to_the_head()
            before = await one.rows()
            await first.stop()
            await asyncio.sleep(1.1)  # Anvil's first blocks of one second are the same
            async with await start_anvil(port, tmp_path / "anew", pulse_s=0) as second:
                following = asyncio.create_task(one.indexer.run())
                while "not the one that was read" not in one.indexer.fault:
                    await asyncio.sleep(0.05)
                w3 = connect(second.rpc_url)
                await request(w3, "anvil_mine", hex(200))
                await w3.provider.disconnect()
                with pytest.raises(Conflict, match="not the one that was read"):
                    await one.indexer.step()
                following.cancel()
                with suppress(asyncio.CancelledError):
                    await following
            assert not one.indexer.synced
            assert await one.rows() == before


async def test_a_chain_with_the_same_first_block_is_known_by_its_later_ones(
    tmp_path: Path, artifacts: Artifacts
) -> None:
    async with await start_anvil(free_port(), tmp_path, pulse_s=0) as chain:
        w3 = connect(chain.rpc_url)
        genesis = await request(w3, "evm_snapshot")
        async for market in deployed(chain, tmp_path, artifacts):
            await a_whole_life(market)
            async with reading(market, tmp_path / "rows.sqlite3") as one:
                await one.to_the_head()
                before, read = await one.rows(), one.indexer.cursor
                await request(w3, "evm_revert", genesis)
                faults = []
                for _ in range(read + 3):
                    await request(w3, "evm_mine")
                    faults.append(await fault_after_a_step(one.indexer))
                assert await one.rows() == before
        await w3.provider.disconnect()
    assert faults[0] == BEHIND
    assert "is another" in faults[read - 2]
    assert "deeper" in faults[-1]
    assert "" not in faults


async def fault_after_a_step(indexer: Indexer) -> str:
    try:
        await indexer.step()
    except DraasError as error:
        return error.message
    return indexer.fault

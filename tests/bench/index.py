"""How fast a long history becomes rows, next to how fast it is only fetched and decoded.

Run by `scripts/bench.sh index`. The last line is JSON.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import solcx
from sqlalchemy import func, select

from chain.compiler import EVM_VERSION, PROJECT_ROOT, compile_contracts, find_compiler
from chain.follow import Cursor, next_batch
from chain.ganache import start_anvil
from chain.interface import Interface
from chain.job import Address
from chain.rpc import request
from scheduler.rows import tables as t
from tests.fixtures_chain import RATES, UNITS, ChainMarket, deployed, free_port
from tests.integration.scheduler.reading import reading

EVENTS = 100_000
STEPS = 10  # events of a job's life
GROUP = 100  # jobs whose next events come in one block
RANGE = 50  # blocks that are only read at once; the indexer chooses about as many
ROUNDS = 2
MOST = 2.0  # times what only reading takes


async def main(events: int = EVENTS) -> bool:
    """Measure and print; says whether it is fast enough."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        async with AsyncExitStack() as stack:
            chain = await stack.enter_async_context(await start_anvil(free_port(), home, pulse_s=0))
            artifacts = await asyncio.to_thread(compile_contracts)
            async for market in deployed(chain, home, artifacts):
                made = await a_history(market, events)
                print(f"{made} events on Anvil")
                return await measured(market, home, made)
    return False


async def measured(market: ChainMarket, home: Path, made: int) -> bool:
    """The best of several rounds of each, taken in turn."""
    reads: list[float] = []
    indexes: list[float] = []
    cpu: list[float] = []  # of this process, which other work on the machine does not change
    for number in range(ROUNDS):
        before = time.process_time()
        reads.append(await timed_read(market, made))
        between = time.process_time()
        indexes.append(await timed_index(market, home / f"rows{number}.sqlite3", made))
        cpu.append((time.process_time() - between) / (between - before))
        print(f"round {number + 1}: only read {reads[-1]:.2f} s, indexed {indexes[-1]:.2f} s")
    read, index = min(reads), min(indexes)
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"fetch and decode: {read:.2f} s, {made / read:.0f} events/s")
    print(f"the indexer:      {index:.2f} s, {made / index:.0f} events/s, peak {peak_mib} MiB")
    print(f"ratio {index / read:.2f}, at most {MOST}; of processor time {min(cpu):.2f}")
    told = {"bench": "index", "events": made, "read_s": round(read, 3), "index_s": round(index, 3)}
    told |= {"ratio": round(index / read, 3), "events_per_s": round(made / index)}
    print(json.dumps(told | {"cpu_ratio": round(min(cpu), 3), "peak_mib": peak_mib}))
    return index / read <= MOST


async def timed_read(market: ChainMarket, made: int) -> float:
    """Seconds to fetch and decode the same events in the same ranges, and to drop them."""
    started = time.perf_counter()
    cursor: Cursor | None = None
    found = 0
    span, head = 1, 0
    while cursor is None or cursor.number < head:
        batch = await next_batch(
            market.w3, market.escrow, cursor, market.book.deployed_at_block, 0, span
        )
        found += len(batch.events)
        cursor, head, span = batch.cursor, batch.head, RANGE
    assert found == made, (found, made)
    return time.perf_counter() - started


async def timed_index(market: ChainMarket, path: Path, made: int) -> float:
    """Seconds from an empty database to the head."""
    async with reading(market, f"sqlite:///{path}") as reader:
        started = time.perf_counter()
        while await reader.indexer.step() or not reader.indexer.synced:
            pass
        seconds = time.perf_counter() - started
        async with reader.store.read() as tx:
            count = (await tx.execute(select(func.count()).select_from(t.events))).scalar()
            alarms = (await tx.execute(select(t.jobs.c.alarm).where(t.jobs.c.alarm != ""))).all()
        assert (count, alarms) == (made, [])
        return seconds


async def a_history(market: ChainMarket, events: int) -> int:
    """Groups of jobs, each a step behind the one before it; returns the number of events."""
    abi, code = emitter()
    escrow = market.book.escrow
    await request(market.w3, "anvil_setCode", escrow, code)
    contract = Interface(abi)
    last = await send(market, contract.encode("register", UNITS, RATES))
    groups = events // (STEPS * GROUP)
    terms = replace(market.terms(), scheduler=Address(market.scheduler.address))
    for at in range(groups + STEPS - 1):
        for step in range(STEPS):
            if 0 <= at - step < groups:
                first = (at - step) * GROUP
                last = await send(market, contract.encode("tell", terms, first, GROUP, step, STEPS))
    while await request(market.w3, "eth_getTransactionReceipt", last) is None:
        await asyncio.sleep(0.1)  # the node takes transactions faster than it mines them
    return groups * GROUP * STEPS + 2


async def send(market: ChainMarket, data: bytes) -> str:
    """By the node itself, in a block of its own; returns the transaction's hash."""
    sent = {"from": market.provider.address, "to": market.book.escrow, "data": "0x" + data.hex()}
    return str(await request(market.w3, "eth_sendTransaction", {**sent, "gas": hex(29_000_000)}))


def emitter() -> tuple[list[dict[str, object]], str]:
    """The emitter's ABI and its code as deployed."""
    name = "tests/bench/Emitter.sol"
    source = {"content": (PROJECT_ROOT / name).read_text()}
    settings = {
        "evmVersion": EVM_VERSION,
        "viaIR": True,
        "optimizer": {"enabled": True, "runs": 200},
        "outputSelection": {name: {"*": ["abi", "evm.deployedBytecode.object"]}},
    }
    task = {"language": "Solidity", "sources": {name: source}, "settings": settings}
    compiler, _ = find_compiler(PROJECT_ROOT)
    result = solcx.compile_standard(
        task, solc_binary=compiler, base_path=PROJECT_ROOT, allow_paths=[str(PROJECT_ROOT)]
    )
    made = result["contracts"][name]["Emitter"]
    return made["abi"], "0x" + made["evm"]["deployedBytecode"]["object"]


if __name__ == "__main__":
    sys.exit(0 if asyncio.run(main()) else 1)

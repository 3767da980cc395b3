"""An image's way over IPFS between two Docker Engines, against `docker save | docker load` of the same image.

Ours: a real scheduler with its embedded store; an agent's part asks for an image that was just built, gets its layers
over HTTP, checks them, and loads them into an Engine of its own. The clock runs from the question to the loaded image,
so that what the scheduler does for it counts. The command: `docker save | docker load` between the same two Engines.
In turn, each time with an image of noise that neither has seen. Then a second image, with one more layer.

    python -m tests.bench.deliver [--mib 128] [--rounds 3]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import statistics
import subprocess
import tempfile
import time
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

from docker.errors import ImageNotFound

from agent.engine.engine import Engine
from agent.link.images import SchedulerImages
from agent.link.signin import Signed
from agent.runs.delivery import Delivery, Sources, from_node
from chain.compiler import compile_contracts
from chain.folder import MIB
from chain.ganache import start_anvil
from chain.image import LayerBody
from chain.job import Address, Cid, Digest
from chain.store_process import start_store
from scheduler.rows import tables as t
from scheduler.rows.batch import upsert
from tests.bench._one_machine import QUIET
from tests.fixtures_chain import deployed, free_port
from tests.integration.scheduler.delivering import build, own_engine
from tests.integration.scheduler.served import Served, serving
from tests.second_engine import SecondEngine, second_engine

MOST = 2.0  # times the command
LAYER_MIB = 5  # of the second image's own


class Bench:
    """Two Engines, and a scheduler between them."""

    def __init__(self, served: Served, agents_store: str, other: SecondEngine, home: Path) -> None:
        self._served = served
        self._other = other
        self._client = other.client()
        self._travelled: list[int] = []
        self.made: list[Digest] = []
        self.engine = Engine(self._client)
        theirs = SchedulerImages((served.url,), self._session)

        async def counted(layer: LayerBody, path: Path) -> None:
            await theirs.layer(layer, path)
            self._travelled.append(path.stat().st_size)

        sources = Sources(theirs.image, (from_node(agents_store), counted), theirs.whole)
        self._agent = Delivery(self.engine, home / "layers", sources, 10**12)

    async def _session(self, _: str) -> Signed:
        market = self._served.market
        token = self._served.token(market.provider, "agent")
        return Signed(Address(market.scheduler.address), token, time.monotonic() + 600)

    async def image(self, start: str, mib: int) -> Digest:
        """A new image, as a build leaves it."""
        digest = await asyncio.to_thread(lambda: build(start, secrets.token_bytes(mib * MIB)))
        self.made.append(digest)
        row: dict[str, Any] = {"cid": Cid(f"of {digest}"), "image_name": "", "why": "", "tries": 0}
        async with self._served.context.store.write() as tx:
            await upsert(tx, t.builds, row | {"log": "", "lease_until_ms": 0, "digest": digest})
        return digest

    async def ours(self, digest: Digest) -> tuple[float, int]:
        """Seconds, and bytes that travelled."""
        self._travelled.clear()
        began = time.monotonic()
        await self._agent.bring(digest, lambda _: None)
        took = time.monotonic() - began
        assert await self.engine.has_image(digest)
        return took, sum(self._travelled)

    async def command(self, digest: Digest) -> float:
        """Seconds of `docker save | docker load`."""
        own = "docker --host unix:///var/run/docker.sock"
        line = f"{own} save {digest} | docker --host {self._other.address} load"
        began = time.monotonic()
        shell = ["bash", "-o", "pipefail", "-c", line]
        await asyncio.to_thread(subprocess.run, shell, check=True, stdout=subprocess.DEVNULL)
        took = time.monotonic() - began
        assert await self.engine.has_image(digest)
        return took

    async def drop(self, digest: Digest) -> None:
        """The second Engine knows nothing of it any more."""
        await self.engine.ask(lambda api: api.remove_image(digest, force=True))

    def close(self) -> None:
        """Remove what was made."""
        self._client.close()
        with own_engine() as engine:
            for digest in reversed(self.made):
                with suppress(ImageNotFound):  # it went with one that starts from it
                    engine.images.remove(digest, force=True)


async def measure(bench: Bench, mib: int, rounds: int) -> dict[str, Any]:
    ours, command = [], []
    for number in range(rounds + 1):
        digest = await bench.image("scratch", mib)
        if number % 2:
            took, _ = await bench.ours(digest)
            await bench.drop(digest)
            plain = await bench.command(digest)
        else:
            plain = await bench.command(digest)
            await bench.drop(digest)
            took, _ = await bench.ours(digest)
        print(f"{mib} MiB: ours {took:.2f} s, docker save | docker load {plain:.2f} s")
        if number:  # the first of both is for caches
            ours.append(took)
            command.append(plain)
        if number < rounds:
            await bench.drop(digest)
    second = await bench.image(digest, LAYER_MIB)
    took, travelled = await bench.ours(second)
    print(f"one more layer of {LAYER_MIB} MiB: {took:.2f} s, {travelled} bytes travelled")
    ratio = statistics.median(ours) / statistics.median(command)
    few = travelled < LAYER_MIB * MIB + 100_000
    return {
        "mib": mib,
        "ours_s": [round(one, 2) for one in ours],
        "command_s": [round(one, 2) for one in command],
        "times_the_command": round(ratio, 2),
        "second_image_s": round(took, 2),
        "second_image_bytes": travelled,
        "holds": ratio <= MOST and few,
    }


async def main(mib: int, rounds: int) -> None:
    async with AsyncExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="draas-bench-")))
        artifacts = await asyncio.to_thread(compile_contracts)
        chain = await stack.enter_async_context(await start_anvil(free_port(), home))
        stores = [await start_store(home / name) for name in ("scheduler", "agent")]
        for one in stores:
            stack.push_async_callback(one.stop)
        other = stack.enter_context(second_engine())
        async for market in deployed(chain, home / "deployer", artifacts, QUIET):
            async with serving(market, home, stores[0].api) as served:
                bench = Bench(served, stores[1].api, other, home)
                stack.callback(bench.close)
                found = await measure(bench, mib, rounds)
    print(json.dumps(found))
    if not found["holds"]:
        raise SystemExit(1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    asyncio.run(main(given.mib, given.rounds))

"""A whole market on this machine for benchmarks: a chain that mines when it is told to, a scheduler, one agent, and a
consumer who is signed in and posts jobs of one bundle."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
from eth_account import Account
from eth_account.messages import encode_defunct

from agent.container.results import unmount_space
from chain.bundle import pack
from chain.compiler import compile_contracts
from chain.ganache import start_anvil
from chain.job import Address, Cid, JobId, JobTerms, max_cost
from chain.manifest import Manifest, parse_manifest
from chain.rpc import request
from cli.sweep import sweep
from tests.fixtures_chain import RULES, ChainMarket, deployed, free_port

QUIET = replace(RULES, lapse_after=300, settle_grace=60, window=2)
PULSE_S = 1.0
READY_S = 60.0


@dataclass
class Machine:
    """What runs, and where it is reached.

    Args:
        http: as the consumer, signed in.
        mines: whether transactions get into a block by themselves; while not, a block is made when it is told.
    """

    market: ChainMarket
    home: Path
    url: str
    agent: Address
    http: httpx.AsyncClient
    mines: bool = True
    cids: list[Cid] = field(default_factory=list)

    async def bundle(self, folder: Path) -> tuple[Manifest, Cid]:
        """Give a folder to the scheduler."""
        packed = await asyncio.to_thread(pack, folder)
        asked = {"consumer": self.market.consumer.address, "salt": "0x" + secrets.token_hex(32)}
        answer = await self.http.post("/v1/bundles", params=asked, content=packed.archive)
        assert answer.status_code == 201, answer.text
        self.cids.append(packed.cid)
        return parse_manifest((folder / "draas.yaml").read_bytes()), packed.cid

    def terms(self, manifest: Manifest, cid: Cid) -> JobTerms:
        """Of one more job of a bundle."""
        return replace(
            self.market.terms(),
            salt="0x" + secrets.token_hex(32),
            resources=manifest.reserved(),
            max_rates=manifest.max_rates(),
            duration=manifest.duration_s,
            claim_within=manifest.claim_within_s,
            cid=cid,
        )

    async def post(self, jobs: Sequence[JobTerms]) -> list[JobId]:
        """Post jobs, all in one block; no further block is made until it is told."""
        await self.hold()
        sends = [asyncio.create_task(self._post(terms)) for terms in jobs]
        await self.pending("postJob", len(jobs))
        await self.mine()
        await asyncio.gather(*sends)
        return [self.market.escrow.job_id(terms) for terms in jobs]

    async def _post(self, terms: JobTerms) -> None:
        deposit = max_cost(terms.resources, terms.max_rates, terms.duration)
        await self.market.send(
            self.market.consumer, self.market.escrow.post_job(terms, deposit), terms.salt
        )

    async def hold(self) -> None:
        """Leave transactions waiting from now on."""
        self.mines = False
        await request(self.market.w3, "evm_setAutomine", False)

    async def go_on(self) -> None:
        """Mine by itself again."""
        await request(self.market.w3, "evm_setAutomine", True)
        self.mines = True
        await self.mine()

    async def mine(self) -> float:
        """Make a block of what waits; when it was there, by the monotonic clock, at the latest."""
        await request(self.market.w3, "evm_mine")
        return time.monotonic()

    async def pending(self, name: str, count: int, within_s: float = 120) -> None:
        """Wait until so many transactions of this function wait for a block."""
        found = self.market.escrow.interface.functions[name]
        start = f"0x{found.selector.hex()}"
        ends = time.monotonic() + within_s
        while time.monotonic() < ends:
            content = await request(self.market.w3, "txpool_content")
            sent = [one for of in content["pending"].values() for one in of.values()]
            if sum(one["input"].startswith(start) for one in sent) >= count:
                return
            await asyncio.sleep(0.05)
        raise SystemExit(f"{count} times {name} was not sent in time; see {self.home}")

    async def pulse(self) -> None:
        """A block now and then: calls see no other time than the newest block's."""
        while True:
            await asyncio.sleep(PULSE_S)
            if self.mines:
                await self.mine()


@contextlib.asynccontextmanager
async def a_machine(cpus: str, memory: str) -> AsyncIterator[Machine]:
    """All of it, once the agent is live; containers and images go with it."""
    with tempfile.TemporaryDirectory(prefix="draas-bench-") as folder:
        home = Path(folder)
        artifacts = await asyncio.to_thread(compile_contracts)
        async with await start_anvil(free_port(), home, pulse_s=0) as chain:
            async for market in deployed(chain, home / "deployer", artifacts, QUIET):
                await market.give(market.consumer, 10**22)
                await market.give(market.provider, 10**21)
                async with _parts(market, home, cpus, memory) as machine:
                    yield machine


@contextlib.asynccontextmanager
async def _parts(market: ChainMarket, home: Path, cpus: str, memory: str) -> AsyncIterator[Machine]:
    port, agent = free_port(), Address(market.provider.address)
    common = {"RPC_URL": market.chain.rpc_url}
    scheduler = {"SCHEDULER_PORT": str(port), "REQUESTS_PER_S": "100000"}
    scheduler |= {"STREAMS_PER_CLIENT": "100", "BUILDS_PER_CONSUMER": "1"}
    url = f"http://127.0.0.1:{port}"
    offers = {"SCHEDULER_URL": url, "AGENT_PORT": str(free_port()), "AGENT_CPUS": cpus}
    offers |= {"AGENT_MEMORY": memory, "AGENT_EGRESS": "0"}
    async with contextlib.AsyncExitStack() as stack:
        http = await stack.enter_async_context(
            httpx.AsyncClient(base_url=url, trust_env=False, timeout=60)
        )
        machine = Machine(market, home, url, agent, http)
        stack.push_async_callback(_swept, machine)
        pulse = asyncio.create_task(machine.pulse())
        stack.callback(pulse.cancel)
        for name, key, env in (
            ("scheduler", market.scheduler, common | scheduler),
            ("agent", market.provider, common | offers),
        ):
            place = home / name
            await asyncio.to_thread(market.book.save, place)
            env |= {"DRAAS_HOME": str(place), "DRAAS_PRIVATE_KEY": "0x" + bytes(key.key).hex()}
            process = await _start(name, env, home / f"{name}.log")
            stack.push_async_callback(_stop, process)
            ready = "/readyz" if name == "scheduler" else f"/v1/agents/{agent}"
            await _until_ready(http, ready, process, home / f"{name}.log")
        http.headers.update(await _session(http, url, market))
        yield machine


async def _swept(machine: Machine) -> None:
    for cid in machine.cids:
        await sweep([machine.agent], cid)
    for space in machine.home.glob("agent/agent/runs/*/space"):  # of runs that were cut off
        await asyncio.to_thread(unmount_space, space)


async def _start(name: str, env: dict[str, str], log: Path) -> asyncio.subprocess.Process:
    ours = ("DRAAS_", "SCHEDULER_", "AGENT_", "RPC_URL", "DATABASE_URL", "IPFS_")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    with log.open("ab") as file:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            name,
            env=kept | env,
            stdout=file,
            stderr=asyncio.subprocess.STDOUT,
        )


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), 15)
    if process.returncode is None:
        process.kill()
        await process.wait()


async def _until_ready(
    http: httpx.AsyncClient, path: str, process: asyncio.subprocess.Process, log: Path
) -> None:
    ends = time.monotonic() + READY_S
    while time.monotonic() < ends and process.returncode is None:
        with contextlib.suppress(httpx.HTTPError):
            if (await http.get(path)).status_code == 200:
                return
        await asyncio.sleep(0.1)
    raise SystemExit(f"It does not become ready.\n{log.read_text()[-3000:]}")


async def _session(http: httpx.AsyncClient, url: str, market: ChainMarket) -> dict[str, str]:
    asked = (await http.post("/v1/session/nonce")).json()
    message = (
        f"{url.removeprefix('http://')} wants you to sign in with your Ethereum account:\n"
        f"{market.consumer.address}\n\n{asked['statement']}\n\nURI: {url}\nVersion: 1\n"
        f"Chain ID: {asked['chain_id']}\nNonce: {asked['nonce']}\n"
        "Issued At: 2026-01-01T00:00:00Z\nExpiration Time: 2099-01-01T00:00:00Z"
    )
    signed = Account.sign_message(encode_defunct(text=message), market.consumer.key)
    signature = "0x" + signed.signature.hex().removeprefix("0x")
    answer = await http.post("/v1/session", json={"message": message, "signature": signature})
    assert answer.status_code == 201, answer.text
    return {"authorization": f"Bearer {json.loads(answer.text)['token']}"}

"""Scripted agents in numbers, honest ones and one that floods, and the market they come to."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
from eth_account import Account
from eth_account.signers.local import LocalAccount
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from chain.connect import connect as connect_chain
from chain.contracts import compile_contracts, deploy
from chain.ganache import start_anvil
from chain.job import Address
from chain.messages import Domain, sign_login
from chain.wire import Heartbeat, Hello, ResourcesBody
from tests.fixtures_chain import COURT, RULES, free_port

ROOM = ResourcesBody(cpu_millis=4000, memory_mib=4096)
HEARTBEAT_S = 1.0
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Market:
    """Where the scheduler is, and for which contract agents sign."""

    url: str
    domain: Domain
    home: Path
    process: psutil.Process


@dataclass
class Fleet:
    """The honest agents' sockets, and what became of them."""

    sockets: dict[str, ClientConnection] = field(default_factory=dict)
    beating: list[asyncio.Task[None]] = field(default_factory=list)
    sent: int = 0
    lost: int = 0
    why: Counter[str] = field(default_factory=Counter)  # of those that were lost
    last_ms: dict[str, int] = field(default_factory=dict)


@contextlib.asynccontextmanager
async def a_market(core: int) -> AsyncIterator[Market]:
    """A chain with the contracts, and a scheduler held to one core."""
    with tempfile.TemporaryDirectory(prefix="draas-bench-") as folder:
        home = Path(folder)
        chain = await start_anvil(free_port(), home)
        w3 = connect_chain(chain.rpc_url)
        book = await deploy(
            w3, chain.accounts[0], RULES, COURT, home=home, artifacts=compile_contracts()
        )
        await w3.provider.disconnect()
        port = free_port()
        with (home / "scheduler.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "scheduler"],
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=_environment(home, chain.rpc_url, port, chain.accounts[2]),
            )
        try:
            os.sched_setaffinity(process.pid, {core})
            url = f"http://127.0.0.1:{port}"
            await _answers(url, process, home / "scheduler.log")
            for thread in psutil.Process(process.pid).threads():
                os.sched_setaffinity(thread.id, {core})
            domain = Domain(book.chain_id, book.escrow)
            yield Market(url, domain, home, psutil.Process(process.pid))
        finally:
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(15)
            process.kill()
            chain.stop_now()


def _environment(home: Path, rpc_url: str, port: int, key: LocalAccount) -> dict[str, str]:
    ours = ("DRAAS_", "SCHEDULER_", "RPC_URL", "DATABASE_URL", "IPFS_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {
        "DRAAS_HOME": str(home),
        "DRAAS_PRIVATE_KEY": key.key.hex(),
        "RPC_URL": rpc_url,
        "SCHEDULER_PORT": str(port),
        "HEARTBEAT_S": str(int(HEARTBEAT_S)),
        "LOGINS_PER_S": "100000",
    }


async def _answers(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        for _ in range(600):
            if process.poll() is not None:
                raise SystemExit(log.read_text())
            with contextlib.suppress(httpx.HTTPError):
                if (await http.get(f"{url}/readyz")).status_code == 200:
                    return
            await asyncio.sleep(0.1)
    raise SystemExit(f"The scheduler does not become ready.\n{log.read_text()[-2000:]}")


def key_of(number: int) -> LocalAccount:
    """An agent's key."""
    account: LocalAccount = Account.from_key(f"0x{number + 10**6:064x}")
    return account


async def open_link(http: httpx.AsyncClient, market: Market, key: LocalAccount) -> ClientConnection:
    """Sign in and say hello."""
    challenge = (await http.post(f"{market.url}/v1/agents/nonce")).json()
    scheduler, nonce = Address(challenge["scheduler"]), challenge["nonce"]
    signature = sign_login(key, market.domain, scheduler, nonce)
    body = {"agent": key.address, "nonce": nonce, "signature": signature}
    answer = await http.post(f"{market.url}/v1/agents/login", json=body)
    answer.raise_for_status()
    socket = await connect(
        market.url.replace("http", "ws") + "/v1/agents/link",
        additional_headers={"Authorization": f"Bearer {answer.json()['token']}"},
        compression=None,
        proxy=None,
        ping_interval=None,
        open_timeout=60,
    )
    await socket.send(Hello(capacity=ROOM).model_dump_json())
    await socket.recv()
    return socket


async def gather_fleet(market: Market, agents: int) -> Fleet:
    """All of them come as after an outage: together."""
    fleet, turn = Fleet(), asyncio.Semaphore(50)

    async def come(number: int) -> None:
        key = key_of(number)
        async with turn:
            fleet.sockets[key.address] = await open_link(http, market, key)
        fleet.beating.append(asyncio.create_task(beat_on(fleet, key.address)))

    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        await asyncio.gather(*(come(number) for number in range(agents)))
    return fleet


async def beat_on(fleet: Fleet, agent: str) -> None:
    """One agent's heartbeats, from now on."""
    socket = fleet.sockets[agent]
    beat = Heartbeat(
        at_ms=0,
        capacity=ROOM,
        free=ROOM,
        cpu_percent=10.0,
        memory_used_mib=1000,
        disk_free_mib=10_000,
    ).model_dump()
    due = time.monotonic() + random.uniform(0, HEARTBEAT_S)
    while True:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        due += HEARTBEAT_S
        beat["at_ms"] = time.time_ns() // 1_000_000
        try:
            await socket.send(json.dumps(beat))
        except ConnectionClosed:
            fleet.lost += 1
            fleet.why[f"{socket.close_code} {socket.close_reason}"] += 1
            return
        fleet.sent += 1
        fleet.last_ms[agent] = beat["at_ms"]


def flooder_key() -> LocalAccount:
    """Who floods."""
    return key_of(10**6)


def flood(url: str, domain: Domain, home: Path) -> None:
    """Send as fast as the scheduler takes it, and come back when shown out. Runs until it is ended."""

    async def run() -> None:
        market = Market(url, domain, home, psutil.Process())
        async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
            while True:
                with contextlib.suppress(
                    ConnectionClosed, InvalidHandshake, httpx.HTTPError, OSError
                ):
                    await _pour(await open_link(http, market, flooder_key()))
                await asyncio.sleep(0.2)

    asyncio.run(run())


async def _pour(socket: ClientConnection) -> None:
    beat = Heartbeat(
        at_ms=0,
        capacity=ROOM,
        free=ROOM,
        cpu_percent=0,
        memory_used_mib=0,
        disk_free_mib=0,
    ).model_dump_json()
    while True:
        await socket.send(beat)

"""The market's parts as real processes that can be killed, frozen and started again, each with its own way to the
chain."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.crypto import keccak

from chain.calls import Call
from chain.connect import connect
from chain.contracts import AddressBook, deploy
from chain.ganache import LocalChain, start_anvil
from chain.job import Address, Parameters
from chain.sender import Sender
from chain.token import Token
from cli.localnet import COINS, COURT, DISPUTE_BOND, GRANT, LAPSES_PER_SLASH
from cli.parts import free_ports
from tests.chaos.plan import AGENTS, CONSUMERS
from tests.chaos.proxy import Proxy
from tests.e2e.market import clean_env

BOND_PER_UNIT = 10**15
RULES = Parameters(
    window=3,
    lapse_after=30,
    settle_grace=12,
    bond_per_unit=BOND_PER_UNIT,
    dispute_bond=DISPUTE_BOND,
    ruling_time=2 * COURT.longest_case,
    unbond_time=2 * COURT.longest_case + 60,
    lapses_per_slash=LAPSES_PER_SLASH,
)
DEPTH = 6  # confirmations of the agents: one more than the hand reorganises
SCHEDULER_DEPTH = 1
AGAIN_S = (
    1.0  # after which a part that ended by itself is started again, as a service manager would
)
_libc = ctypes.CDLL(None)


def key_of(seed: int, name: str) -> LocalAccount:
    """The same key for the same seed and name."""
    account: LocalAccount = Account.from_key(keccak(text=f"chaos/{seed}/{name}"))
    return account


def _die_with_us() -> None:
    _libc.prctl(1, signal.SIGKILL)


@dataclass
class Process:
    """One part, kept running until it is struck.

    Args:
        module: run with `python -m`.
    """

    name: str
    module: str
    env: Mapping[str, str]
    log: Path
    ended_by_itself: int = 0
    _process: asyncio.subprocess.Process | None = None
    _may_run: asyncio.Event = field(default_factory=asyncio.Event)

    async def keep(self) -> None:
        """Start it, and again whenever it has ended and may run."""
        while True:
            await self._may_run.wait()
            with self.log.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    self.module,
                    env=clean_env(**self.env),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=asyncio.subprocess.STDOUT,
                    start_new_session=True,
                    preexec_fn=_die_with_us,
                )
            await self._process.wait()
            if self._may_run.is_set():
                self.ended_by_itself += 1
                await asyncio.sleep(AGAIN_S)

    def allow(self) -> None:
        """It may run from now on."""
        self._may_run.set()

    def kill(self) -> None:
        """kill -9, and it stays down until it is allowed again."""
        self._may_run.clear()
        self.send(signal.SIGKILL)

    def send(self, what: signal.Signals) -> None:
        """A signal to the process and what belongs to its group."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, what)


@dataclass
class Market:
    """Everything that runs."""

    home: Path
    chain: LocalChain
    book: AddressBook
    processes: dict[str, Process]
    proxies: dict[str, Proxy]
    scheduler_urls: list[str]
    ipfs_api: str
    scheduler: LocalAccount
    agents: list[LocalAccount]
    consumers: list[LocalAccount]
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self) -> None:
        """Start every part."""
        for process in self.processes.values():
            process.allow()
            self.tasks.append(asyncio.create_task(process.keep()))

    async def stop(self) -> None:
        """End every part, then the chain."""
        for process in self.processes.values():
            process.send(signal.SIGCONT)
            process.kill()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for proxy in self.proxies.values():
            await proxy.stop()
        await self.chain.stop()


async def build_market(home: Path, seed: int, schedulers: int, database_url: str) -> Market:
    """Chain, contracts, keys with money, and the parts, none of which runs yet."""
    (home / "logs").mkdir(parents=True)
    chain = await start_anvil(free_ports(), home / "logs", block_time_s=1)
    scheduler = key_of(seed, "scheduler")
    agents = [key_of(seed, f"agent-{number + 1}") for number in range(AGENTS)]
    consumers = [key_of(seed, f"consumer-{number + 1}") for number in range(CONSUMERS)]
    book = await _settle_in(chain, home, scheduler, agents, consumers)
    names = [f"scheduler-{number + 1}" for number in range(schedulers)]
    names += [f"agent-{number + 1}" for number in range(AGENTS)]
    proxies = {name: Proxy(int(chain.rpc_url.rpartition(":")[2])) for name in names}
    for proxy in proxies.values():
        await proxy.start()
    ports = [free_ports() for _ in names]
    urls = [f"http://127.0.0.1:{port}" for port in ports[:schedulers]]
    ipfs_port = free_ports()
    api = f"http://127.0.0.1:{ipfs_port}"
    made = Market(home, chain, book, {}, proxies, urls, api, scheduler, agents, consumers)
    ipfs = {"IPFS_HOST": "127.0.0.1", "IPFS_PORT": str(ipfs_port)}
    made.processes["ipfs"] = _process(made, "ipfs", "chain.kubo", ipfs)
    for name, port, key in zip(names, ports, [scheduler] * schedulers + agents, strict=True):
        env = _scheduler_env(port, database_url) if key is scheduler else _agent_env(port, urls)
        env |= {"RPC_URL": proxies[name].url, "IPFS_API": api}
        env["DRAAS_PRIVATE_KEY"] = "0x" + bytes(key.key).hex()
        module = "scheduler" if key is scheduler else "agent"
        made.processes[name] = _process(made, name, module, env)
    return made


def _process(market: Market, name: str, module: str, env: dict[str, str]) -> Process:
    home = market.home / name
    market.book.save(home)
    env = env | {"DRAAS_HOME": str(home)}
    return Process(name, module, env, market.home / "logs" / f"{name}.log")


def _scheduler_env(port: int, database_url: str) -> dict[str, str]:
    env = {"SCHEDULER_HOST": "127.0.0.1", "SCHEDULER_PORT": str(port)}
    env |= {"CONFIRMATIONS": str(SCHEDULER_DEPTH), "REFUND_AFTER_S": "5"}
    return env | ({"DATABASE_URL": database_url} if database_url else {})


def _agent_env(port: int, schedulers: list[str]) -> dict[str, str]:
    return {
        "SCHEDULER_URL": ",".join(schedulers),
        "AGENT_IP": "127.0.0.1",
        "AGENT_PORT": str(port),
        "AGENT_CPUS": "2",
        "AGENT_MEMORY": "1G",
        "AGENT_EGRESS": "0",
        "CONFIRMATIONS": str(DEPTH),
        "REPORT_INTERVAL_S": "3",
    }


async def _settle_in(
    chain: LocalChain,
    home: Path,
    scheduler: LocalAccount,
    agents: list[LocalAccount],
    consumers: list[LocalAccount],
) -> AddressBook:
    """The contracts, deep enough for nothing of this to be undone later, and money for everybody."""
    w3 = connect(chain.rpc_url)
    deployer = chain.accounts[0]
    try:
        book = await deploy(w3, deployer, RULES, COURT, home=home)
        token = Token(w3, book.token, book.token_abi)
        calls = [
            Call(Address(who.address), b"", COINS, "coins")
            for who in [scheduler, *agents, *consumers]
        ]
        calls += [token.transfer(Address(who.address), GRANT) for who in [*agents, *consumers]]
        with Sender(w3, deployer, home / "deployer") as sender:
            await asyncio.gather(*(sender.send(call, "") for call in calls))
    finally:
        await w3.provider.disconnect()
    return book

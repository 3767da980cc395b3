"""A market of real processes for the tests, started and used through the command line alone.

What the chain says is read with plain web3 and the address book's ABIs, not with our own bindings: a fault in
those must not hide itself.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from eth_account import Account
from web3 import HTTPProvider, Web3
from web3.contract import Contract

from cli.sweep import sweep

ROOT = Path(__file__).resolve().parents[2]
STATES: tuple[str, ...] = ("Absent", "Open", "Running", "Ended", "Disputed", "Closed")
EXAMPLES = ROOT / "examples"
QUICK_RULES = ("--window", "3", "--settle-grace", "8", "--lapse-after", "40")  # seconds


def end_with_us() -> None:
    """In the child: a market that a failing test leaves running ends with the tests."""
    ctypes.CDLL(None).prctl(1, signal.SIGINT)


def clean_env(**more: str) -> dict[str, str]:
    """Our environment without anything that would point the command line elsewhere."""
    ours = (
        "DRAAS_",
        "SCHEDULER_",
        "AGENT_",
        "IPFS_",
        "RPC_URL",
        "DATABASE_URL",
        "DOCKER_HUB",
        "DOCKER_USER",
    )
    return {k: v for k, v in os.environ.items() if not k.startswith(ours)} | more


@dataclass
class Command:
    """A `draas` command that runs."""

    process: subprocess.Popen[str]

    def finish(self, within_s: float = 180) -> Answer:
        """Its exit code and what it printed."""
        out, err = self.process.communicate(timeout=within_s)
        return Answer(self.process.returncode, out, err)


@dataclass(frozen=True)
class Answer:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        """With --json: the objects it printed."""
        return [json.loads(line) for line in self.out.splitlines() if line.startswith("{")]

    def event(self, name: str) -> dict[str, Any]:
        """The last object of this kind."""
        found = [item for item in self.objects if item.get("event") == name]
        assert found, f"no {name!r} in what was printed:\n{self.out}\n{self.err}"
        return found[-1]

    @property
    def log(self) -> list[str]:
        """The job's own lines."""
        return [item["text"] for item in self.objects if item.get("event") == "log"]


@dataclass
class TestMarket:
    """A market that is up."""

    __test__ = False
    process: subprocess.Popen[str]
    home: Path
    facts: dict[str, Any]
    w3: Web3
    escrow: Contract
    token: Contract
    court: Contract
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        """The scheduler's address."""
        return str(self.facts["scheduler_url"])

    def get(self, path: str, **params: str) -> httpx.Response:
        """Ask the scheduler."""
        return httpx.get(self.url + path, params=params, timeout=30, trust_env=False)

    def agents(self) -> list[str]:
        """The addresses of the live agents."""
        return [item["agent"] for item in self.get("/v1/agents").json()["items"] if item["live"]]

    def consumer(self) -> Consumer:
        """A new consumer with coins for gas and tokens from the faucet."""
        account = Account.create()
        with self._lock:
            value = Web3.to_wei(1, "ether")
            self.mined(
                self.w3.eth.send_transaction(
                    {"from": list(self.w3.eth.accounts)[9], "to": account.address, "value": value}
                )
            )
        consumer = Consumer(self, account.address, account.key.hex())
        answer = consumer.draas("balance", "--faucet", "--json")
        assert answer.code == 0, answer.err
        return consumer

    def mined(self, tx_hash: Any) -> Any:
        """The receipt of a transaction that must have worked."""
        receipt = self.w3.eth.wait_for_transaction_receipt(tx_hash, timeout=30)
        assert receipt["status"] == 1
        return receipt

    def state(self, job_id: str) -> str:
        """The job's state, from the contract."""
        return str(STATES[int(self.escrow.functions.stateOf(job_id).call())])

    def events(self, job_id: str) -> list[Any]:
        """The job's events, in order, from the chain."""
        found = []
        all_events: Any = self.escrow.events
        for event in all_events:
            if any(item["name"] == "jobId" and item["indexed"] for item in event.abi["inputs"]):
                found += event.get_logs(from_block=0, argument_filters={"jobId": job_id})
        return sorted(found, key=lambda item: (item["blockNumber"], item["logIndex"]))

    def names(self, job_id: str) -> list[str]:
        """The names of the job's events, in order."""
        return [item["event"] for item in self.events(job_id)]

    def moved(self, job_id: str) -> dict[str, int]:
        """Base units that the job's events moved, by the event's name."""
        sums: dict[str, int] = {}
        for item in self.events(job_id):
            amounts = (item["args"].get(name) for name in ("amount", "deposit", "refunded"))
            amount = next((amount for amount in amounts if amount is not None), None)
            if amount is not None:
                sums[item["event"]] = sums.get(item["event"], 0) + amount
        return sums

    def balance(self, address: str) -> int:
        """Tokens of an account, in base units."""
        return int(self.token.functions.balanceOf(address).call())

    def holders(self) -> set[str]:
        """Every account that a token transfer ever named."""
        named = set()
        for item in self.token.events.Transfer().get_logs(from_block=0):
            named |= {item["args"]["from"], item["args"]["to"]}
        return named

    def until(self, what: str, check: Any, within_s: float = 60) -> Any:
        """Wait for something to become true, and give it."""
        ends = time.monotonic() + within_s
        while time.monotonic() < ends:
            seen = check()
            if seen:
                return seen
            time.sleep(0.2)
        raise AssertionError(f"not within {within_s:.0f} s: {what}\n{self.logs()}")

    def logs(self, lines: int = 25) -> str:
        """The ends of the parts' logs, for a failing test to show."""
        told = []
        for path in sorted((self.home / "logs").glob("*.log")):
            tail = path.read_text(errors="replace").splitlines()[-lines:]
            told.append(f"--- {path.name}\n" + "\n".join(tail))
        return "\n".join(told)

    def stop(self) -> int:
        """Ctrl-C; the exit code of `draas up`. The images that were built here go too."""
        cids = {item["cid"] for item in self.get("/v1/deployments", limit="100").json()["items"]}
        self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(timeout=60)
        finally:
            self.process.kill()
            for cid in cids:
                asyncio.run(sweep([], cid))


@dataclass(frozen=True)
class Consumer:
    """Somebody with a key and the command line."""

    market: TestMarket
    address: str
    key: str

    def env(self, **more: str) -> dict[str, str]:
        """The environment of this consumer's commands."""
        home = str(self.market.home)
        mine = {"DRAAS_HOME": home, "DRAAS_PRIVATE_KEY": self.key, "PYTHONUNBUFFERED": "1"}
        return clean_env(**mine | more)

    def start(self, *arguments: str | Path, **more: str) -> Command:
        """Start a command."""
        argv = [sys.executable, "-m", "cli.main", *map(str, arguments)]
        process = subprocess.Popen(
            argv,
            cwd=ROOT,
            env=self.env(**more),
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=-1,
            stderr=-1,
        )
        return Command(process)

    def draas(self, *arguments: str | Path, **more: str) -> Answer:
        """Run a command to its end."""
        return self.start(*arguments, **more).finish()

    def tokens(self) -> int:
        """What this consumer holds, in base units."""
        return self.market.balance(self.address)

    def jobs(self) -> list[str]:
        """The ids of this consumer's jobs, from the scheduler."""
        page = self.market.get("/v1/deployments", consumer=self.address).json()
        return [item["job_id"] for item in page["items"]]

    def ps(self, job_id: str) -> dict[str, Any]:
        """The job as `draas ps` tells it."""
        answer = self.draas("ps", "--json")
        assert answer.code == 0, answer.err
        return next(item for item in answer.objects if item["job_id"] == job_id)


def start_market(
    home: Path, *options: str, env: Mapping[str, str] | None = None, frontend: bool = False
) -> TestMarket:
    """`draas up` on free ports, once it says that it is ready.

    Args:
        frontend: with its pages, which the most tests do without.
    """
    ports = [f"--{name}=0" for name in ("rpc-port", "ipfs-port", "port", "agent-port")]
    ports += ["--frontend-port=0" if frontend else "--no-frontend"]
    argv = [sys.executable, "-m", "cli.main", "up", "--json", *ports, *options]
    err = (home.parent / f"{home.name}.err").open("w+")
    process = subprocess.Popen(
        argv,
        cwd=ROOT,
        env=clean_env(DRAAS_HOME=str(home), **(env or {})),
        text=True,
        stdout=-1,
        stderr=err,
        preexec_fn=end_with_us,
    )
    assert process.stdout is not None
    for line in process.stdout:
        facts = json.loads(line)
        if facts.get("event") == "ready":
            threading.Thread(target=process.stdout.read, daemon=True).start()
            return _connected(process, home, facts)
    process.wait()
    err.seek(0)
    raise AssertionError(f"the market did not come up:\n{err.read()}")


def _connected(process: subprocess.Popen[str], home: Path, facts: dict[str, Any]) -> TestMarket:
    w3 = Web3(HTTPProvider(facts["rpc_url"]))
    book = json.loads((home / "addresses" / f"{w3.eth.chain_id}.json").read_text())
    escrow = w3.eth.contract(address=book["escrow"], abi=book["escrow_abi"])
    token = w3.eth.contract(address=book["token"], abi=book["token_abi"])
    court = w3.eth.contract(address=book["court"], abi=book["court_abi"])
    return TestMarket(process, home, facts, w3, escrow, token, court)

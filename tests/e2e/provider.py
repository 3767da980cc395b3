"""A provider who joins a market by `draas agent` alone."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from web3 import Web3

from cli.agent_api import OwnerApi
from cli.parts import free_ports
from tests.e2e.market import ROOT, Answer, TestMarket, clean_env, end_with_us

QUICK_REPORTS = {"CONFIRMATIONS": "0", "REPORT_INTERVAL_S": "3"}


@dataclass(frozen=True)
class Provider:
    """Somebody with a machine and a home."""

    market: TestMarket
    home: Path
    port: int
    address: str

    def draas(self, *words: str) -> Answer:
        """`draas agent WORDS`, to its end."""
        return agent_words(self.home, *words)

    def show(self) -> dict[str, Any]:
        """What the agent tells its owner."""
        return asyncio.run(self._api().show())

    def drain(self, on: bool) -> dict[str, Any]:
        """Have it take no new jobs, or take them again."""
        return asyncio.run(self._api().drain(on))

    def _api(self) -> OwnerApi:
        return OwnerApi({"DRAAS_HOME": str(self.home), "AGENT_PORT": str(self.port)})

    def seen(self) -> dict[str, Any]:
        """What the scheduler tells of this agent."""
        answer = self.market.get(f"/v1/agents/{self.address}")
        return dict(answer.json()) if answer.is_success else {}

    @contextmanager
    def running(self, **more: str) -> Iterator[subprocess.Popen[bytes]]:
        """The agent, as `draas agent run`; `more` are settings."""
        argv = [sys.executable, "-m", "cli.main", "agent", "run"]
        env = clean_env(DRAAS_HOME=str(self.home), **QUICK_REPORTS, **more)
        log_name = self.market.home / "logs" / "joined-agent.log"
        with log_name.open("ab") as log:
            process = subprocess.Popen(
                argv, cwd=ROOT, env=env, stdout=log, stderr=log, preexec_fn=end_with_us
            )
            try:
                self.market.until("the agent has joined", lambda: self.seen().get("live"))
                yield process
            finally:
                process.terminate()
                process.wait(30)


def agent_words(home: Path, *words: str, text: str = "") -> Answer:
    """`draas agent WORDS` in a home, with this on its stdin."""
    argv = [sys.executable, "-m", "cli.main", "agent", *words]
    env = clean_env(DRAAS_HOME=str(home))
    done = subprocess.run(
        argv, cwd=ROOT, env=env, text=True, input=text, capture_output=True, timeout=120
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def join(market: TestMarket, home: Path, **more: str) -> Provider:
    """Set an agent up for the market, with coins for gas; its tokens come from the faucet."""
    port = free_ports()
    book = market.home / "addresses" / f"{market.w3.eth.chain_id}.json"
    options = {
        "scheduler-url": market.url,
        "rpc-url": str(market.facts["rpc_url"]),
        "addresses": str(book),
        "port": str(port),
        "cpus": "1",
        "memory": "256M",
        **more,
    }
    words = [f"--{name}={value}" for name, value in options.items()]
    answer = agent_words(home, "init", "--json", *words)
    assert answer.code == 0, answer.err
    address = str(json.loads(answer.out)["address"])
    coins = {
        "from": list(market.w3.eth.accounts)[9],
        "to": address,
        "value": Web3.to_wei(1, "ether"),
    }
    market.mined(market.w3.eth.send_transaction(coins))  # type: ignore[arg-type]
    return Provider(market, home, port, address)

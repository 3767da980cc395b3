"""A market whose parts are processes of the test's own, which it may kill and start again one by one."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from cli.frontend import PAGES, frontend_part
from cli.localnet import Localnet, open_localnet
from cli.parts import Part, Started, free_ports, start, stop
from cli.screen import Screen
from cli.session import LocalMarket
from cli.sweep import sweep
from cli.up import Options, agent_part, ipfs_part, scheduler_part
from tests.e2e.market import ROOT, clean_env


@dataclass
class Parts:
    """A market whose scheduler and agent the test may kill."""

    home: Path
    url: str
    net: Localnet
    wanted: dict[str, Part]
    running: dict[str, Started]

    async def start(self, name: str) -> None:
        self.running[name] = await start(self.wanted[name])

    async def kill(self, name: str) -> None:
        process = self.running.pop(name).process
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()

    def freeze(self, name: str, on: bool) -> None:
        """It keeps its connections, and does nothing."""
        sign = signal.SIGSTOP if on else signal.SIGCONT
        os.kill(self.running[name].process.pid, sign)

    async def draas(self, *arguments: str) -> dict[str, Any]:
        """Run a command with --json; the last object that it prints."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "cli.main",
            *arguments,
            "--json",
            cwd=ROOT,
            env=clean_env(DRAAS_HOME=str(self.home)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode == 0, err.decode()
        told: dict[str, Any] = json.loads(out.decode().splitlines()[-1])
        return told

    async def shown(self, job: str) -> dict[str, Any]:
        async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
            answer = await http.get(f"{self.url}/v1/deployments/{job}")
            told: dict[str, Any] = answer.json() if answer.status_code == 200 else {}
            return told

    async def until(self, job: str, *states: str, phase: str = "", within_s: int = 120) -> Any:
        for _ in range(within_s * 2):
            told = await self.shown(job)
            if told.get("state") in states and phase in ("", told["phase"]):
                return told
            await asyncio.sleep(0.5)
        raise AssertionError(f"not {states} within {within_s} s: {told}")

    async def seen_running(self, since: int = 0, within_s: int = 60) -> int:
        """When a probe that was sent after `since` (Unix ms) found the container running. What is final is forgotten,
        so this is asked while it runs."""
        query = (
            "select sent_ms, answer from probes where outcome = 'answered' order by sent_ms desc"
        )
        for _ in range(within_s * 2):
            for sent_ms, answer in self.rows(query):
                if sent_ms > since and json.loads(answer)["running"]:
                    return int(sent_ms)
            await asyncio.sleep(0.5)
        raise AssertionError(f"no probe found it running within {within_s} s")

    def rows(self, query: str) -> list[Any]:
        with sqlite3.connect(self.net.scheduler.home / "scheduler.sqlite3") as database:
            return database.execute(query).fetchall()


@asynccontextmanager
async def a_market(
    home: Path,
    window: int = 5,
    changed: Sequence[Callable[[Part], Part]] = (lambda part: part,),
    frontend: bool = False,
) -> AsyncIterator[Parts]:
    """With an agent for each of `changed`, which makes of its part another.

    Args:
        frontend: with its pages.
    """
    count = len(changed)
    options = Options(
        agents=count,
        window=window,
        rpc_port=free_ports(),
        ipfs_port=free_ports(),
        scheduler_port=free_ports(),
        agent_port=free_ports(count),
        agent_cpus=1,
        agent_memory="512M",
        frontend=frontend,
        frontend_port=free_ports(),
    )
    screen = Screen(as_json=True)
    async with open_localnet(home, options.rpc_port, count, options.rules(), screen) as net:
        ipfs_api = f"http://127.0.0.1:{options.ipfs_port}"
        common = {"RPC_URL": net.rpc_url, "IPFS_API": ipfs_api, "WATCH_MIN": "1"}
        wanted = {
            "ipfs": ipfs_part(options, home),
            "scheduler": scheduler_part(options, home, net.scheduler, common),
        }
        for number, change in enumerate(changed):
            part = agent_part(options, home, net.agents[number], number, common)
            wanted["agent" if number == 0 else f"agent {number + 1}"] = change(part)
        if frontend:
            pages, where = options.frontend_port or 0, (net.escrow, net.chain_id, net.rpc_url)
            wanted[PAGES] = frontend_part(pages, home, *where, options.scheduler_port)
        url = wanted["scheduler"].url
        local = LocalMarket(
            rpc_url=net.rpc_url,
            scheduler_url=url,
            ipfs_api=ipfs_api,
            keystore=str(net.consumer.keystore),
            password_file=str(net.consumer.password_file),
        )
        market = Parts(home, url, net, wanted, {})
        try:
            with local.saved_in(home):
                for name in wanted:
                    await market.start(name)
                yield market
        finally:
            for started in reversed(market.running.values()):
                await stop(started)
            await sweep([who.address for who in net.agents])

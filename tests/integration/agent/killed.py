"""Runs that are metered by an agent which is killed in the middle, and what the kernel itself has counted of them."""

from __future__ import annotations

import asyncio
import json
import secrets
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_account import Account

from agent.meter.cgroup import directory_of
from chain.job import Address, Digest
from cli.sweep import sweep

# Its own count of its time comes last, by getrusage: another account than the control group's.
BURN = (
    "import resource, time\\nend = {0}\\nwhile time.process_time() < end: pass\\n"
    "used = resource.getrusage(resource.RUSAGE_SELF)\\nprint(round((used.ru_utime + used.ru_stime) * 1e9))"
)
GROUPS = Path("/sys/fs/cgroup/cpuacct")


@dataclass
class Killed:
    """A run whose agent dies.

    Args:
        folder: its home.
        runtime: `runc` or `gvisor`.
        image: python.
        cpu_s: processor time that the program takes.
    """

    folder: Path
    runtime: str
    image: Digest
    cpu_s: float

    def __post_init__(self) -> None:
        self.job = "0x" + secrets.token_hex(32)
        self.key = "0x" + secrets.token_hex(32)

    @property
    def agent(self) -> str:
        """The agent's address."""
        return str(Account.from_key(self.key).address)

    async def start(self) -> asyncio.subprocess.Process:
        """An agent, once the container runs."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.integration.agent.metering_agent",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(self._given()).encode())
        process.stdin.close()
        assert await process.stdout.readline() == b"running\n"
        return process

    def _given(self) -> dict[str, str]:
        command = f'["python3", "-uc", "{BURN.format(self.cpu_s)}"]'
        manifest = (
            f"command: {command}\nruntime: {self.runtime}\n"
            "resources: {cpus: 1, memory: 128M}\nduration: 10m\n"
        )
        return {
            "folder": str(self.folder),
            "key": self.key,
            "job": self.job,
            "manifest": manifest,
            "image": self.image,
        }

    async def through(self, after_s: float, gone_s: float = 0.5) -> dict[str, Any]:
        """Killed after so many seconds and started again after `gone_s` more: what it metered in the end."""
        self.folder.mkdir(parents=True, exist_ok=True)
        first = await self.start()
        await asyncio.sleep(after_s)
        first.send_signal(signal.SIGKILL)
        await first.wait()
        await asyncio.sleep(gone_s)
        second = await self.start()
        assert second.stdout is not None
        told: dict[str, Any] = json.loads(await second.stdout.readline())
        await second.wait()
        return told

    def kernel_ns(self, cgroup: str) -> int:
        """What the kernel has counted of the run's group."""
        return int((GROUPS / directory_of(cgroup) / "cpuacct.usage").read_text())

    async def clean(self) -> None:
        """Remove the container, its results space and its control group."""
        await sweep([Address(self.agent)])

"""How this machine is, for heartbeats."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import psutil

from agent.runs.runs import Runs
from chain.clock import unix_ms
from chain.convert import resources_body
from chain.job import Resources
from chain.wire import Heartbeat

RUNS_MOST = 1000
NOTHING = Resources(0, 0, 0)


async def heartbeat(runs: Runs, home: Path) -> Heartbeat:
    """The machine and every run on it, now."""
    disk = await asyncio.to_thread(shutil.disk_usage, home)
    return Heartbeat(
        at_ms=unix_ms(),
        capacity=resources_body(runs.capacity),
        free=resources_body(NOTHING if runs.drain.on else runs.free()),
        cpu_percent=min(100.0, max(0.0, psutil.cpu_percent(interval=None))),
        memory_used_mib=psutil.virtual_memory().used // 1024**2,
        disk_free_mib=disk.free // 1024**2,
        runs=[run.status() for run in runs.all()][-RUNS_MOST:],
        gpus_free=0 if runs.drain.on else len(runs.gpus_free()),
        draining=runs.drain.on,
    )

"""A run of a real agent is watched through deaths of the scheduler and of the agent, and never disputed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.folders import a_script
from tests.e2e.parts import Parts, a_market

SECONDS = 60  # that the program runs
TICKS = f"i=0; while [ $i -lt {2 * SECONDS} ]; do echo tick $i; i=$((i+1)); sleep 0.5; done"


@pytest.fixture
async def parts(tmp_path: Path) -> AsyncIterator[Parts]:
    async with a_market(tmp_path / "home") as market:
        yield market


async def test_an_honest_run_is_not_disputed_though_scheduler_and_agent_are_killed_meanwhile(
    parts: Parts, tmp_path: Path
) -> None:
    folder = a_script(tmp_path / "ticks", TICKS, duration="3m")
    posted = await parts.draas("deploy", str(folder), "--watch", "-d")
    job = posted["job"]
    told = await parts.until(job, "Running", phase="running")
    assert told["terms"]["watcher"] == told["terms"]["scheduler"]
    first = await parts.seen_running()
    await parts.kill("scheduler")
    await asyncio.sleep(6)
    await parts.start("scheduler")
    assert await parts.seen_running(since=first) > first
    await parts.kill("agent")
    await asyncio.sleep(3)
    await parts.start("agent")
    await parts.kill("scheduler")
    await asyncio.sleep(1)
    await parts.start("scheduler")
    told = await parts.until(job, "Ended", "Disputed", "Closed")
    assert [run["exit_code"] for run in told["runs"]] == [0]
    assert int(told["runs"][0]["usage"]["wall_s"]) >= SECONDS - 1
    assert "JobDisputed" not in [item["event"] for item in told["transactions"]]
    for _ in range(60):
        told = await parts.shown(job)
        if told["runs"][0]["evidence"]:
            break
        await asyncio.sleep(0.5)
    checked = await parts.draas("verify", told["runs"][0]["evidence"], "--job", job)
    assert checked["holds"]  # the agent that was killed in the middle has left no gap in it
    assert checked["facts"]["signed"].startswith(f"{told['runs'][0]['usage']['cpu_ms']} ms of CPU")

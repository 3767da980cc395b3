"""`verify: 3` on three agents, of which one lies: the honest two are paid at once and finally, the third is disputed
with evidence that anybody checks with nothing but the document."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chain.ipfs import fetch_bytes
from chain.job import Cid
from cli.parts import Part
from tests.e2e.folders import a_script
from tests.e2e.market import ROOT, clean_env
from tests.e2e.parts import Parts, a_market
from tests.e2e.test_greedy_agent import verify

WINDOW_S = 10
THE_ANSWER = "sleep 4; echo 42 > /output/answer"


def honest(part: Part) -> Part:
    return part


def lying(part: Part) -> Part:
    """An agent that was modified."""
    return replace(part, argv=(sys.executable, "-m", "tests.e2e.lying_agent"))


@pytest.fixture
async def parts(tmp_path: Path) -> AsyncIterator[Parts]:
    async with a_market(tmp_path / "home", WINDOW_S, (honest, lying, honest)) as market:
        yield market


async def deployed(parts: Parts, folder: Path, *options: str) -> list[dict[str, Any]]:
    """`draas deploy`, followed to its end; all that it told."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cli.main", "deploy", str(folder), *options, "--json",
        cwd=ROOT, env=clean_env(DRAAS_HOME=str(parts.home)),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 150)
    assert process.returncode == 0, (out + err).decode()
    return [json.loads(line) for line in out.decode().splitlines()]


def of_kind(told: list[dict[str, Any]], event: str) -> list[dict[str, Any]]:
    return [one for one in told if one.get("event") == event]


async def test_a_lie_is_outvoted_disputed_and_proven_while_the_honest_are_paid_at_once(
    parts: Parts, tmp_path: Path
) -> None:
    left = a_script(tmp_path / "left", THE_ANSWER + "; echo left", verify=3, duration="3m")
    alone = of_kind(await deployed(parts, left, "--watch", "-d"), "posted")
    told = await deployed(parts, a_script(tmp_path / "answer", THE_ANSWER, verify=3))
    posted = of_kind(told, "posted")
    assert [one["index"] for one in posted] == [0, 1, 2]
    verdict = of_kind(told, "verdict")[-1]  # a majority may be known before the liar has answered
    assert (verdict["kind"], verdict["exit_code"]) == ("agreed", 0)
    shown = [await parts.shown(one["job"]) for one in posted]
    assert len({one["runs"][0]["provider"] for one in shown}) == 3
    liar = parts.net.agents[1].address
    (index,) = (i for i, one in enumerate(shown) if one["runs"][0]["provider"] == liar)
    assert (verdict["differing"], len(verdict["agreeing"])) == ([index], 2)
    paid = {one["index"]: one for one in of_kind(told, "paid")}
    assert sorted(paid) == verdict["agreeing"]
    for one in verdict["agreeing"]:
        _is_paid_at_once(shown[one], paid[one]["tx"])
    (case,) = of_kind(told, "disputed")
    assert (case["job"], case["provider"]) == (posted[index]["job"], liar)
    assert shown[index]["state"] == "Disputed"
    cid = Cid(case["evidence"].removeprefix("/ipfs/"))
    await _proves(parts, cid, case["job"], liar)
    await _is_disputed_by_the_watcher(parts, [one["job"] for one in alone], liar)


async def _proves(parts: Parts, cid: Cid, job: str, liar: str) -> None:
    file = parts.home / f"{job}.json"
    file.write_bytes(await fetch_bytes(parts.wanted["ipfs"].url, cid, max_bytes=10**6))
    checked = await verify(file, job)
    assert checked["holds"]
    (proof,) = checked["proofs"]
    assert proof.startswith("2 of 3 providers signed exit code 0 and result")
    assert liar in proof


async def _is_disputed_by_the_watcher(parts: Parts, jobs: list[str], liar: str) -> None:
    """Of a group whose consumer did not stay, the scheduler that watches it takes the liar to court, and only it."""
    shown = [await parts.shown(job) for job in jobs]
    (index,) = (i for i, one in enumerate(shown) if one["runs"][0]["provider"] == liar)
    told = await parts.until(jobs[index], "Disputed", within_s=60)
    (case,) = (one for one in told["transactions"] if one["event"] == "JobDisputed")
    assert case["data"]["opener"] == parts.net.scheduler.address
    (evidence, *_) = (one for one in told["transactions"] if one["event"] == "Evidence")
    cid = Cid(evidence["data"]["evidence"].removeprefix("/ipfs/"))
    await _proves(parts, cid, jobs[index], liar)
    for job in jobs:
        names = [one["event"] for one in (await parts.shown(job))["transactions"]]
        assert ("JobDisputed" in names) == (job == jobs[index])


def _is_paid_at_once(told: dict[str, Any], tx: str) -> None:
    """By one transaction, before the run was completed, all was released: nothing waits for a window."""
    (run,) = told["runs"]
    events = [(one["event"], one["tx_hash"]) for one in told["transactions"]]
    names = [name for name, _ in events]
    assert names.index("JobCompleted") > max(
        i for i, name in enumerate(names) if name == "Released"
    )
    assert ("Released", tx) in events
    assert int(run["released"]) == int(run["earned"]) > 0
    assert "JobDisputed" not in names

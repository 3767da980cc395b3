"""Agents that bill more processor time than was used: the contract caps it, the watcher takes it to court, and what it
brings there is checked by anybody, with nothing but the document."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from web3 import HTTPProvider, Web3

from chain.evidence import check_evidence
from chain.ipfs import fetch_bytes
from chain.job import Cid
from cli.parts import Part
from cli.verify import examine
from tests.e2e.folders import a_program
from tests.e2e.market import ROOT, clean_env
from tests.e2e.parts import Parts, a_market

WINDOW_S = 8
A_THIRD = (
    "import time\nwhile True:\n    end = time.process_time() + 0.3\n"
    "    while time.process_time() < end: pass\n    time.sleep(0.7)\n"
)


def greedy(how: str) -> Any:
    """An agent that was modified."""

    def change(part: Part) -> Part:
        env = {**part.env, "AGENT_ATTRIBUTES": f"greed={how}"}
        return replace(part, argv=(sys.executable, "-m", "tests.e2e.greedy_agent", how), env=env)

    return change


@pytest.fixture
async def parts(tmp_path: Path) -> AsyncIterator[Parts]:
    async with a_market(tmp_path / "home", WINDOW_S, (greedy("bills"), greedy("meters"))) as market:
        yield market


async def verify(path: Path, job: str) -> dict[str, Any]:
    """`draas verify`, where no market, no chain and no IPFS is known."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cli.main", "verify", str(path), "--job", job, "--json",
        cwd=ROOT, env=clean_env(DRAAS_HOME="/nowhere"),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    told: dict[str, Any] = json.loads(out)
    return told


async def evidence_of(parts: Parts, job: str, count: int) -> list[str]:
    """The documents named in a dispute, once there are so many."""
    for _ in range(120):
        told = await parts.shown(job)
        named = [
            one["data"]["evidence"] for one in told["transactions"] if one["event"] == "Evidence"
        ]
        if len(named) >= count and told["runs"][0]["evidence"]:
            return [str(path) for path in named]
        await asyncio.sleep(0.5)
    raise AssertionError(told)


async def test_greedy_agents_are_capped_disputed_and_convicted_by_their_own_signatures(
    parts: Parts, tmp_path: Path
) -> None:
    jobs = []
    for greed in ("bills", "meters"):
        market = f"{{attributes: {{greed: {greed}}}}}"
        lines = {"duration": "3m", "resources": "{cpus: 1, memory: 64M}", "market": market}
        folder = a_program(tmp_path / greed, A_THIRD, **lines)
        jobs.append((await parts.draas("deploy", str(folder), "--watch", "-d"))["job"])
    bills, meters = await asyncio.gather(*(parts.until(job, "Disputed") for job in jobs))
    for one, who in zip((bills, meters), parts.net.agents, strict=True):
        assert one["runs"][0]["provider"] == who.address
        _is_capped(one)
    await _is_convicted(parts, bills, tmp_path, "after it, its agent signed that it had metered")
    await _is_convicted(parts, meters, tmp_path, "its agent signed what is not possible")


def _is_capped(told: dict[str, Any]) -> None:
    """No more was billed than was reserved × the chain time since the claim, whatever was claimed."""
    run = told["runs"][0]
    reports = [one for one in told["transactions"] if one["event"] == "UsageReported"]
    passed_s = reports[-1]["at"] - run["started_at"]
    assert 0 < run["usage"]["cpu_ms"] <= 1000 * passed_s
    assert int(run["earned"]) <= int(told["deposit"])


async def _is_convicted(parts: Parts, told: dict[str, Any], folder: Path, proof: str) -> None:
    job, run = told["job_id"], told["runs"][0]
    documents = [await _fetched(parts, path) for path in await evidence_of(parts, job, 2)]
    (evidence,) = (one for one in documents if not one.startswith(b'{"kind":'))
    (ledger,) = (one for one in documents if one is not evidence)
    found = check_evidence(evidence.decode())
    assert (found.faults, found.provider, found.job_id) == ((), run["provider"], job)
    assert found.watcher == parts.net.scheduler.address
    assert any(proof in one for one in found.proofs), found
    # The provider's own document does not stand up to what it signed and billed before.
    assert examine(ledger, evidence).faults
    file = folder / f"{job}.json"
    file.write_bytes(evidence)
    assert (await verify(file, job))["proofs"] == list(found.proofs)
    _chain_agrees(parts, json.loads(evidence)["draas"])


async def _fetched(parts: Parts, path: str) -> bytes:
    cid = Cid(path.removeprefix("/ipfs/"))
    return await fetch_bytes(parts.wanted["ipfs"].url, cid, max_bytes=10**7)


def _chain_agrees(parts: Parts, facts: dict[str, Any]) -> None:
    """What the proofs take for granted of the chain: the reports were in it by the block that the probe names."""
    w3 = Web3(HTTPProvider(parts.net.rpc_url))
    last = facts["reported"]["transactions"][-1]
    mined = w3.eth.get_transaction_receipt(last["tx_hash"])["blockNumber"]
    probes = [one for one in facts["probes"] if one["reported"] == facts["reported"]["usage"]]
    blocks = [w3.eth.get_block(one["block_hash"])["number"] for one in probes]
    assert blocks
    assert all(number >= mined for number in blocks)

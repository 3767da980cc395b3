"""The agent is stopped before and after every one of its steps, from the offer to the last withdrawal, once each: the
next one always brings the run to the same end, in the same container, paid once. Its program fails once, and is
started again once."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount
from web3 import HTTPProvider, Web3

from agent.runs.record import folder_of, load
from chain.calls import Call
from chain.connect import chain_time
from chain.contracts import Artifacts
from chain.convert import assignment_body, terms_body
from chain.ganache import LocalChain
from chain.job import Address, Digest, JobId, JobTerms, max_cost
from chain.manifest import parse_manifest
from chain.messages import Assignment, sign_assignment
from chain.printed import unpack
from chain.wire import Offer
from cli.sweep import sweep
from tests.chaos.witness import Witness, overlaps
from tests.crash_steps import KILLED
from tests.fixtures_chain import RULES, ChainMarket, deployed
from tests.fixtures_ipfs import ContentStore

LANES = 10
SPARE = 3  # cases beyond the last step of the first run
MOST = 0.8  # of its steps that others have as well: a slower run has more samples and reports
QUICK = replace(RULES, window=2, lapse_after=120, settle_grace=60)
FIRST = "echo line 0; sleep 0.3; echo line 1; sleep 0.3; touch /output/tried; exit 3"
SECOND = "echo line 2; sleep 0.3; echo line 3; sleep 0.3; echo done > /output/result"
SCRIPT = f"if [ ! -e /output/tried ]; then {FIRST}; fi; {SECOND}"
MANIFEST = parse_manifest(
    f'command: ["/bin/sh", "-c", "{SCRIPT}"]\nrestart: "on-failure:1"\n'
    "resources: {cpus: 0.1, memory: 24M, disk: 4M}\nduration: 3m\n"
)
AGAIN = "the program ended with 3; started again in 1 s (restart 1)"
LINES = ["line 0", "line 1", AGAIN, "line 2", "line 3"]
COINS, TOKENS = 10**18, 10**18


@dataclass(frozen=True)
class Case:
    """An agent and its job."""

    home: Path
    agent: LocalAccount
    job_id: JobId
    offer: Offer

    def given(self) -> dict[str, Any]:
        """As the other process reads it."""
        key = "0x" + bytes(self.agent.key).hex()
        return {"home": str(self.home), "key": key, "offer": self.offer.model_dump(mode="json")}


@dataclass
class Bench:
    """Makes cases on one market, and runs them."""

    market: ChainMarket
    image: Digest
    api: str
    home: Path
    made: list[Case]

    async def cases(self, count: int) -> list[Case]:
        """So many new agents, each with money and an offer of a job of its own."""
        cases = await asyncio.gather(*(self._case() for _ in range(count)))
        self.made += cases
        return list(cases)

    async def _case(self) -> Case:
        market, agent = self.market, Account.create()
        me = Address(agent.address)
        home = self.home / me
        await asyncio.to_thread(market.book.save, home)
        await market.send(market.deployer, Call(me, b"", COINS, "coins"))
        await market.send(market.deployer, market.token.transfer(me, TOKENS))
        terms = self._terms(agent)
        deposit = max_cost(terms.resources, terms.max_rates, terms.duration)
        await market.send(market.consumer, market.escrow.post_job(terms, deposit))
        job_id = market.escrow.job_id(terms)
        deadline = await chain_time(market.w3) + 3000
        assignment = Assignment(job_id, 1, me, self.image, deadline)
        offer = Offer(
            assignment=assignment_body(assignment),
            signature=sign_assignment(market.scheduler, market.domain, assignment),
            terms=terms_body(terms),
            manifest=MANIFEST,
            image_name="busybox:latest",
        )
        return Case(home, agent, job_id, offer)

    def _terms(self, agent: LocalAccount) -> JobTerms:
        return replace(
            self.market.terms(),
            salt="0x" + bytes(agent.key).hex(),
            resources=MANIFEST.reserved(),
            max_rates=MANIFEST.max_rates(),
            duration=MANIFEST.duration_s,
            claim_within=3000,
        )

    async def run(self, cases: list[Case]) -> dict[int, list[int]]:
        """Stop the nth at its nth step, and have another finish; the exit codes of each. The 0th is not stopped."""
        shared = {"RPC_URL": self.market.chain.rpc_url, "IPFS_API": self.api}
        shared |= {"AGENT_CPUS": "0.2", "AGENT_MEMORY": "64M", "AGENT_EGRESS": "0"}
        shared |= {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "REPORT_INTERVAL_S": "1"}
        given = {"shared": shared, "scheduler": self.market.scheduler.address, "lanes": LANES}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.integration.agent.crashing_agent",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        told = json.dumps(given | {"cases": [case.given() for case in cases]})
        out, _ = await process.communicate(told.encode())
        lines = [json.loads(line) for line in out.splitlines()]
        return {line["last"]: line["codes"] for line in lines}

    def end_of(self, case: Case) -> dict[str, Any]:
        """What is left of a case: its record, its log, and what the chain says."""
        record = load(folder_of(case.home, case.job_id, 1))
        spool = folder_of(case.home, case.job_id, 1) / "output.log"
        lines = [line.text for line in unpack(spool.read_text())]
        assert record.exit is not None
        return {
            "refused": record.refused,
            "code": record.exit.code,
            "why": record.exit.why,
            "settled": record.settled_why,
            "result": record.result_cid,
            "lines": lines,
            **self._chain(case),
        }

    def _chain(self, case: Case) -> dict[str, Any]:
        book = self.market.book
        w3 = Web3(HTTPProvider(self.market.chain.rpc_url))
        escrow = w3.eth.contract(address=w3.to_checksum_address(book.escrow), abi=book.escrow_abi)
        found: Counter[str] = Counter()
        paid = 0
        for name in ("JobClaimed", "JobCompleted", "JobLapsed", "Withdrawn", "Released"):
            events: Any = escrow.events[name]
            for event in events.get_logs(from_block=0, argument_filters={"jobId": case.job_id}):
                found[name] += 1
                paid += event["args"].get("amount", 0)
        earned, _, released, *_ = escrow.functions.runs(case.job_id, 1, case.agent.address).call()
        return {
            "claims": found["JobClaimed"],
            "ends": found["JobCompleted"],
            "lapses": found["JobLapsed"],
            "earned": earned > 0,
            "paid": paid == earned == released,
            "owed": escrow.functions.creditOf(case.agent.address).call(),
        }


@pytest.fixture
async def crash_bench(
    anvil: LocalChain, tmp_path: Path, artifacts: Artifacts, busybox: Digest, store: ContentStore
) -> AsyncIterator[Bench]:
    async for market in deployed(anvil, tmp_path / "market", artifacts, QUICK):
        await market.give(market.consumer, 10**21)
        bench = Bench(market, busybox, store.api, tmp_path / "agents", [])
        yield bench
        await sweep([Address(case.agent.address) for case in bench.made])


@contextmanager
def witnessed(cases: list[Case]) -> Iterator[Witness]:
    """The Engine's own account of what these agents' containers did."""
    witness = Witness([case.agent.address for case in cases])
    witness.start()
    try:
        yield witness
    finally:
        witness.stop()


@pytest.mark.timeout(1200)  # of the last step, on a busy machine
async def test_stopped_at_any_step_a_run_comes_to_the_same_end(crash_bench: Bench) -> None:
    bench = crash_bench
    (whole,) = await bench.cases(1)
    assert await bench.run([whole]) == {0: [0]}
    steps = int((whole.home / "steps").read_text())
    expected = bench.end_of(whole)
    assert expected["lines"] == LINES
    assert (expected["code"], expected["claims"], expected["paid"]) == (0, 1, True)

    cases = await bench.cases(1 + steps + SPARE)
    with witnessed(cases) as witness:
        codes = await bench.run(cases)
    lives = witness.lives()
    failed = {n: told for n, told in codes.items() if told not in ([0], [KILLED, 0])}
    assert len(codes) == len(cases)
    assert {n: (cases[n].home / "log").read_text()[-2000:] for n in failed} == {}
    ends = {n: bench.end_of(case) for n, case in enumerate(cases)}
    assert {n: end for n, end in ends.items() if end != expected} == {}
    for case in cases:  # one container, started twice
        assert [life.container for life in lives[case.job_id]] == [
            lives[case.job_id][0].container
        ] * 2
        assert not overlaps(lives[case.job_id])
    killed = [n for n in codes if codes[n] == [KILLED, 0]]
    assert len(killed) >= MOST * steps

"""The scheduler is stopped before and after every one of its steps, once each, on the path from the event to the
assignment and on to lapse, refund and decline: another that goes on always comes to the same end."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from eth_account.signers.local import LocalAccount

from chain.contracts import Artifacts
from chain.ganache import start_anvil
from chain.ipfs import add_folder
from chain.job import Cid, JobTerms, Resources, max_cost
from tests.crash_steps import KILLED
from tests.e2e.folders import a_folder
from tests.fixtures_chain import RATES, RULES, ChainMarket, deployed, free_port
from tests.fixtures_ipfs import ContentStore
from tests.fixtures_postgres import Postgres

LANES = 8
SPARE = 4  # cases beyond the last step of the first run
MOST = 0.9  # of its steps that others have as well: a slower run looks more often
NEVER = 10**9
TOKENS = 2 * 10**18
UNITS = 1500
CLAIM_WITHIN = 20_000
QUICK = replace(RULES, window=2, lapse_after=30, settle_grace=5)
DOCKERFILE = 'FROM busybox\nCOPY run.sh /run.sh\nENTRYPOINT ["/bin/sh", "/run.sh"]\n'
BROKEN = "FROM busybox\nRUN echo the-reason && exit 4\n"
NEED = Resources(100, 24, 0)
MANIFEST = {"resources": "{cpus: 0.1, memory: 24M}", "duration": "600s"}
# Rows apart from times, positions and leases: one of a process that died at the very end has yet to run out. What was
# noted of a job that waited says nothing once it is claimed: an offer that was sent may be taken before it is noted.
ROWS = {
    "jobs": "job_id, attempt, state, settled, deposit, deposited, refunded, ended_why, alarm",
    "runs": "job_id, attempt, provider, image, earned, settled, exit_code",
    "builds": "cid, digest, refused",
    "offers": "job_id, attempt, provider, image",
    "work": "job_id, CASE WHEN job_id IN (SELECT job_id FROM runs) THEN '' ELSE phase END, tries",
}


@dataclass
class Lane:
    """A chain of its own, on which the same three jobs wait; each case begins with it as it is now."""

    market: ChainMarket
    scheduler: LocalAccount
    agent: LocalAccount
    jobs: dict[str, str]


@dataclass
class Bench:
    """Makes cases and runs them."""

    lanes: list[Lane]
    home: Path
    api: str
    database: Callable[[], str]  # the address of a new one; "" for the home's own file
    made: int = 0

    async def run(self, lasts: list[int]) -> list[dict[str, Any]]:
        """A case for each step to stop at; what became of each, in order."""
        count = len(self.lanes)
        cases = [
            self._case(self.lanes[number % count], last, number)
            for number, last in enumerate(lasts)
        ]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.integration.scheduler.crashing_scheduler",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        lanes = [cases[start::count] for start in range(count)]
        out, _ = await process.communicate(json.dumps({"lanes": lanes}).encode())
        ends = {one["case"]: one for one in map(json.loads, out.splitlines())}
        return [case | ends[case["case"]] for case in cases]

    def _case(self, lane: Lane, last: int, number: int) -> dict[str, Any]:
        self.made += 1
        home, market = self.home / str(self.made), lane.market
        market.book.save(home)
        key, agent = ["0x" + bytes(one.key).hex() for one in (lane.scheduler, lane.agent)]
        environ = {"DRAAS_HOME": str(home), "DRAAS_PRIVATE_KEY": key, "PATH": "/usr/bin:/bin"}
        environ |= {"RPC_URL": market.chain.rpc_url, "IPFS_API": self.api, "HEARTBEAT_S": "5"}
        environ |= {"REFUND_AFTER_S": "1", "LEASE_S": "3"}
        environ |= {"CONFIRMATIONS": "0", "DATABASE_URL": self.database()}
        return {
            "case": number,
            "last": last,
            "home": str(home),
            "environ": {name: value for name, value in environ.items() if value},
            "agent": agent,
            "jobs": lane.jobs,
            "book": asdict(market.book),
            "rules": {"lapse_after": QUICK.lapse_after, "claim_within": CLAIM_WITHIN},
            "names": {lane.scheduler.address: "scheduler", lane.agent.address: "agent"},
        }


async def a_lane(market: ChainMarket, cids: dict[str, Cid]) -> Lane:
    """Everybody funded, the agent registered, the three jobs posted."""
    who, agent = market.scheduler, market.provider
    await market.give(market.consumer, 10**23)
    await market.give(agent, TOKENS)
    await market.send(agent, market.escrow.register(UNITS, RATES))
    jobs = {}
    for name, bundle in {"good": "good", "broken": "broken", "large": "good"}.items():
        terms: JobTerms = replace(
            market.terms(),
            salt="0x" + name.encode().rjust(32, b"\0").hex(),
            resources=replace(NEED, cpu_millis=9000) if name == "large" else NEED,
            duration=100_000,
            claim_within=CLAIM_WITHIN,
            cid=cids[bundle],
        )
        deposit = max_cost(terms.resources, terms.max_rates, terms.duration)
        await market.send(market.consumer, market.escrow.post_job(terms, deposit))
        jobs[name] = str(market.escrow.job_id(terms))
    return Lane(market, who, agent, jobs)


def end_of(case: dict[str, Any]) -> dict[str, Any]:
    """All that is left of a case, with names instead of what differs from case to case."""
    home = Path(case["home"])
    names = {job: name for name, job in case["jobs"].items()} | case["names"]
    names = {known.lower(): name for known, name in names.items()}

    def named(value: object) -> str:
        text = re.sub(r"0x[0-9a-fA-F]+", lambda m: names.get(m[0].lower(), m[0]), str(value))
        return re.sub(r"\d{8,}", "N", text)

    offers = sorted({named(line) for line in (home / "offers").read_text().splitlines()})
    address = case["environ"].get("DATABASE_URL") or f"sqlite:///{home / 'scheduler.sqlite3'}"
    engine = sqlalchemy.create_engine(address.replace("postgresql://", "postgresql+psycopg://"))
    found: dict[str, Any] = {"offers": offers, "events": case["events"]}
    with engine.connect() as rows:
        for table, columns in ROWS.items():
            query = sqlalchemy.text(f"SELECT {columns} FROM {table}")  # noqa: S608 - our own words
            mine = [[named(value) for value in row] for row in rows.execute(query)]
            found[f"rows of {table}"] = sorted(row for row in mine if "0x" not in row[0])
    engine.dispose()
    return found


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest) -> Callable[[], str]:
    """Makes a database of either kind for each case."""
    if request.param == "sqlite":
        return lambda: ""
    server: Postgres = request.getfixturevalue("postgres")
    template: str = request.getfixturevalue("postgres_template")
    return lambda: server.create(template)


@pytest.fixture
async def crash_bench(
    new_database: Callable[[], str], tmp_path: Path, artifacts: Artifacts, store: ContentStore
) -> AsyncIterator[Bench]:
    cids = {
        "good": await add_folder(store.api, _folder(tmp_path / "good", DOCKERFILE)),
        "broken": await add_folder(store.api, _folder(tmp_path / "broken", BROKEN)),
    }
    async with AsyncExitStack() as stack:
        lanes = []
        for number in range(LANES):
            home = tmp_path / f"lane-{number}"
            chain = await start_anvil(free_port(), home, pulse_s=0)
            await stack.enter_async_context(chain)
            one = asynccontextmanager(deployed)(chain, home, artifacts, QUICK)
            market = await stack.enter_async_context(one)
            lanes.append(await a_lane(market, cids))
        yield Bench(lanes, tmp_path / "cases", store.api, new_database)


def _folder(path: Path, dockerfile: str) -> Path:
    return a_folder(path, {"Dockerfile": dockerfile, "run.sh": "echo ran\n"}, **MANIFEST)


@pytest.mark.timeout(1200)  # of the last step, on a busy machine
async def test_stopped_at_any_step_the_path_comes_to_the_same_end(crash_bench: Bench) -> None:
    (whole,) = await crash_bench.run([NEVER])
    assert whole["end"] == 0, _logs(whole)
    steps = int((Path(whole["home"]) / "steps").read_text())
    expected = end_of(whole)
    assert expected["events"]["good"].count("JobClaimed") == 2
    assert expected["events"]["broken"] == ["JobPosted", "JobDeclined", "Refunded"]

    cases = await crash_bench.run([*range(1, steps + SPARE)])
    assert {case["last"]: _logs(case) for case in cases if case["end"] != 0} == {}
    ends = {case["last"]: end_of(case) for case in cases}
    assert {last: end for last, end in ends.items() if end != expected} == {}
    odd = [case for case in cases if case["codes"] not in ([KILLED], [])]
    assert {case["last"]: (case["codes"], _logs(case)) for case in odd} == {}
    assert sum(case["codes"] == [KILLED] for case in cases) >= MOST * steps


def _logs(case: dict[str, Any]) -> str:
    return "\n".join(path.read_text()[-1500:] for path in sorted(Path(case["home"]).glob("*.log")))

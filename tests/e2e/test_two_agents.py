"""Two agents, a real Kubo and PostgreSQL: jobs at once, each run once on an agent with room, and paid to the token."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.checks import agree, owed
from tests.e2e.folders import a_script
from tests.e2e.market import QUICK_RULES, Consumer, TestMarket, start_market
from tests.fixtures_postgres import Postgres
from tests.kubo_node import running_kubo

JOB_CPU_MILLIS = 600
AGENT_CPU_MILLIS = 1000


@pytest.fixture(scope="module")
def kubo_market(
    tmp_path_factory: pytest.TempPathFactory, postgres: Postgres
) -> Iterator[TestMarket]:
    """A market whose bundles and results live in a real Kubo node, and its scheduler's rows in PostgreSQL."""
    root = tmp_path_factory.mktemp("kubo-market")
    with running_kubo(root / "kubo") as api:
        options = (
            *QUICK_RULES,
            "--agents",
            "2",
            "--agent-cpus",
            "1",
            "--agent-memory",
            "512M",
            "--ipfs-api",
            api,
        )
        env = {"DATABASE_URL": postgres.create()}
        running = start_market(root / "home", *options, env=env)
        yield running
        assert running.stop() == 0


def test_three_jobs_on_two_agents_each_run_once_where_there_is_room(
    kubo_market: TestMarket, tmp_path: Path
) -> None:
    market = kubo_market
    agents = market.until(
        "two agents are live", lambda: market.agents() if len(market.agents()) == 2 else None
    )
    consumers = [market.consumer() for _ in range(3)]
    holders = market.holders() | set(agents)
    before = {holder: market.balance(holder) for holder in holders}
    script = "echo begun; sleep 3; echo done > /output/done.txt"
    folder = a_script(tmp_path / "nap", script, resources="{cpus: 0.6, memory: 32M}")
    commands = [consumer.start("deploy", folder, "--json") for consumer in consumers]
    answers = [command.finish() for command in commands]
    assert [answer.code for answer in answers] == [0, 0, 0], [answer.err for answer in answers]
    jobs = [str(answer.event("posted")["job"]) for answer in answers]
    seen = [
        agree(market, c, job, "Closed", "succeeded") for c, job in zip(consumers, jobs, strict=True)
    ]

    for body, answer in zip(seen, answers, strict=True):
        assert answer.log == ["begun"]
        assert [name for name in market.names(body["job_id"]) if name == "JobClaimed"] == [
            "JobClaimed"
        ]
        assert body["runs"][0]["provider"] in agents
    for agent in agents:
        assert busiest(market, jobs, agent) <= AGENT_CPU_MILLIS // JOB_CPU_MILLIS

    after = {holder: market.balance(holder) for holder in holders | market.holders()}
    assert sum(after.values()) == sum(before.values())
    for agent in agents:
        mine = [
            job
            for job, body in zip(jobs, seen, strict=True)
            if body["runs"][0]["provider"] == agent
        ]
        assert after[agent] - before[agent] == sum(owed(market, job) for job in mine)
    paid_by(before, after, consumers, [owed(market, job) for job in jobs])


def paid_by(
    before: dict[str, int], after: dict[str, int], consumers: list[Consumer], amounts: list[int]
) -> None:
    """Each consumer paid for exactly its own job."""
    for consumer, amount in zip(consumers, amounts, strict=True):
        assert before[consumer.address] - after[consumer.address] == amount > 0


def busiest(market: TestMarket, jobs: list[str], agent: str) -> int:
    """The most runs that this agent had at any time, by the chain's order of claims and completions."""
    most = running = 0
    events: list[Any] = sorted(
        (e for job in jobs for e in market.events(job)),
        key=lambda e: (e["blockNumber"], e["logIndex"]),
    )
    for event in events:
        if event["args"].get("provider") != agent:
            continue
        running += {"JobClaimed": 1, "JobCompleted": -1}.get(event["event"], 0)
        most = max(most, running)
    return most

"""An agent in front of a Swarm of two nodes, in a market that knows nothing of that: jobs run on both nodes, go on
while the agent is dead, and are metered, collected and paid for as everywhere."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.checks import agree, owed
from tests.e2e.folders import a_program
from tests.e2e.market import ROOT, Consumer, TestMarket, clean_env, end_with_us, start_market
from tests.fixtures_chain import free_port
from tests.swarm_engines import SwarmEngine, offer

RULES = ("--window", "3", "--settle-grace", "20", "--lapse-after", "60")  # seconds
WORK = (
    "import time\n"
    "for i in range(8):\n"
    "    end = time.process_time() + 0.5\n"
    "    while time.process_time() < end:\n        pass\n"
    "    print('step', i, flush=True)\n"
    "    time.sleep(0.5)\n"
    "open('/output/done.txt', 'w').write('done')\n"
)
CPU_MS = 4000
Pair = tuple[SwarmEngine, SwarmEngine]


@pytest.fixture
def market(swarm: Pair, tmp_path: Path) -> Iterator[TestMarket]:
    """The scheduler builds on the manager's Engine; its own agent there has no room for these jobs."""
    options = (*RULES, "--agents", "1", "--agent-cpus", "0.1", "--agent-memory", "32M")
    running = start_market(tmp_path / "home", *options, env={"DOCKER_HOST": swarm[0].url})
    yield running
    assert running.stop() == 0


class FleetAgent:
    """The agent as a process of its own, so that it can be killed and started again."""

    def __init__(self, market: TestMarket, owner: Consumer, manager: SwarmEngine) -> None:
        self.home = market.home.parent / "fleet"
        shutil.copytree(market.home / "addresses", self.home / "addresses")
        self._env = clean_env(
            DRAAS_HOME=str(self.home),
            DRAAS_PRIVATE_KEY=owner.key,
            DOCKER_HOST=manager.url,
            RPC_URL=market.facts["rpc_url"],
            IPFS_API=market.facts["ipfs_api"],
            SCHEDULER_URL=market.url,
            AGENT_FLEET="swarm",
            AGENT_FLEET_PORT="5191",  # beside the one of the other tests
            AGENT_PORT=str(free_port()),
            REPORT_INTERVAL_S="3",
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        with (self.home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "agent"],
                cwd=ROOT,
                env=self._env,
                stdout=log,
                stderr=log,
                preexec_fn=end_with_us,
            )

    def end(self, how: signal.Signals) -> None:
        """End it."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)

    @property
    def log(self) -> str:
        """What it has said."""
        return (self.home / "log").read_text()[-4000:]


@pytest.fixture
def agent(market: TestMarket, swarm: Pair) -> Iterator[FleetAgent]:
    """Started; two nodes of one core each."""
    agent = FleetAgent(market, market.consumer(), swarm[0])
    label_nodes(swarm, {"draas.cpus": "1", "draas.memory": "256M"})
    agent.start()
    yield agent
    agent.end(signal.SIGTERM)
    label_nodes(swarm, {})


def label_nodes(swarm: Pair, labels: dict[str, str]) -> None:
    """Say what each node offers."""
    for engine in swarm:
        offer(swarm[0], engine.node_id, labels)


def on_node(engine: SwarmEngine, job: str) -> list[str]:
    """The ids of the job's containers there, also of ended ones."""
    client = engine.client()
    try:
        found = client.containers.list(all=True, filters={"label": f"draas.run={job}/1"})
        return [str(one.id) for one in found]
    finally:
        client.close()


@pytest.mark.timeout(600)  # two Engines, a market, and a death
def test_two_jobs_run_on_two_nodes_over_the_death_of_their_agent_and_are_paid_for_as_everywhere(
    market: TestMarket, agent: FleetAgent, swarm: Pair, tmp_path: Path
) -> None:
    market.until("both agents are live", lambda: len(market.agents()) == 2)
    consumers = [market.consumer() for _ in range(2)]
    folder = a_program(tmp_path / "work", WORK, duration="3m", resources="{cpus: 0.8, memory: 64M}")
    commands = [one.start("deploy", folder, "--json") for one in consumers]
    jobs = [market.until("it is posted", lambda one=one: one.jobs())[0] for one in consumers]

    def where() -> list[list[str]]:
        return [[*on_node(swarm[0], job), *on_node(swarm[1], job)] for job in jobs]

    market.until("both run", lambda: all(where()), 90)
    began = where()
    assert {bool(on_node(swarm[0], job)) for job in jobs} == {True, False}
    agent.end(signal.SIGKILL)
    agent.start()

    answers = [command.finish() for command in commands]
    assert [answer.code for answer in answers] == [0, 0], (answers, agent.log)
    assert [answer.log for answer in answers] == [[f"step {i}" for i in range(8)]] * 2
    assert [len(found) for found in began] == [1, 1]
    for consumer, job in zip(consumers, jobs, strict=True):
        body = agree(market, consumer, job, "Closed", "succeeded")
        (run,) = body["runs"]
        assert CPU_MS <= run["usage"]["cpu_ms"] <= CPU_MS * 1.01 + 300  # and Python's own start
        assert run["result_cid"]
        assert owed(market, job) > 0
    market.until("nothing is left on the nodes", lambda: not any(where()), 30)

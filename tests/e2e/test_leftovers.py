"""`draas up` starts a market once, and leaves nothing behind, whatever ran in it."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import docker
import psutil
import pytest

from tests.e2e.folders import a_script
from tests.e2e.market import QUICK_RULES, Consumer, start_market

ENDLESS = "while true; do echo tick; sleep 0.5; done"


def of_agent(kind: str, agent: str) -> list[str]:
    """Names of the containers or networks that carry the agent's label."""
    engine = docker.from_env()
    try:
        found = {"label": f"draas.agent={agent}"}
        if kind == "networks":
            return [str(item.name) for item in engine.networks.list(filters=found)]
        return [str(item.name) for item in engine.containers.list(all=True, filters=found)]
    finally:
        engine.close()


def processes_of(home: Path) -> list[str]:
    """Processes that live in this home."""
    found = []
    for process in psutil.process_iter():
        try:
            told = " ".join(process.cmdline()) + process.environ().get("DRAAS_HOME", "")
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        if str(home) in told and process.pid != os.getpid():
            found.append(told)
    return found


def control_groups(job: str) -> list[Path]:
    """Control groups that are named for a job."""
    digits = job.removeprefix("0x")[:12]
    return [path for path in Path("/sys/fs/cgroup").rglob(f"*{digits}*") if path.is_dir()]


def test_a_market_that_is_stopped_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    market = start_market(
        tmp_path / "home", *QUICK_RULES, "--agent-cpus", "1", "--agent-memory", "512M"
    )
    (agent,) = market.agents()
    consumer = market.consumer()
    second(market.home, consumer)
    job = consumer.draas("deploy", a_script(tmp_path / "endless", ENDLESS), "-d", "--json").event(
        "posted"
    )["job"]
    market.until("it prints", lambda: "tick" in consumer.draas("logs", job).out)
    assert len(of_agent("containers", agent)) == 1
    assert processes_of(market.home)
    assert control_groups(job)

    assert market.stop() == 0
    assert of_agent("containers", agent) == []
    assert of_agent("networks", agent) == []
    ends = time.monotonic() + 5  # what guards containers ends by itself once they are gone
    while processes_of(market.home) and time.monotonic() < ends:
        time.sleep(0.1)
    assert processes_of(market.home) == []
    assert control_groups(job) == []
    assert not (market.home / "market.json").exists()
    for key in ("rpc_url", "scheduler_url", "ipfs_api"):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(
                ("127.0.0.1", urlsplit(market.facts[key]).port or 0), 2
            ).close()


def second(home: Path, consumer: Consumer) -> None:
    """Another market is refused where one runs, and on a port that is taken."""
    free = [f"--{name}=0" for name in ("rpc-port", "ipfs-port", "port", "agent-port")]
    answer = consumer.draas("up", *free)
    assert answer.code == 5
    assert f"A market runs in {home} already" in answer.err
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        taken = listener.getsockname()[1]
        answer = consumer.draas(
            "up", *free, f"--port={taken}", DRAAS_HOME=str(home.parent / "other")
        )
    assert answer.code == 5
    assert f"Port {taken}, wanted for the scheduler, is taken" in answer.err
    assert "--port" in answer.err

"""The agent as a container beside the jobs' containers: it takes a job, meters it rightly, hands over the results."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.folders import a_program
from tests.e2e.market import QUICK_RULES, ROOT, TestMarket, start_market
from tests.e2e.provider import QUICK_REPORTS, Provider, join

IMAGE = "draas/agent:test"
WORK = (
    "import time\nwhile time.process_time() < 0.6:\n    pass\nopen('/output/made', 'w').write('kept')\n"
    "print('used', time.process_time())\n"
)
# What docs/provider.md tells providers to give the container, and no more.
RIGHTS = (
    "--network=host",
    "--pid=host",
    "--cgroupns=host",
    "--security-opt=apparmor=unconfined",
    "--cap-drop=ALL",
)
CAPABILITIES = (
    "NET_ADMIN", "NET_RAW", "SYS_ADMIN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "CHOWN", "FOWNER", "KILL", "SYS_PTRACE",
)  # fmt: skip


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestMarket]:
    """A market of its own, and the image of the code as it is now."""
    subprocess.run(["bash", "agent/deploy/build.sh", IMAGE], check=True, cwd=ROOT, timeout=600)
    options = (*QUICK_RULES, "--agents", "1", "--agent-cpus", "0.5", "--agent-memory", "256M")
    running = start_market(tmp_path_factory.mktemp("imaged") / "home", *options)
    yield running
    assert running.stop() == 0


@contextmanager
def shared(folder: Path) -> Iterator[None]:
    """A mount that the Engine sees mounts below of, as a provider's /var/lib is under systemd."""
    subprocess.run(["mount", "--bind", folder, folder], check=True)
    subprocess.run(["mount", "--make-shared", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--recursive", folder], check=True)


@contextmanager
def in_a_container(provider: Provider) -> Iterator[str]:
    """The agent's container, until it has joined; its name."""
    name = f"draas-agent-{provider.address[2:12].lower()}"
    home = provider.home
    more = [f"--env={key}={value}" for key, value in QUICK_REPORTS.items()]
    volumes = [
        "/var/run/docker.sock:/var/run/docker.sock",
        "/sys/fs/cgroup:/sys/fs/cgroup",
        f"{home}:{home}:rshared",
    ]
    argv = [
        "docker",
        "run",
        "--detach",
        "--name",
        name,
        *RIGHTS,
        *(f"--cap-add={one}" for one in CAPABILITIES),
    ]
    argv += [
        *(f"--volume={one}" for one in volumes),
        f"--env-file={home / 'agent.env'}",
        *more,
        IMAGE,
    ]
    subprocess.run(argv, check=True, capture_output=True, cwd=ROOT)
    try:
        provider.market.until("it has joined", lambda: provider.seen().get("live"))
        yield name
    finally:
        told = subprocess.run(["docker", "logs", name], capture_output=True, text=True, check=False)
        (provider.market.home / "logs" / "container-agent.log").write_text(
            told.stdout + told.stderr
        )
        subprocess.run(["docker", "rm", "--force", name], check=True, capture_output=True)


def test_an_agent_in_a_container_runs_meters_and_is_paid(
    market: TestMarket, tmp_path: Path
) -> None:
    provider = join(market, tmp_path / "home", attributes="site=boxed")
    folder = a_program(
        tmp_path / "work", WORK, runtime="runc", market="{attributes: {site: boxed}}"
    )
    with shared(provider.home), in_a_container(provider) as name:
        checked = subprocess.run(
            ["docker", "exec", name, "draas", "agent", "check"], capture_output=True, text=True
        )
        assert checked.returncode == 0, checked.stdout
        answer = market.consumer().draas("deploy", folder, "--json")
        assert answer.code == 0, answer.err + market.logs()
        used_ms = 1000 * float(answer.log[-1].removeprefix("used "))
        job = answer.event("posted")["job"]
        (run,) = market.get(f"/v1/deployments/{job}").json()["runs"]
        assert run["provider"] == provider.address
        assert (
            used_ms <= run["usage"]["cpu_ms"] < used_ms + 400
        )  # and the start of Python, and the init in front
        assert run["result_cid"]
        market.until("it has been paid", lambda: provider.show()["earnings"]["withdrawable"] == "0")

"""What is metered is what the kernel has counted: over the agent's death, a container's restart, and the Engine's."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agent.container import network
from agent.container.container import RunContainer
from agent.container.here import this_machine
from agent.container.host import Wanted
from agent.engine.engine import Engine
from agent.engine.isolation import RunKey
from agent.meter.cgroup import Mounts, read_counters, remove_group
from agent.observed import Container
from chain.errors import Unavailable
from chain.job import Digest, JobId
from chain.ledger import StartLine, read_entries
from chain.ledger_check import check_ledger
from tests.integration.agent.conftest import AGENT, Bench, a_manifest
from tests.integration.agent.killed import Killed
from tests.second_engine import SecondEngine, second_engine

UNIFIED = Path("/sys/fs/cgroup/unified")  # version 2 beside version 1: it counts processor time too


@asynccontextmanager
async def cleaned(runs: list[Killed]) -> AsyncIterator[None]:
    try:
        yield
    finally:
        for run in runs:
            await run.clean()


@pytest.mark.parametrize(("cpu_s", "after_s"), [(0.1, 0.0), (10, 4.0)])
async def test_with_its_agent_killed_in_the_middle_a_run_is_metered_within_one_percent(
    tmp_path: Path, python_image: Digest, cpu_s: float, after_s: float
) -> None:
    runs = [Killed(tmp_path / kind, kind, python_image, cpu_s) for kind in ("runc", "gvisor")]
    async with cleaned(runs):
        metered = await asyncio.gather(*(run.through(after_s) for run in runs))
        for run, told in zip(runs, metered, strict=True):
            kernel = run.kernel_ns(told["cgroup"])
            assert abs(told["cpu_ns"] - kernel) <= kernel // 100, (run.runtime, told, kernel)
            own = int(told["lines"][-1])
            if run.runtime == "runc":  # gVisor gives its programs a clock of their own
                assert own <= told["cpu_ns"] <= own * 1.01 + 150_000_000  # runc's start counts too
            # A sample may be taken in the moment of the end, before the Engine has put down when that was.
            assert abs(told["wall_ms"] - told["ran_ms"]) <= 20
            assert told["memory_byte_ms"] > 0
            checked = check_ledger((run.folder / "usage.jsonl").read_bytes())
            assert (checked.faults, checked.starts, len(checked.reports)) == ((), 1, 1)


async def test_a_container_that_is_started_again_is_metered_on_without_the_pause(
    bench: Bench, python_image: Digest
) -> None:
    code = "import time\\nwhile time.process_time() < 0.4: pass"
    run, container_id = await bench.start(a_manifest(["python3", "-c", code]), python_image)
    first = await bench.end(run, container_id)
    await asyncio.sleep(1.5)
    assert await run.start(container_id) == ""
    second = await bench.end(run, container_id)
    counters = read_counters(run._machine.mounts, run.cgroup)
    assert counters is not None
    assert run.meter.totals.cpu_ns == counters.cpu_ns > 0
    ran = [one.finished_ms - one.started_ms for one in (first, second)]
    assert run.meter.totals.wall_ms == sum(ran)
    assert second.started_ms - first.finished_ms >= 1500
    data = run.meter._ledger.text()
    starts = [entry.line for entry in read_entries(data) if isinstance(entry.line, StartLine)]
    assert starts == [StartLine(container_id, one.started_ms) for one in (first, second)]


async def test_version_2_of_the_kernels_groups_counts_the_same(
    bench: Bench, python_image: Digest
) -> None:
    if not (UNIFIED / "cpu.stat").exists():
        pytest.skip("no version 2 is mounted beside version 1 here")
    code = "import time\\nwhile time.process_time() < 1: pass"
    run, _ = await bench.whole(a_manifest(["python3", "-c", code]), python_image)
    found = read_counters(Mounts(2, {"": UNIFIED}), run.cgroup)
    assert found is not None
    assert abs(found.cpu_ns - run.meter.totals.cpu_ns) <= found.cpu_ns // 100
    assert remove_group(Mounts(2, {"": UNIFIED}), "/draas/none/such")


def test_a_bridge_that_is_made_again_is_told_apart() -> None:
    key = RunKey(JobId("0x" + "e7" * 32), 1, AGENT)
    bridge = network.bridge_of(key)
    assert (network.sent_bytes(key), network.bridge_index(key)) == (None, 0)
    seen = []
    for _ in range(2):
        subprocess.run(["ip", "link", "add", bridge, "type", "bridge"], check=True)
        seen.append(network.bridge_index(key))
        assert network.sent_bytes(key) == 0
        subprocess.run(["ip", "link", "del", bridge], check=True)
    assert len({0, *seen}) == 3


@pytest.fixture(scope="module")
def other_engine() -> Iterator[SecondEngine]:
    with second_engine() as engine:
        engine.have("busybox:latest")
        yield engine


async def test_over_a_restart_of_the_engine_nothing_is_lost_and_nothing_counted_twice(
    other_engine: SecondEngine, busybox: Digest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", other_engine.address)
    engine = Engine()
    key = RunKey(JobId("0x" + "e8" * 32), 1, AGENT)
    burn = a_manifest(["sh", "-c", "trap exit TERM; while true; do :; done"], cpus=0.5)
    run = RunContainer(await this_machine(engine), Wanted(key, burn, tmp_path / "run"))
    container_id = await run.create(await engine.ensure_image(busybox, ""))
    try:
        await _for_a_while(run, container_id)
        await asyncio.to_thread(other_engine.end, signal.SIGTERM)
        with pytest.raises(Unavailable):
            await run.look(container_id)
        await asyncio.sleep(1)
        await asyncio.to_thread(other_engine.start)
        ended = await run.look(container_id)
        assert isinstance(ended, Container)
        assert ended.status == "exited"
        await run.sample(ended)
        assert run.meter.totals.wall_ms <= ended.finished_ms - ended.started_ms
        before = run.meter.totals
        await _for_a_while(run, container_id)
        await run.stop(container_id, 1)
        ended = await run.look(container_id)
        assert isinstance(ended, Container)
        await run.sample(ended)
        counters = read_counters(run._machine.mounts, run.cgroup)
        assert counters is not None
        assert run.meter.totals.cpu_ns == counters.cpu_ns > before.cpu_ns > 0
        second = ended.finished_ms - ended.started_ms
        assert before.wall_ms + second - 100 <= run.meter.totals.wall_ms <= before.wall_ms + second
    finally:
        await run.clean(container_id)
        await run.close()
        engine.close()


async def _for_a_while(run: RunContainer, container_id: str) -> None:
    """Start it, and meter it for two seconds."""
    assert await run.start(container_id) == ""
    for _ in range(8):
        await asyncio.sleep(0.25)
        seen = await run.look(container_id)
        assert isinstance(seen, Container)
        await run.sample(seen)

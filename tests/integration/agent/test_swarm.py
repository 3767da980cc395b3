"""Jobs as services of a real Swarm of two Engines: fenced, metered, leased, and taken up again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from agent.container import lease
from agent.container.restart import Exit
from agent.engine.isolation import labels
from agent.observed import Container
from agent.swarm.task import RunTask
from chain.errors import InvalidInput
from chain.job import Digest, Resources
from tests.integration.agent.conftest import a_manifest
from tests.integration.agent.fleet import (
    ONE_CORE,
    Bench,
    a_bench,
    a_key,
    cleaned,
    kernel_ns,
    kill_program,
    left_behind,
    texts,
)
from tests.swarm_engines import SwarmEngine, offer

BURN = (
    "import time; end=time.time()+{0}\\nwhile time.time()<end: pass\\nprint(time.process_time_ns())"
)
Pair = tuple[SwarmEngine, SwarmEngine]


@pytest.fixture(scope="module")
def nodes(swarm: Pair) -> Iterator[Pair]:
    """Two nodes of one core each."""
    manager = swarm[0]
    for engine in swarm:
        offer(manager, engine.node_id, {"draas.cpus": "1", "draas.memory": "512M"})
    yield swarm
    for engine in swarm:
        until = time.monotonic() + 20  # a worker hears a little later that a network is gone
        while left_behind(engine) and time.monotonic() < until:
            time.sleep(0.2)
        assert left_behind(engine) == []
        offer(manager, engine.node_id, {})


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of one agent after the other."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
async def bench(nodes: Pair, home: Path, tmp_path: Path) -> AsyncIterator[Bench]:
    """The fleet behind the manager."""
    bench = await a_bench(nodes[0], tmp_path, home)
    yield bench
    await bench.clean()


async def test_a_job_is_a_service_behind_the_same_fences_and_its_results_are_collected(
    bench: Bench, nodes: Pair, busybox: Digest
) -> None:
    script = (
        "id -u; ls /sys/class/net; touch /etc/x; ls /sys/fs/cgroup | head -1 >/dev/null;"
        f" wget -T 1 -q -O- http://{nodes[0].address}:5190 && echo REACHED;"
        " grep -c '^CapBnd:.0000000000000000' /proc/self/status; ls -l /output;"
        " dd if=/dev/zero of=/tmp/a bs=1M count=20; rm /tmp/a; echo hi > /output/a; mkdir /output/d;"
        " ln -s /etc/passwd /output/link; echo deep > /output/d/f; echo bye >&2; sleep 1; exit 3"
    )
    manifest = a_manifest(["sh", "-c", f"({script}) 2>&1"], more=", disk: 8M")
    run = await bench.start(manifest, busybox)
    service = await bench.fleet.swarm.service(bench.made[-1][1])
    assert service is not None
    assert service["Spec"]["Mode"] == {"Replicated": {"Replicas": 1}}
    exit_ = await bench.end(run)
    printed = texts(run)
    assert (exit_.code, exit_.why) == (3, "")
    assert printed[:4] == ["65534", "eth0", "lo", "touch: /etc/x: Read-only file system"]
    assert "1" in printed
    assert "REACHED" not in printed
    assert any("No space left" in line for line in printed)
    assert printed[-1] == "bye"
    folder, left = await run.take_results()
    assert folder is not None
    assert "1 links" in left
    files = {str(p.relative_to(folder)): p.read_text() for p in folder.rglob("*") if p.is_file()}
    assert files == {"a": "hi\n", "d/f": "deep\n"}


@pytest.mark.parametrize("seconds", [0.1, 3])
async def test_a_job_is_metered_within_one_percent_of_the_kernels_count(
    bench: Bench, nodes: Pair, python_image: Digest, seconds: float
) -> None:
    before = {engine.node_id: kernel_ns(engine) for engine in nodes}
    run = await bench.start(
        a_manifest(["python3", "-c", BURN.format(seconds)]),
        python_image,
    )
    exit_ = await bench.end(run)
    engine = next(one for one in nodes if one.node_id == run._at.known.node)
    kernel = kernel_ns(engine) - before[engine.node_id]
    assert exit_.code == 0, texts(run)
    assert abs(run.meter.totals.cpu_ns - kernel) <= kernel * 0.01
    assert run.meter.totals.cpu_ns >= int(texts(run)[0])
    assert run.meter.totals.wall_ms >= seconds * 1000
    assert run.meter.totals.memory_byte_ms > 0


async def test_two_jobs_go_to_two_nodes_a_third_finds_no_room_and_a_drained_node_takes_none(
    bench: Bench, nodes: Pair, busybox: Digest
) -> None:
    fleet, nap = bench.fleet, a_manifest(["sleep", "30"])
    assert fleet.capacity == Resources(2000, 1024, 0)
    keys = [a_key() for _ in range(3)]
    runs = [await bench.start(nap, busybox, key) for key in keys[:2]]
    assert {run._at.known.node for run in runs} == {engine.node_id for engine in nodes}
    assert fleet.room(Resources(9000, 9000, 0), keys[2], ONE_CORE).cpu_millis == 0
    with pytest.raises(InvalidInput, match="No node of the fleet has room"):
        await bench.run(nap, keys[2]).create(await fleet.ensure_image(busybox, ""))
    worker = nodes[1].node_id
    (there,) = [run for run in runs if run._at.known.node == worker]
    await there.stop("x", 1)
    await bench.end(there)
    labels = {"draas.cpus": "1", "draas.memory": "512M"}
    offer(nodes[0], worker, labels, "pause")
    await fleet.look()
    assert fleet.capacity == Resources(1000, 512, 0)
    assert fleet.place(keys[2], ONE_CORE) is None
    offer(nodes[0], worker, labels)
    await fleet.look()
    chosen = fleet.place(keys[2], ONE_CORE)
    assert chosen is not None
    assert chosen.id == worker
    fleet.release(keys[2])
    for run in runs:
        await run.stop("x", 1)


async def test_a_run_goes_on_over_the_death_of_its_agent_and_of_our_program_without_a_gap_in_meter_or_log(
    bench: Bench, nodes: Pair, busybox: Digest, home: Path, tmp_path: Path
) -> None:
    script = "i=0; while [ $i -lt 40 ]; do echo line $i; i=$((i+1)); sleep 0.1; done; exit 5"
    manifest, key = a_manifest(["sh", "-c", script]), a_key()
    first = await bench.start(manifest, busybox, key)
    while first.spool.length < 5:
        seen = await first.look("x")
        assert isinstance(seen, Container)
        await first.sample(seen)
        first.follow("x")
        await asyncio.sleep(0.05)
    await first.close()
    bench.made.pop()

    again = await a_bench(nodes[0], tmp_path, home)
    try:
        second = again.run(manifest, key)
        again.made.append((second, key.container_name))
        assert second.meter.totals == first.meter.totals
        assert again.fleet._held[key.text].need == manifest.reserved()
        second.follow("x")
        while second.spool.length < 10:
            await second.look("x")
            second.follow("x")
            await asyncio.sleep(0.05)
        kill_program(next(one for one in nodes if one.node_id == second._at.known.node))
        exit_ = await again.end(second)
        assert exit_.code == 5
        assert texts(second) == [f"line {i}" for i in range(40)]
        assert second.meter.totals.wall_ms == exit_.finished_ms - exit_.started_ms
    finally:
        await again.clean()


async def test_a_program_is_started_again_on_its_node_with_its_results_and_all_it_used_is_counted(
    bench: Bench, nodes: Pair, busybox: Digest
) -> None:
    script = "wc -c < /output/n; echo -n x >> /output/n; exit 4"
    key = a_key()
    run = await bench.start(a_manifest(["sh", "-c", f"touch /output/n; {script}"]), busybox, key)
    while (await run.look("x")).status != "exited":  # type: ignore[union-attr]
        await asyncio.sleep(0.1)
    run.follow("x")
    seen = await run.look("x")
    assert isinstance(seen, Container)
    ended, _ = await run.end_start(seen, "")
    used = run.meter.totals.cpu_ns
    await run.renew_lease(key.container_name, 0, 60)
    assert await run.start(key.container_name, again=True) == ""
    exit_ = await bench.end(run)
    assert (ended.code, exit_.code) == (4, 4)
    assert texts(run) == ["0", "1"]
    assert run.meter.totals.cpu_ns > used > 0


async def test_a_node_ends_a_container_whose_lease_ran_out_and_any_second_one_of_a_run(
    bench: Bench, nodes: Pair, busybox: Digest, tmp_path: Path
) -> None:
    key = a_key()
    run = await bench.start(a_manifest(["sleep", "60"]), busybox, key)
    engine = next(one for one in nodes if one.node_id == run._at.known.node)
    client = engine.client()
    try:
        second = client.containers.run(
            "busybox:latest", "sleep 60", labels=labels(key) | {"draas.run": key.text}, detach=True
        )
        second.wait(timeout=20)
        second.remove()
    finally:
        client.close()
    seen = await run.look("x")
    assert isinstance(seen, Container)
    assert seen.status == "running"
    began = time.monotonic()
    await run.renew_lease("x", seen.pid, 2)
    exit_ = await asyncio.wait_for(bench.end(run, renew=False), 30)
    assert time.monotonic() - began >= 2
    assert exit_.code == 137
    assert lease.ran_out(tmp_path / key.short)


async def test_a_node_that_is_gone_ends_its_run_only_after_the_lease_and_the_program_is_dead_then(
    bench: Bench, nodes: Pair, busybox: Digest
) -> None:
    manager, worker = nodes
    offer(manager, manager.node_id, {"draas.offer": "no"})
    await bench.fleet.look()
    run = await bench.start(a_manifest(["sleep", "90"]), busybox)
    assert run._at.known.node == worker.node_id
    container = await run._at.container()
    seen = await run.look("x")
    assert isinstance(seen, Container)
    await run.renew_lease("x", seen.pid, 8)
    began = time.monotonic()
    worker.cable(False)
    try:
        while (exit_ := await _or_none(bench, run)) is None:
            await bench.fleet.look()
        assert time.monotonic() - began >= 8
        assert (exit_.code, exit_.why) == (137, "the node that ran it is gone from the fleet")
        assert await run.take_results() == (None, "")
        await cleaned(*bench.made[-1])
        bench.made.pop()
        client = worker.client()
        assert client.api.inspect_container(container)["State"]["Status"] == "exited"
        client.close()
    finally:
        worker.cable(True)
        offer(manager, manager.node_id, {"draas.cpus": "1", "draas.memory": "512M"})
    while not all(node.takes for node in bench.fleet.nodes.values()):
        await asyncio.sleep(0.3)
        await bench.fleet.look()
    await bench.fleet.sweep()
    while left_behind(worker):
        await asyncio.sleep(0.3)
    await run.close()


async def _or_none(bench: Bench, run: RunTask) -> Exit | None:
    try:
        return await asyncio.wait_for(bench.end(run, renew=False), 2)
    except TimeoutError:
        return None

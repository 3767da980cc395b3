"""A container whose agent fell silent is killed before its job can lapse, by a process that outlives the agent."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from agent.container import lease
from agent.container.lease import Leases
from agent.observed import Container
from chain.job import Digest
from tests.integration.agent.conftest import Bench, a_manifest


async def test_a_container_is_killed_when_its_lease_runs_out_and_not_before(
    bench: Bench, busybox: Digest
) -> None:
    run, container_id = await bench.start(a_manifest(["sleep", "60"]), busybox)
    seen = await run.look(container_id)
    assert isinstance(seen, Container)
    (folder,) = [path for path in bench.folder.iterdir() if path.is_dir()]
    leases = Leases(bench.folder)
    lease.renew(folder, container_id, seen.pid, 1)
    leases.watch()
    lease.renew(folder, container_id, seen.pid, 4)
    began = time.monotonic()
    await asyncio.sleep(2)
    assert (await run.look(container_id)).status == "running"  # type: ignore[union-attr]
    assert not lease.ran_out(folder)
    exit_ = await asyncio.wait_for(bench.end(run, container_id), 15)
    assert time.monotonic() - began >= 3.5
    assert exit_.code == 137
    assert lease.ran_out(folder)
    await _ended(leases)


async def test_the_process_ends_by_itself_when_the_container_has_ended(
    bench: Bench, busybox: Digest
) -> None:
    run, container_id = await bench.start(a_manifest(["sleep", "1"]), busybox)
    seen = await run.look(container_id)
    assert isinstance(seen, Container)
    (folder,) = [path for path in bench.folder.iterdir() if path.is_dir()]
    leases = Leases(bench.folder)
    lease.renew(folder, container_id, seen.pid, 600)
    leases.watch()
    await bench.end(run, container_id)
    await _ended(leases)
    assert not lease.ran_out(folder)
    assert not list(Path(folder).glob("lease*"))


async def test_the_process_waits_for_a_container_that_is_only_made_and_harms_none(
    bench: Bench, busybox: Digest
) -> None:
    run, container_id = await bench.start(a_manifest(["sleep", "1"]), busybox)
    (folder,) = [path for path in bench.folder.iterdir() if path.is_dir()]
    leases = Leases(bench.folder)
    lease.keep(folder, 0.5)
    leases.watch()
    assert leases.watched
    await _ended(leases)
    assert not leases.watched
    assert not list(Path(folder).glob("lease*"))
    assert (await bench.end(run, container_id)).code == 0
    lease.renew(folder, container_id, 1, 600)
    lease.keep(folder, 0)
    assert container_id in (folder / lease.LEASE_NAME).read_text()


async def _ended(leases: Leases) -> None:
    process = leases._process
    assert process is not None
    assert await asyncio.to_thread(process.wait, 5) == 0


def test_a_lease_ends_before_the_job_can_lapse_also_for_short_spans() -> None:
    assert lease.lease_seconds(lapses_at=160, now=100, lapse_after=60) == 55
    assert lease.lease_seconds(lapses_at=108, now=100, lapse_after=8) == 6

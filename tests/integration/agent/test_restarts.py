"""Programs that end or are not well, on the real Engine: started again in their container, or told of; and stopped as
their image and manifest say."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import docker
import pytest

from agent.container import lease
from agent.observed import Here
from agent.runs import steps as do
from agent.runs.ending import LEASE_WHY, cut_why, exit_why, plan_start, stop_seconds
from agent.runs.reconcile import decide
from agent.runs.record import RunRecord
from agent.runs.status import status_of
from chain.clock import unix_ms
from chain.job import Digest, Usage
from chain.manifest import Manifest, parse_manifest
from tests.integration.agent.conftest import Bench
from tests.unit.agent.builders import a_running_record, an_offer, on_chain

GRACE = 30
LIMITS = "resources: {cpus: 0.5, memory: 32M, disk: 8M}"


def a_manifest(script: str, more: str) -> Manifest:
    return parse_manifest(f"command: [sh, -c, {script!r}]\n{LIMITS}\n{more}\n")


@dataclass
class Driven:
    """A run whose steps are chosen and carried out as the agent does, on a chain that wants it to go on."""

    bench: Bench
    image: Digest
    record: RunRecord

    async def drive(self, until: str = "", within_s: float = 60) -> RunRecord:
        """To its end, or to a line of its log."""
        async with asyncio.timeout(within_s):
            run = self.bench.made[-1][0]
            while self.record.exit is None:
                if until and until in "\n".join(line.text for line in run.spool.read(-1, 1000)):
                    break
                await self._step()
                await asyncio.sleep(0.05)
        return self.record

    async def _step(self) -> None:
        run, record = self.bench.made[-1][0], self.record
        seen = await run.look(record.container_id)
        here = Here(unix_ms(), 30)
        match decide(record, seen, on_chain(), Usage(), GRACE, here):
            case do.Create():
                made = await run.create(await self.bench.engine.ensure_image(self.image, ""))
                self.bench.made[-1][1].append(made)
                self.record = replace(record, container_id=made)
            case do.Start():
                lease.begin_anew(run.folder)
                assert await run.start(record.container_id, record.starts.count > 0) == ""
            case do.Watch():
                run.follow(record.container_id)
                await run.sample(seen)  # type: ignore[arg-type]
            case do.Heal(why=why):
                self.record = replace(record, starts=replace(record.starts, ill=why))
                await run.stop(record.container_id, stop_seconds(record, GRACE))
            case do.Again(ended=ended):
                self.record = replace(record, starts=await plan_start(run, record, ended))
            case do.NoteExit(why=why):
                run.follow(record.container_id)
                told = exit_why(record, cut_why(record, run.folder, why))
                self.record = replace(record, exit=await run.note_exit(seen, told))
            case do.Wait():
                await asyncio.sleep(0.1)

    @property
    def log(self) -> list[str]:
        """What the consumer reads."""
        return [line.text for line in self.bench.made[-1][0].spool.read(-1, 1000)]


async def a_run(bench: Bench, image: Digest, script: str, more: str) -> Driven:
    manifest = a_manifest(script, more)
    await bench.run(manifest)
    return Driven(bench, image, a_running_record(offer=an_offer(manifest), container_id=""))


async def test_each_start_has_its_own_end_and_a_full_memory_is_not_held_against_the_next(
    bench: Bench, busybox: Digest
) -> None:
    script = (
        "touch /tmp/mark || exit 99; n=$(ls /output | wc -l); touch /output/$n; echo start $n;"
        " [ -e /tmp/old ] && exit 98; touch /tmp/old;"
        " [ $n = 0 ] && tail /dev/zero; [ $n = 1 ] && exit 5; exit 6"
    )
    driven = await a_run(bench, busybox, script, "restart: on-failure:2")
    record = await driven.drive()
    out_of_memory = "137 (killed: out of memory (limit 32 MiB))"
    assert [line for line in driven.log if line != "Killed"] == [
        "start 0",
        f"the program ended with {out_of_memory}; started again in 1 s (restart 1)",
        "start 1",
        "the program ended with 5; started again in 2 s (restart 2)",
        "start 2",
    ]
    assert record.exit is not None
    assert record.exit.code == 6
    assert record.exit.why == "it was started again 2 times before"
    assert record.starts.first_ms < record.exit.started_ms
    folder, _ = await bench.made[-1][0].take_results()
    assert folder is not None
    assert sorted(path.name for path in folder.iterdir()) == ["0", "1", "2"]


async def test_an_unhealthy_program_is_stopped_and_started_again_where_it_may_be(
    bench: Bench, busybox: Digest
) -> None:
    script = "trap 'exit 0' TERM; echo up; touch /tmp/ok; sleep 2; rm /tmp/ok; while :; do sleep 0.1; done"
    check = "healthcheck: {test: [sh, -c, 'ls /tmp/ok'], interval: 1s, retries: 2}"
    driven = await a_run(bench, busybox, script, f"restart: always\n{check}")
    run = bench.made[-1][0]
    seen: set[str] = set()
    while len([line for line in driven.log if line == "up"]) < 2:
        await driven._step()
        seen.add(status_of(driven.record, "running", run, "").health)
        await asyncio.sleep(0.05)
    assert seen >= {"starting", "healthy", "unhealthy"}
    (notice,) = [line for line in driven.log if "restart 1" in line]
    assert notice.startswith("the program ended with 0 (its health check failed: ls: /tmp/ok: No")
    told_only = await a_run(bench, busybox, script, f"restart: no\n{check}")
    run = bench.made[-1][0]
    while run.health != "unhealthy":
        await told_only._step()
        await asyncio.sleep(0.05)
    await told_only._step()
    status = status_of(told_only.record, "running", run, "")
    assert (status.health, status.restarts) == ("unhealthy", 0)
    assert status.why.startswith("its health check failed: ls: /tmp/ok: No such file")


async def test_a_program_that_its_lease_has_ended_is_started_again_or_ends_with_the_reason(
    bench: Bench, busybox: Digest
) -> None:
    for more, ends in (("restart: no", True), ("restart: always", False)):
        driven = await a_run(bench, busybox, "echo up; sleep 300", more)
        run = bench.made[-1][0]
        await driven.drive(until="up")
        assert lease._kill(driven.record.container_id, run.folder)
        assert lease.ran_out(run.folder)
        await driven.drive(until="" if ends else "up\nthe program ended with 137")
        assert lease._kill(driven.record.container_id, run.folder)  # it had ended by itself
        if ends:
            assert driven.record.exit is not None
            assert driven.record.exit.why == LEASE_WHY
        else:
            await driven.drive(until="restart 1)\nup")
            assert LEASE_WHY in driven.log[1]
            assert not lease.ran_out(run.folder)


@pytest.fixture
async def an_image(bench: Bench) -> AsyncIterator[Digest]:
    """Busybox with a signal to stop by and a health check of its own."""
    client = docker.from_env()
    lines = b"FROM busybox\nSTOPSIGNAL SIGUSR1\nHEALTHCHECK --interval=1s CMD false\n"
    image = client.images.build(fileobj=io.BytesIO(lines))[0].id
    yield Digest(str(image))
    for run, ids in bench.made:
        await run.clean(ids[0] if ids else "")
    client.images.remove(str(image), force=True)
    client.close()


async def test_a_program_is_stopped_by_its_images_signal_and_killed_when_its_time_is_over(
    bench: Bench, an_image: Digest
) -> None:
    gentle = "trap 'echo usr1; exit 4' USR1; trap '' TERM; echo up; while :; do sleep 0.1; done"
    for script, code in ((gentle, 4), ("trap '' TERM USR1; echo up; sleep 300; sleep 300", 137)):
        driven = await a_run(bench, an_image, script, "stop_grace_period: 2s")
        run = bench.made[-1][0]
        await driven.drive(until="up")
        assert run.health == ""  # the image's own check is not run
        await run.stop(driven.record.container_id, stop_seconds(driven.record, GRACE))
        record = await driven.drive()
        assert record.exit is not None
        assert record.exit.code == code


def test_the_time_to_stop_leaves_some_for_the_last_report() -> None:
    record = a_running_record(offer=an_offer(parse_manifest("stop_grace_period: 50s")))
    assert [stop_seconds(record, grace) for grace in (300, 30, 2)] == [50, 10, 1]

"""What a stranger's build may take, on a real Engine: a build that takes more is ended, and nothing of it stays."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import docker
import pytest

from chain.errors import BuildFailed
from scheduler.images.build_log import BuildLog
from scheduler.images.dockerfile import labelled
from scheduler.images.image import DOCKERFILE, build_image
from scheduler.images.limits import BuildLimits

LIMITS = BuildLimits(seconds=60)
MARK = f"test-limits-{os.getpid()}"


@pytest.fixture
def engine() -> Iterator[docker.DockerClient]:
    client = docker.from_env()
    yield client
    for image in client.images.list(filters={"label": f"draas.bundle={MARK}"}):
        client.images.remove(image.id, force=True)
    client.close()


async def built(folder: Path, dockerfile: str, limits: BuildLimits) -> BuildLog:
    step = {"draas.build": "1", "draas.consumer": f"{MARK}-{folder.name}"}
    (folder / DOCKERFILE).write_text(labelled(dockerfile, step))
    log = BuildLog(limits.log_bytes)
    labels = {"draas.bundle": MARK, "draas.build": ""}
    label = f"draas.consumer={MARK}-{folder.name}"
    await build_image(folder, f"draas/bundle:{MARK}", labels, limits, log, label)
    return log


def left(engine: docker.DockerClient, folder: Path) -> list[str]:
    """What a build has left on the Engine."""
    mine = {"label": f"draas.consumer={MARK}-{folder.name}"}
    return [
        *(str(one.id) for one in engine.containers.list(all=True, filters=mine)),
        *(str(one["Id"]) for one in engine.api.images(all=True, filters=mine)),
    ]


async def test_a_build_that_writes_without_end_is_ended_and_leaves_nothing(
    engine: docker.DockerClient, tmp_path: Path
) -> None:
    small = replace(LIMITS, disk_mib=64)
    writes = "FROM busybox\nRUN dd if=/dev/zero of=/first bs=1M count=20\n" + (
        "RUN i=0; while true; do dd if=/dev/zero of=/more-$i bs=1M count=5; i=$((i+1)); sleep 0.1; done\n"
    )
    with pytest.raises(BuildFailed, match="wrote more than 64 MiB"):
        await built(tmp_path, writes, small)
    for _ in range(100):
        if not left(engine, tmp_path):
            break
        await asyncio.sleep(0.1)
    assert left(engine, tmp_path) == []


async def test_what_a_build_writes_into_volumes_and_earlier_steps_counts_too(
    engine: docker.DockerClient, tmp_path: Path
) -> None:
    small = replace(LIMITS, disk_mib=64)
    writes = "dd if=/dev/zero of=/data/a bs=1M count=60 && cp /data/a /data/b && sleep 20"
    volume = f"FROM busybox\nVOLUME /data\nRUN {writes}\n"
    with pytest.raises(BuildFailed, match="wrote more than 64 MiB"):
        await built(tmp_path, volume, small)
    step = "RUN dd if=/dev/zero of=/a bs=1M count=40\n"
    with pytest.raises(BuildFailed, match="wrote more than 64 MiB"):
        await built(tmp_path, f"FROM busybox\n{step}RUN rm /a\n{step}RUN sleep 20\n", small)
    assert engine.ping()


async def test_a_build_from_nothing_and_one_that_prints_what_looks_like_steps_are_watched_too(
    engine: docker.DockerClient, tmp_path: Path
) -> None:
    small = replace(LIMITS, disk_mib=32)
    (tmp_path / "data").write_bytes(bytes(20 * 1024**2))
    twice = "FROM scratch AS a\nCOPY data /a\nCOPY data /b\nFROM busybox\nRUN sleep 20\n"
    with pytest.raises(BuildFailed, match="wrote more than 32 MiB"):
        await built(tmp_path, twice, small)
    fakes = 'i=100000000000; while true; do echo " ---> $i"; i=$((i+1)); done & '
    writes = "i=0; while true; do dd if=/dev/zero of=/$i bs=1M count=5; i=$((i+1)); sleep 0.1; done"
    with pytest.raises(BuildFailed, match="wrote more than 32 MiB"):
        await built(tmp_path, f"FROM busybox\nRUN {fakes}{writes}\n", small)
    assert engine.ping()


async def test_steps_that_come_out_of_the_cache_count_for_nothing(
    engine: docker.DockerClient, tmp_path: Path
) -> None:
    small = replace(LIMITS, disk_mib=32)
    step = "FROM busybox\nRUN dd if=/dev/zero of=/a bs=1M count=20\n"
    await built(tmp_path, step, small)
    await asyncio.sleep(1.1)  # the Engine tells when an image was made by the second
    log = await built(
        tmp_path, f"{step}RUN dd if=/dev/zero of=/b bs=1M count=20 && sleep 2\n", small
    )
    assert "Using cache" in log.text
    assert engine.ping()


async def test_one_file_cannot_outrun_the_watch(
    engine: docker.DockerClient, tmp_path: Path
) -> None:
    with pytest.raises(BuildFailed, match=r"dd if=/dev/zero"):
        await built(
            tmp_path,
            "FROM busybox\nRUN dd if=/dev/zero of=/big bs=1M count=99999\n",
            replace(LIMITS, disk_mib=16),
        )
    assert engine.ping()


async def test_an_image_that_is_too_large_is_refused_and_removed(
    engine: docker.DockerClient, tmp_path: Path
) -> None:
    with pytest.raises(BuildFailed, match="and may have 16"):
        await built(
            tmp_path,
            "FROM busybox\nRUN dd if=/dev/zero of=/big bs=1M count=20\n",
            replace(LIMITS, image_mib=16),
        )
    assert engine.images.list(filters={"label": f"draas.bundle={MARK}"}) == []


async def test_a_build_cannot_have_a_finished_image_cleared_away_with_its_own_remains(
    engine: docker.DockerClient, tmp_path: Path
) -> None:
    await built(tmp_path, "FROM busybox\nLABEL other=1\n", LIMITS)
    whole = str(engine.images.get(f"draas/bundle:{MARK}").id)
    named = whole.removeprefix("sha256:")[:12]
    writes = "dd if=/dev/zero of=/a bs=1M count=20 && cp /a /b && sleep 20"
    says = f"FROM busybox\nRUN echo ' ---> {named}'; {writes}\n"
    with pytest.raises(BuildFailed, match="wrote more than 24 MiB"):
        await built(tmp_path, says, replace(LIMITS, disk_mib=24))
    assert engine.images.get(whole)


async def test_no_pattern_of_a_strangers_keeps_the_scheduler_from_its_work(
    engine: docker.DockerClient, tmp_path: Path
) -> None:
    (tmp_path / ("a" * 200)).touch()
    (tmp_path / ".dockerignore").write_text("*a" * 30 + "b\n[\n")
    await built(tmp_path, f"FROM busybox\nCOPY {'a' * 200} /\n", LIMITS)
    assert engine.ping()


@pytest.mark.skipif(os.getuid() != 0, reason="control groups of one's own need root")
async def test_a_fork_bomb_meets_its_limit_and_honest_work_its_share_of_the_processors(
    engine: docker.DockerClient, tmp_path: Path
) -> None:
    limits = replace(LIMITS, processes=40, cpus=1)
    quota = "cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu.max 2>/dev/null"
    forks = "i=0; while [ $i -lt 60 ]; do sleep 5 & i=$((i+1)); done"
    bomb = f"FROM busybox\nRUN {quota}; {forks}\n"
    before = set(Path("/sys/fs/cgroup").glob("*/draas-build/*/"))
    log = BuildLog(100_000)
    (tmp_path / DOCKERFILE).write_text(labelled(bomb, {"draas.build": "1"}))
    with pytest.raises(BuildFailed):
        await build_image(tmp_path, f"draas/bundle:{MARK}", {}, limits, log)
    assert "can't fork" in log.text
    assert "100000\n" in log.text or "100000 100000" in log.text
    groups = Path("/sys/fs/cgroup").glob("*/draas-build/*/")
    assert [one for one in groups if one not in before] == []
    assert engine.ping()

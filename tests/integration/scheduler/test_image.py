"""Building on a real Docker Engine: an image by its digest, or the reason why there is none."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from chain.errors import BuildFailed
from chain.job import Digest
from scheduler.images.bases import drop_pulled, pull_bases
from scheduler.images.build_log import BuildLog
from scheduler.images.image import DOCKERFILE, build_image
from scheduler.images.limits import BuildLimits
from tests.image_registry import program as registry_program
from tests.image_registry import running_registry
from tests.integration.scheduler.building import has_image

LIMITS = BuildLimits(seconds=60)
LABEL = "draas.bundle"


@pytest.fixture
def engine() -> Iterator[docker.DockerClient]:
    client = docker.from_env()
    yield client
    for image in client.images.list(filters={"label": f"{LABEL}=test-image"}):
        client.images.remove(image.id, force=True)
    client.close()


async def built(
    folder: Path, dockerfile: str, limits: BuildLimits = LIMITS
) -> tuple[Digest, BuildLog]:
    folder.mkdir(exist_ok=True)
    (folder / DOCKERFILE).write_text(dockerfile)
    log = BuildLog(limits.log_bytes)
    tag = "draas/bundle:test-image"
    return await build_image(folder, tag, {LABEL: "test-image"}, limits, log), log


async def test_a_folder_becomes_an_image_known_by_its_digest(
    engine: docker.DockerClient, tmp_path: Path
) -> None:
    digest, log = await built(tmp_path / "f", "FROM busybox\nRUN echo made-it > /made\n")
    assert engine.images.get(digest).id == digest
    assert "made-it" in log.text
    assert await has_image(digest)
    assert not await has_image(Digest("sha256:" + "0" * 64))


async def test_the_same_folder_gives_the_same_image_again(
    engine: docker.DockerClient, tmp_path: Path
) -> None:
    first, _ = await built(tmp_path / "f", "FROM busybox\nRUN true\n")
    second, _ = await built(tmp_path / "f", "FROM busybox\nRUN true\n")
    assert first == second
    assert engine.images.get(first)


async def test_a_failing_step_says_which_and_keeps_its_output(
    engine: docker.DockerClient, tmp_path: Path
) -> None:
    with pytest.raises(BuildFailed, match="exit 4"):
        await built(tmp_path / "f", "FROM busybox\nRUN echo the-reason; exit 4\n")
    assert engine.containers.list(all=True, filters={"label": f"{LABEL}=test-image"}) == []


async def test_a_build_has_no_network(engine: docker.DockerClient, tmp_path: Path) -> None:
    _, log = await built(tmp_path / "f", "FROM busybox\nRUN ls /sys/class/net\n")
    assert "eth0" not in log.text
    assert "lo" in log.text
    assert engine.ping()


async def test_a_build_that_takes_too_long_is_ended(
    engine: docker.DockerClient, tmp_path: Path
) -> None:
    with pytest.raises(BuildFailed, match="more than 3 s"):
        await built(tmp_path / "f", "FROM busybox\nRUN sleep 60\n", BuildLimits(seconds=3))
    assert engine.ping()


@pytest.mark.skipif(not registry_program(), reason="docker-registry is not installed")
async def test_a_base_that_was_pulled_is_known_until_nobody_starts_from_it(
    engine: docker.DockerClient, tmp_path: Path
) -> None:
    with running_registry(tmp_path, log_in=False) as host:
        name = f"{host}/bases/one:7"
        own = io.BytesIO(b"FROM busybox\nLABEL only=here\n")
        engine.images.build(fileobj=own, tag=name, rm=True)
        engine.images.push(f"{host}/bases/one", "7")
        engine.images.remove(name, force=True)
        log, began = BuildLog(1000), time.time()
        with pytest.raises(BuildFailed, match="no base image"):
            await pull_bases([f"{host}/bases/none:7"], log)
        await pull_bases([name], log)
        base = engine.images.get(name)
        try:
            assert log.text.splitlines()[-1] == f"Pulling {name}"
            base.tag("an-operators-own", "name")
            assert drop_pulled(engine, began - 1) == []
            assert name in drop_pulled(engine, time.time() + 2)
            base.reload()
            assert base.tags == ["an-operators-own:name"]
        finally:
            engine.images.remove(base.id, force=True)


async def test_a_build_from_too_many_bases_is_refused() -> None:
    with pytest.raises(BuildFailed, match="starts from 17 images"):
        await pull_bases([f"base-{number}" for number in range(17)], BuildLog(10))


async def test_base_images_that_are_there_are_not_pulled(engine: docker.DockerClient) -> None:
    log = BuildLog(1000)
    await pull_bases(["busybox"], log)
    assert log.text == ""
    assert engine.ping()

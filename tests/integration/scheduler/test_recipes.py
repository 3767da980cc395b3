"""Dockerfiles that are written for folders build on a real Engine, by the rules that hold for everybody's."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from chain.manifest import Manifest
from chain.manifests.folder import manifest_of
from scheduler.images.build_log import BuildLog
from scheduler.images.bundle_image import prepare_dockerfile
from scheduler.images.image import build_image
from scheduler.images.limits import BuildLimits

LABEL = "draas.bundle"


@pytest.fixture
def engine() -> Iterator[docker.DockerClient]:
    client = docker.from_env()
    yield client
    for image in client.images.list(filters={"label": f"{LABEL}=test-recipes"}):
        client.images.remove(image.id, force=True)
    client.close()


async def run(engine: docker.DockerClient, folder: Path, **more: object) -> str:
    """What the folder's program prints."""
    manifest = manifest_of(folder).manifest
    prepare_dockerfile(folder, manifest, {})
    log = BuildLog(10_000)
    labels = {LABEL: "test-recipes"}
    digest = await build_image(folder, "draas/bundle:test-recipes", labels, BuildLimits(), log)
    said = engine.containers.run(digest, remove=True, network_mode="none", **more)
    return str(said.decode()).strip()


async def test_a_python_folder_runs_as_nobody_in_particular(
    engine: docker.DockerClient, tmp_path: Path
) -> None:
    (tmp_path / "main.py").write_text("import os\nprint(os.getuid(), os.getcwd())\n")
    assert await run(engine, tmp_path) == "10001 /app"


async def test_a_static_site_is_served(engine: docker.DockerClient, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("hello from the site\n")
    serve_and_ask = "httpd -p 8080 -h /site && wget -qO- 127.0.0.1:8080/index.html"
    assert await run(engine, tmp_path, command=["sh", "-c", serve_and_ask]) == "hello from the site"


async def test_a_program_that_is_built_already_runs_with_nothing_around_it(
    engine: docker.DockerClient, tmp_path: Path
) -> None:
    made = engine.containers.create("busybox", "true")
    try:
        chunks, _ = made.get_archive("/bin/busybox")
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
            program = archive.extractfile("busybox")
            assert program is not None
            (tmp_path / "busybox").write_bytes(program.read())
    finally:
        made.remove()
    (tmp_path / "busybox").chmod(0o755)
    (tmp_path / "draas.yaml").write_text("command: [/app/busybox, echo, alone]\n")
    assert "FROM scratch" in "".join(prepared(tmp_path))
    assert await run(engine, tmp_path, command=["/app/busybox", "echo", "alone"]) == "alone"


async def test_a_compose_file_names_an_image_that_is_run(
    engine: docker.DockerClient, tmp_path: Path
) -> None:
    (tmp_path / "compose.yaml").write_text("services: {a: {image: busybox, command: [ls]}}")
    assert await run(engine, tmp_path, command=["echo", "as it is"]) == "as it is"


def prepared(folder: Path) -> list[str]:
    """The lines of the Dockerfile that is written."""
    prepare_dockerfile(folder, Manifest(), {})
    return (folder / ".draas-dockerfile").read_text().splitlines(keepends=True)

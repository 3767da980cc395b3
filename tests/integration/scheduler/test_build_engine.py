"""An Engine for building alone, whose containers run under gVisor: the scheduler's own Engine has no part in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from scheduler.decide.reconcile import Image
from tests.integration.scheduler.bench import Bench
from tests.integration.scheduler.building import has_image
from tests.second_engine import SecondEngine, second_engine

RUNSC = shutil.which("runsc") or ""
pytestmark = pytest.mark.skipif(os.getuid() != 0 or not RUNSC, reason="needs root and gVisor")


@pytest.fixture(scope="module")
def engine() -> Iterator[SecondEngine]:
    runtime = {"path": RUNSC, "runtimeArgs": ["--network=none"]}
    settings = {"runtimes": {"runsc-none": runtime}, "default-runtime": "runsc-none"}
    with second_engine(settings) as one:
        one.have("busybox:latest")
        yield one


async def test_strangers_code_is_built_under_gvisor_on_an_engine_of_its_own(
    bench: Bench, engine: SecondEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUILD_DOCKER_HOST", engine.address)
    text = "FROM busybox\nRUN dmesg | grep -i gvisor; ls /sys/class/net\n"
    job = await bench.job(tmp_path / "sandboxed", text)
    made = await bench.outcome(job)
    assert isinstance(made, Image), made
    log = await bench.builder.log_of(job.terms.cid)
    assert "Starting gVisor" in log
    assert await has_image(made.digest)
    own = docker.DockerClient(base_url="unix:///var/run/docker.sock")
    try:
        with pytest.raises(docker.errors.ImageNotFound):
            own.images.get(made.digest)
    finally:
        own.close()
    assert bench.engine.count(b"/build?") == 0

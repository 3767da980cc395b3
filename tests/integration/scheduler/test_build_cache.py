"""What is built again and what is not: nothing of an unchanged folder, the last layers of a changed one, and never with
what another consumer's build has left."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import docker
import pytest

from chain import ipfs
from scheduler.decide.reconcile import Image
from scheduler.images import builder as building
from scheduler.images.builder import Builder
from scheduler.rows.facts import JobFacts
from tests.integration.scheduler.bench import QUICK, SLOW, Bench

CHANCE = "FROM busybox\nRUN echo made-$(cat /proc/sys/kernel/random/uuid) | tee /chance\n"


async def log_of(bench: Bench, job: JobFacts, builder: Builder | None = None) -> str:
    """What the build of a job printed, once it is an image."""
    image = await bench.outcome(job, builder)
    assert isinstance(image, Image), image
    return await bench.builder.log_of(job.terms.cid)


async def test_a_consumers_builds_share_steps_and_another_consumers_do_not(
    bench: Bench, tmp_path: Path
) -> None:
    """Chance stands for whatever could make a step's result bad: the other consumer does not get it."""
    chance = CHANCE.replace("/chance", f"/chance-{os.getpid()}-{tmp_path.name}")
    first = await log_of(bench, await bench.job(tmp_path / "first", chance))
    again = await log_of(bench, await bench.job(tmp_path / "again", chance))
    other = await log_of(bench, await bench.job(tmp_path / "other", chance, consumer=2))
    assert "\nmade-" in first
    assert "\nmade-" not in again
    assert "Using cache" in again
    assert "\nmade-" in other
    assert "Using cache" not in other


async def test_an_unchanged_folder_is_not_built_again_whoever_posts_it(
    bench: Bench, tmp_path: Path
) -> None:
    first = await bench.outcome(await bench.job(tmp_path / "same", QUICK))
    builds = bench.engine.count(b"/build?")
    for consumer in (1, 2):
        job = await bench.job(tmp_path / "same", QUICK, consumer)
        assert await bench.builder.look(job.terms.cid) == (
            first,
            (await bench.builder.look(job.terms.cid))[1],
        )
    assert bench.engine.count(b"/build?") == builds == 1


@pytest.fixture
def python_base() -> Iterator[str]:
    """A Python whose pip installs where it is told to, as the ones of Docker Hub do."""
    client = docker.DockerClient(base_url="unix:///var/run/docker.sock")
    held = client.containers.create("python:3.11-slim", "true")
    name = f"test-python-{os.getpid()}"
    try:
        held.commit(name, "1", changes="ENV PIP_BREAK_SYSTEM_PACKAGES=1")
    finally:
        held.remove(force=True)
    yield f"{name}:1"
    client.images.remove(f"{name}:1", force=True)
    client.close()


async def test_a_changed_source_file_costs_the_last_layers_only(
    bench: Bench, tmp_path: Path, python_base: str
) -> None:
    settings = replace(bench.settings, bases={"python": python_base})
    rows = bench.rows
    builder = Builder(rows.store, rows.signals, rows.clock, settings, bench.api, "two:2")
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "requirements.txt").write_text(f"# none, for {os.getpid()}-{tmp_path.name}\n")
    logs = []
    for source in ("print('one')\n", "print('two')\n"):
        (folder / "main.py").write_text(source)
        job = await bench.job_of(await ipfs.add_folder(bench.real_api, folder))
        assert isinstance(await bench.outcome(job, builder), Image)
        logs.append(await builder.log_of(job.terms.cid))
    await builder.close()
    first, second = ([step.split("\n", 1) for step in log.split("Step ")[1:]] for log in logs)
    # The bundle's own label comes last: no two bundles share it.
    built = [told[0].split(" : ")[1] for told in second if "Using cache" not in told[1]][1:]
    assert len(first) == len(second)
    assert all(
        told.startswith(("COPY . ", "USER ", "CMD ", "LABEL draas.bundle=")) for told in built
    )
    assert any("pip install" in told[0] and "Using cache" in told[1] for told in second)
    assert not any("pip install" in told[0] and "Using cache" in told[1] for told in first)


async def test_a_build_that_no_job_waits_for_any_more_is_broken_off(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "LEASE_S", 3)
    job = await bench.job(tmp_path / "slow", SLOW)
    bench.builder.request(job)
    await bench.until_it_runs(job)
    await bench.rows.save(replace(job, deadline=bench.rows.clock.now() - 1))
    for _ in range(100):
        if (await bench.builder.look(job.terms.cid))[0] is None:
            break
        await asyncio.sleep(0.1)
    standing, row = await bench.builder.look(job.terms.cid)
    assert standing is None
    assert row is not None
    assert (row.refused, row.tries) == (None, 0)

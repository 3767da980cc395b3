"""Bundles wait out an Engine and a content store that fail in every way there is: none of it is their fault."""

from __future__ import annotations

from pathlib import Path

import docker
import pytest
from sqlalchemy import update

from chain.cid import parse_cid
from scheduler.decide.reconcile import Image, Postponed
from scheduler.images import bases, disk, image
from scheduler.images.builder import Standing
from scheduler.rows import tables as t
from scheduler.rows.facts import JobFacts
from tests.integration.scheduler.bench import QUICK, SLOW, Bench
from tests.relay import A_PAGE, ERROR_500


@pytest.mark.parametrize("how", ["hang", "refuse", "500", "500 at the build", "a page"])
async def test_an_engine_that_fails_says_nothing_about_the_bundle(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    job = await bench.job(tmp_path / "quick", QUICK)
    monkeypatch.setattr(image, "ASK_S", 1)
    monkeypatch.setattr(bases, "PULL_S", 1)
    match how:
        case "hang":
            bench.engine.mode = "hang"
        case "refuse":
            bench.engine.mode = "refuse"
        case "500 at the build":
            bench.engine.answers[b"/build?"] = ERROR_500
        case _:
            bench.engine.answers[b"/"] = ERROR_500 if how == "500" else A_PAGE
    later = await bench.outcome(job)
    assert isinstance(later, Postponed)
    assert later.phase == "building"
    assert "Engine" in later.why
    bench.engine.mode, bench.engine.answers = "pass", {}
    assert isinstance(await built_at_last(bench, job), Image)


async def built_at_last(bench: Bench, job: JobFacts) -> Standing:
    """The outcome of the next try."""
    async with bench.rows.store.write() as tx:
        await tx.execute(update(t.builds).values(postponed_until=None))
    return await bench.outcome(job)


async def test_an_engine_that_is_lost_in_the_middle_of_a_build_says_nothing_about_the_bundle(
    bench: Bench, tmp_path: Path
) -> None:
    job = await bench.job(tmp_path / "slow", SLOW)
    bench.builder.request(job)
    await bench.until_it_runs(job)
    bench.engine.mode = "refuse"
    bench.engine.cut()
    assert isinstance(await bench.outcome(job), Postponed)


async def test_an_engine_that_can_build_nothing_else_says_nothing_about_the_bundle(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await bench.job(tmp_path / "bad", "FROM busybox\nRUN exit 4\n")

    probe = image._probe

    def with_a_broken_engine(client: docker.DockerClient) -> None:
        bench.engine.answers[b"/build?"] = ERROR_500
        probe(client)

    monkeypatch.setattr(image, "_probe", with_a_broken_engine)
    later = await bench.outcome(job)
    assert isinstance(later, Postponed)
    assert "Engine" in later.why


async def test_an_engine_without_room_on_its_disk_says_nothing_about_the_bundle(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await bench.job(tmp_path / "quick", QUICK)
    monkeypatch.setattr(disk, "DISK_SPARE_BYTES", 2**62)
    later = await bench.outcome(job)
    assert isinstance(later, Postponed)
    assert "no room on its disk" in later.why


@pytest.mark.parametrize("how", ["hang", "refuse", "500", "a page"])
async def test_a_store_that_fails_says_nothing_about_the_bundle(
    bench: Bench, tmp_path: Path, how: str
) -> None:
    job = await bench.job(tmp_path / "quick", QUICK)
    if how in ("hang", "refuse"):
        bench.store.mode = how  # type: ignore[assignment]
    else:
        bench.store.answers[b"/dag/export"] = ERROR_500 if how == "500" else A_PAGE
    later = await bench.outcome(job)
    assert isinstance(later, Postponed)
    assert later.phase == "fetching"
    bench.store.mode, bench.store.answers = "pass", {}
    assert isinstance(await built_at_last(bench, job), Image)


async def test_a_bundle_that_nobody_has_is_waited_for(bench: Bench, tmp_path: Path) -> None:
    folder = tmp_path / "away"
    absent = await bench.job(folder, QUICK)
    nobody = parse_cid("bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi")
    later = await bench.outcome(await bench.job_of(nobody))
    assert isinstance(later, Postponed)
    assert later.why.startswith("bundle not found")
    assert absent.terms.cid != nobody

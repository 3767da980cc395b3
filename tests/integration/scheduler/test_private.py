"""A private bundle is built for whose it is, and is nothing to anybody else."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from chain import ipfs
from chain.archive import unpack
from chain.bundle import pack
from chain.job import Address, Cid, JobId
from chain.messages import Domain
from chain.sealed import new_identity, recipient_of
from chain.sealed_bundle import seal_bundle
from chain.sealing_key import SealingKey
from scheduler.decide.reconcile import Image, Refused
from scheduler.images.builder import PRIVATE_WHY, Builder
from scheduler.images.private import Opener
from scheduler.rows import tables as t
from scheduler.rows.batch import upsert
from tests.fixtures_chain import IMAGE
from tests.integration.scheduler.bench import QUICK, Bench
from tests.integration.scheduler.served import Served

IDENTITY = new_identity()
KEY = SealingKey(IDENTITY, recipient_of(IDENTITY))
SCHEDULER = Address("0x" + "34" * 20)
DOMAIN = Domain(31337, Address("0x" + "ab" * 20))
OWNER, STRANGER = Address(f"0x{1:040x}"), Address(f"0x{2:040x}")


@pytest.fixture
async def builder(bench: Bench) -> AsyncIterator[Builder]:
    rows, opener = bench.rows, Opener(KEY, DOMAIN, SCHEDULER)
    made = Builder(rows.store, rows.signals, rows.clock, bench.settings, bench.api, "two:2", opener)
    yield made
    await made.close()


async def posted(bench: Bench, place: Path, dockerfile: str = QUICK) -> Cid:
    """The CID of a folder, sealed by its owner."""
    (place / "code").mkdir(parents=True)
    text = dockerfile + f"ENV TEST={os.getpid()}-private\n"
    (place / "code" / "Dockerfile").write_text(text)
    sealed = seal_bundle(pack(place / "code"), DOMAIN, SCHEDULER, OWNER, KEY.recipient)
    (place / "sealed.tar").write_bytes(sealed.archive)
    with (place / "sealed.tar").open("rb") as archive:
        unpack(archive, place / "sealed")
    cid = await ipfs.add_folder(bench.real_api, place / "sealed")
    assert cid == sealed.cid
    return cid


async def test_it_is_built_and_marked_and_its_output_is_its_owners(
    bench: Bench, builder: Builder, tmp_path: Path
) -> None:
    job = await bench.job_of(await posted(bench, tmp_path))
    assert isinstance(await bench.outcome(job, builder), Image)
    b = t.builds.c
    async with bench.rows.store.read() as tx:
        row = (await tx.execute(select(b.private, b.sealed_for, b.image_name))).one()
    assert tuple(row) == (True, OWNER, "")
    assert "built" in await builder.log_of(job.terms.cid, OWNER)
    assert await builder.log_of(job.terms.cid, STRANGER) == ""


async def test_what_does_not_build_tells_nobody_else_either(
    bench: Bench, builder: Builder, tmp_path: Path
) -> None:
    job = await bench.job_of(await posted(bench, tmp_path, "FROM busybox\nRUN exit 4\n"))
    refused = await bench.outcome(job, builder)
    assert refused == Refused(PRIVATE_WHY)  # which goes on the chain
    assert "exit 4" in await builder.log_of(job.terms.cid, OWNER)
    assert await builder.log_of(job.terms.cid, STRANGER) == ""


async def test_a_scheduler_without_the_key_refuses_it(bench: Bench, tmp_path: Path) -> None:
    job = await bench.job_of(await posted(bench, tmp_path))
    refused = await bench.outcome(job)
    assert isinstance(refused, Refused)
    assert "private" in refused.reason


async def test_a_job_with_anothers_private_bundle_is_declined(served: Served) -> None:
    built: dict[str, Any] = {
        "cid": served.market.terms().cid,
        "digest": IMAGE,
        "image_name": "",
        "why": "",
    }
    built |= {"tries": 0, "log": "", "lease_until_ms": 0, "private": True, "sealed_for": OWNER}
    async with served.context.store.write() as tx:
        await upsert(tx, t.builds, built)
    terms = await served.market.with_job()
    job_id = JobId(served.market.escrow.job_id(terms))
    for _ in range(200):
        await served.until_read()
        answer = (await served.http.get(f"/v1/deployments/{job_id}")).json()
        if answer.get("state") == "Closed":
            break
    assert "sealed by another consumer" in answer["why"]

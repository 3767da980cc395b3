"""What a job needs stays on IPFS until some time after it is closed, and nothing else is touched."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from chain import ipfs
from chain.errors import NotFound
from chain.folder import DEFAULT_LIMITS
from chain.job import Cid, JobState
from scheduler.rows import pins as kept
from scheduler.rows import tables as t
from scheduler.work.pins import Pinner, Place
from tests.integration.scheduler.keeping import KEEP_S, RULING_S, SETTINGS, Keeping
from tests.integration.scheduler.placing import TERMS
from tests.unit.chain.dags import make_folder


async def test_what_a_job_needs_is_pinned_and_let_go_some_time_after_it_is_closed(
    keeping: Keeping,
) -> None:
    bundle, result = await keeping.content(), await keeping.content()
    job = keeping.job(1, bundle)
    await keeping.rows.save(job)
    await keeping.pinner.round()
    assert bundle in await keeping.pins()
    ended = keeping.job(1, bundle, ended_ago=KEEP_S - 50)
    ended = replace(ended, runs=(replace(ended.runs[0], result_cid=result),))
    await keeping.rows.save(ended)
    await keeping.pinner.round()
    assert {bundle, result} <= await keeping.pins()
    async with keeping.rows.store.write() as tx:  # time passes
        await tx.execute(kept.pins.update().values(since=0))
    await keeping.rows.save(replace(ended, deadline=ended.deadline - 100))
    await keeping.pinner.round()
    assert not {bundle, result} & await keeping.pins()
    assert await keeping.noted() == {}


async def test_a_bundle_of_two_jobs_stays_for_the_one_that_lives(keeping: Keeping) -> None:
    bundle = await keeping.content()
    await keeping.rows.save(keeping.job(1, bundle, ended_ago=1000), keeping.job(2, bundle))
    await keeping.pinner.round()
    await keeping.pinner.round()
    assert bundle in await keeping.pins()


async def test_what_somebody_else_has_pinned_stays_pinned(keeping: Keeping) -> None:
    mine, theirs = await keeping.content(), await keeping.content(pinned=True)
    other = await keeping.content(pinned=True)
    await keeping.rows.save(keeping.job(1, mine), keeping.job(2, theirs))
    await keeping.pinner.round()
    await keeping.as_if_long_ago()
    await keeping.rows.save(
        keeping.job(1, mine, ended_ago=1000), keeping.job(2, theirs, ended_ago=1000)
    )
    await keeping.pinner.round()
    found = await keeping.pins()
    assert mine not in found
    assert {theirs, other} <= found


async def test_an_upload_that_nobody_posts_is_let_go(keeping: Keeping) -> None:
    cid = await keeping.content(pinned=True)
    await keeping.pinner.uploaded(cid, keeping.job(1, cid).job_id)
    await keeping.pinner.round()
    assert cid in await keeping.pins()
    await keeping.as_if_long_ago()
    await keeping.pinner.round()
    assert cid not in await keeping.pins()


async def test_nothing_is_let_go_before_all_jobs_are_read(keeping: Keeping) -> None:
    cid = await keeping.content(pinned=True)
    await keeping.pinner.uploaded(cid, keeping.job(1, cid).job_id)
    await keeping.as_if_long_ago()
    keeping.synced = False
    await keeping.pinner.round()
    assert cid in await keeping.pins()


async def test_a_node_that_is_silent_is_asked_again_and_forgets_nothing(keeping: Keeping) -> None:
    bundle = await keeping.content()
    await keeping.rows.save(keeping.job(1, bundle))
    node, keeping.node = keeping.node, "/ip4/127.0.0.1/tcp/9"
    await keeping.pinner.round()
    assert not (await keeping.noted())[bundle].pinned
    keeping.node = node
    await keeping.pinner.round()  # too soon
    assert bundle not in await keeping.pins()
    async with keeping.rows.store.write() as tx:
        await tx.execute(kept.pins.update().values(due_ms=0))
    await keeping.pinner.round()
    assert bundle in await keeping.pins()
    await keeping.rows.save(keeping.job(1, bundle, ended_ago=1000))
    await keeping.as_if_long_ago()
    keeping.node = "/ip4/127.0.0.1/tcp/9"
    await keeping.pinner.round()
    assert bundle in await keeping.noted()
    keeping.node = node
    await keeping.pinner.round()
    assert bundle not in await keeping.pins()


async def test_a_job_that_comes_while_its_bundle_goes_gets_it_back(keeping: Keeping) -> None:
    bundle = await keeping.content(pinned=True)
    await keeping.pinner.uploaded(bundle, keeping.job(1, bundle).job_id)
    keeper = kept.Keeper(TERMS.scheduler, keeping.rows.clock.now() + 10, 0)
    async with keeping.rows.store.write() as tx:
        assert [pin.cid for pin in await kept.let_go(tx, keeper, 10)] == [bundle]
    await ipfs.unpin(keeping.node, bundle)  # and killed here
    await keeping.rows.save(keeping.job(1, bundle))
    await keeping.pinner.round()
    assert bundle in await keeping.pins()


async def test_a_crash_after_a_pin_leaves_it_ours(keeping: Keeping) -> None:
    bundle = await keeping.content()
    await keeping.rows.save(keeping.job(1, bundle))
    await keeping.pinner.round()
    async with keeping.rows.store.write() as tx:  # as if it had been killed before it was noted
        await tx.execute(kept.pins.update().values(pinned=False))
    await keeping.pinner.round()
    await keeping.rows.save(keeping.job(1, bundle, ended_ago=1000))
    await keeping.as_if_long_ago()
    await keeping.pinner.round()
    assert bundle not in await keeping.pins()


async def test_content_over_the_limits_is_not_pinned(keeping: Keeping) -> None:
    large = make_folder(keeping.place / "large", {"a": os.urandom(8 * 1024**2)})
    cid = await ipfs.add_folder(keeping.node, large)
    await ipfs.unpin(keeping.node, cid)
    await keeping.rows.save(keeping.job(1, cid))
    place = Place(TERMS.scheduler, keeping.node, None, RULING_S)
    settings = replace(SETTINGS, max_bundle_bytes=1024)
    await Pinner(keeping.rows.store, keeping.rows.clock, settings, place, lambda: True).round()
    assert cid not in await keeping.pins()


async def test_a_node_that_was_silent_at_first_says_later_what_was_pinned_before(
    keeping: Keeping,
) -> None:
    theirs = await keeping.content(pinned=True)
    await keeping.rows.save(keeping.job(1, theirs))
    node, keeping.node = keeping.node, "/ip4/127.0.0.1/tcp/9"
    await keeping.pinner.round()
    keeping.node = node
    async with keeping.rows.store.write() as tx:
        await tx.execute(kept.pins.update().values(due_ms=0))
    await keeping.pinner.round()
    await keeping.as_if_long_ago()
    await keeping.rows.save(keeping.job(1, theirs, ended_ago=1000))
    await keeping.pinner.round()
    assert await keeping.noted() == {}
    assert theirs in await keeping.pins()


async def test_what_a_ruling_closes_late_is_kept_as_long_after_it(keeping: Keeping) -> None:
    bundle = await keeping.content()
    closed = keeping.job(1, bundle, ended_ago=1000)
    disputed = replace(closed, state=JobState.DISPUTED, deposit=1, settled=False)
    await keeping.rows.save(disputed)
    await keeping.pinner.round()
    await keeping.as_if_long_ago()
    await keeping.pinner.round()
    await keeping.rows.save(closed)
    await keeping.pinner.round()
    assert bundle in await keeping.pins()


async def test_either_kind_of_node_keeps_and_lets_go(node: str, tmp_path: Path) -> None:
    cid = await ipfs.add_folder(node, make_folder(tmp_path / "a", {"a": str(tmp_path).encode()}))
    assert await ipfs.is_pinned(node, cid)
    await ipfs.unpin(node, cid)
    assert cid not in await ipfs.pins(node)
    assert not await ipfs.is_pinned(node, cid)
    await ipfs.pin_within(node, cid, DEFAULT_LIMITS)
    assert cid in await ipfs.pins(node)


async def test_absent_content_says_so(node: str) -> None:
    cid = Cid("bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi")
    with pytest.raises(NotFound):
        await ipfs.pin_within(node, cid, DEFAULT_LIMITS, deadline_s=2)


async def test_what_a_party_has_brought_stays_as_long_as_its_case_can_last(
    keeping: Keeping,
) -> None:
    mine, foreign = await keeping.content(pinned=True), await keeping.content()
    job = keeping.job(1, await keeping.content(), ended_ago=1000)
    await keeping.pinner.uploaded(mine, job.job_id)
    await keeping.rows.save(replace(job, state=JobState.DISPUTED))
    await keeping.brings(job.job_id, mine, ago=RULING_S + 1)
    await keeping.brings(job.job_id, foreign, ago=1)
    await keeping.as_if_long_ago()
    await keeping.pinner.round()
    assert mine in await keeping.pins(), "its job waits for the court"
    await keeping.rows.save(job)  # another run's case
    await keeping.brings(job.job_id, mine, ago=RULING_S - 50)
    await keeping.as_if_long_ago()
    await keeping.pinner.round()
    assert mine in await keeping.pins(), "its case can still be open"
    assert foreign not in await keeping.pins(), "nobody has put it here"
    async with keeping.rows.store.write() as tx:  # time passes
        await tx.execute(t.events.update().values(at=t.events.c.at - 100))
    await keeping.as_if_long_ago()
    await keeping.pinner.round()
    assert mine not in await keeping.pins()

"""A pinning service keeps what jobs need as long as this node does, and its silence or refusal holds up nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chain.errors import NotAllowed, Unavailable
from chain.job import Cid
from chain.pinning import PinningService
from tests.integration.scheduler.keeping import Keeping
from tests.pinning_service import Service, serving

TOKEN = "a-secret-token"


@pytest.fixture
def service() -> Iterator[Service]:
    with serving(TOKEN) as one:
        yield one


async def test_a_pinning_service_keeps_bundles_and_results_as_long(
    keeping: Keeping, service: Service
) -> None:
    keeping.service = PinningService(service.url, TOKEN)
    bundle = await keeping.content()
    job = keeping.job(1, bundle)
    await keeping.rows.save(job)
    for _ in range(3):
        await keeping.pinner.round()
    (asked,) = [one["pin"] for one in service.pins.values()]
    assert (asked["cid"], asked["meta"]) == (bundle, {"job": job.job_id})
    assert job.job_id in asked["name"]
    await keeping.as_if_long_ago()
    await keeping.rows.save(keeping.job(1, bundle, ended_ago=1000))
    service.fails = 500
    await keeping.pinner.round()
    assert bundle in await keeping.noted()  # it is asked again
    service.fails = 0
    await keeping.pinner.round()
    assert (service.pins, await keeping.noted()) == ({}, {})


async def test_what_a_service_refuses_holds_up_nothing_else(
    keeping: Keeping, service: Service
) -> None:
    keeping.service = PinningService(service.url, TOKEN)
    pinner, bundles = keeping.pinner, [await keeping.content() for _ in range(3)]
    await keeping.rows.save(*(keeping.job(1 + n, cid) for n, cid in enumerate(bundles)))
    service.refuses = sorted(bundles)[0]
    for _ in range(2):
        await pinner.round()
    assert {one["pin"]["cid"] for one in service.pins.values()} == set(sorted(bundles)[1:])
    assert service.refusals == 1  # and is not asked again at once


async def test_a_service_that_is_silent_holds_nothing_up(keeping: Keeping) -> None:
    keeping.service = PinningService("http://127.0.0.1:9", TOKEN)
    bundle = await keeping.content()
    await keeping.rows.save(keeping.job(1, bundle))
    await keeping.pinner.round()
    await keeping.pinner.round()
    assert bundle in await keeping.pins()


async def test_a_service_is_told_from_one_that_is_none(service: Service) -> None:
    cid = Cid("bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi")
    good = PinningService(service.url, TOKEN)
    request = await good.add(cid, "n", "j")
    assert await good.add(cid, "n", "j") == request  # asked once
    await good.remove(request)
    await good.remove(request)
    with pytest.raises(NotAllowed) as told:
        await PinningService(service.url, "another-token").add(cid, "n", "j")
    assert "another-token" not in str(told.value) + repr(PinningService("", "another-token"))
    service.fails = 503
    with pytest.raises(Unavailable):
        await good.add(cid, "n", "j")

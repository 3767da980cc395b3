"""An image reaches an agent that shares no Docker Engine with the scheduler, layer by layer; another never does."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from agent.engine.layers import REPOSITORY
from agent.runs.delivery import from_node
from chain.convert import address_of
from chain.errors import InvalidInput, NotAllowed, NotFound, Unavailable
from chain.image import LayerBody
from chain.ipfs import add_bytes
from chain.ipfs_node import open_client
from chain.job import Cid, Digest
from scheduler.rows import image_tables as tables
from scheduler.rows import tables as t
from scheduler.rows.batch import upsert
from tests.fixtures_ipfs import ContentStore
from tests.integration.scheduler.delivering import IS_ROOT, LAYER_BYTES, TwoEngines, two_engines
from tests.second_engine import SecondEngine

pytestmark = pytest.mark.skipif(not IS_ROOT, reason="an Engine of its own needs root")


async def test_an_image_is_brought_and_only_new_layers_travel_the_second_time(
    node: str, other: SecondEngine, tmp_path: Path
) -> None:
    one = await two_engines(node, other, tmp_path)
    try:
        first = await one.image("busybox")
        agent = one.agent()
        await one.bring(agent, first)
        assert await one.has(first)
        assert len(one.travelled) == 2
        assert sum(one.travelled) > LAYER_BYTES + 10**6
        assert one.told[0] == "asking the scheduler for the image"
        assert "fetching layer 2 of 2, 3 MiB" in one.told
        assert (await asyncio.to_thread(output, other, first)).strip() == str(LAYER_BYTES)

        second = await one.image("busybox")
        one.travelled.clear()
        with capture_logs() as logged:
            await one.bring(agent, second)
        assert await one.has(second)
        (size,) = one.travelled
        assert LAYER_BYTES < size < LAYER_BYTES + 10_000
        assert [line["added_bytes"] for line in logged if line["event"] == "image.on_ipfs"] == [
            size
        ]
        assert one.left() == []
    finally:
        await one.close()


def output(other: SecondEngine, image: Digest) -> str:
    """What the image's own program sees of its layers."""
    client = other.client()
    try:
        words = ["sh", "-c", "wc -c < /data"]
        said = client.containers.run(image, words, network_mode="none", remove=True)
        return bytes(said).decode()
    finally:
        client.close()


async def test_many_runs_of_one_image_fetch_it_once(engines: TwoEngines) -> None:
    image, agent = await engines.image("busybox"), engines.agent()
    await asyncio.gather(*(engines.bring(agent, image) for _ in range(4)))
    assert len(engines.travelled) == 2


async def test_what_was_fetched_before_a_cut_is_not_fetched_again(engines: TwoEngines) -> None:
    image, good = await engines.image("busybox"), from_node(engines.api)
    calls = 0

    async def cut(layer: LayerBody, path: Path) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            path.write_bytes(b"half of it")
            raise Unavailable("The connection was cut.")
        await good(layer, path)

    with pytest.raises(Unavailable, match="was cut"):
        await engines.bring(engines.agent(cut), image)
    assert len(engines.left()) == 1
    await engines.bring(engines.agent(), image)  # another process, after a restart
    assert len(engines.travelled) == 2
    assert engines.left() == []
    assert await engines.has(image)


async def test_a_layer_that_was_swapped_is_refused_though_its_cid_holds(
    engines: TwoEngines,
) -> None:
    image = await engines.image("busybox")
    body = await engines.scheduler.image(image)
    top = max(body.layers, key=lambda layer: layer.bytes)
    evil = await add_bytes(engines.api, b"x" * top.bytes)
    swapped = [one if one != top else one.model_copy(update={"cid": evil}) for one in body.layers]
    agent = engines.agent(image=body.model_copy(update={"layers": swapped}))
    with pytest.raises(Unavailable, match="something else"):
        await engines.bring(agent, image)
    assert not await engines.has(image)


async def test_a_configuration_that_was_swapped_is_refused(engines: TwoEngines) -> None:
    image, other = await engines.image("busybox"), await engines.image("busybox")
    agent = engines.agent(image=await engines.scheduler.image(other))
    with pytest.raises(InvalidInput, match="something else"):
        await engines.bring(agent, image)
    assert engines.travelled == []
    assert not await engines.has(image)
    assert not await engines.has(other)


async def test_layers_that_are_left_out_are_noticed(engines: TwoEngines) -> None:
    image = await engines.image("busybox")
    body = await engines.scheduler.image(image)
    agent = engines.agent(image=body.model_copy(update={"layers": body.layers[:1]}))
    with pytest.raises(InvalidInput, match="Not all layers"):
        await engines.bring(agent, image)


async def test_an_image_larger_than_what_is_set_aside_is_refused_before_anything_travels(
    engines: TwoEngines,
) -> None:
    image = await engines.image("busybox")
    agent = replace(engines.agent(), most_bytes=LAYER_BYTES)
    with pytest.raises(InvalidInput, match="set aside"):
        await engines.bring(agent, image)
    assert engines.travelled == []


async def test_a_layer_longer_than_it_was_said_to_be_is_cut_off(engines: TwoEngines) -> None:
    image = await engines.image("busybox")
    body = await engines.scheduler.image(image)
    short = [one.model_copy(update={"bytes": 1000}) for one in body.layers]
    agent = engines.agent(image=body.model_copy(update={"layers": short}))
    with pytest.raises(Unavailable, match="More than 1000 bytes"):
        await engines.bring(agent, image)
    assert engines.left() == []


async def test_an_image_of_no_bundle_is_given_to_nobody(
    engines: TwoEngines, busybox: Digest
) -> None:
    with pytest.raises(NotFound):
        await engines.scheduler.image(busybox)
    with pytest.raises(InvalidInput, match="cannot be had"):
        await engines.bring(engines.agent(), busybox)


async def test_an_image_of_a_private_bundle_is_not_put_on_ipfs(engines: TwoEngines) -> None:
    image = await engines.image("busybox", private=True)
    with pytest.raises(NotAllowed, match="open to everybody"):
        await engines.scheduler.image(image)


async def test_a_private_image_comes_whole_and_names_nothing_on_the_machine(
    engines: TwoEngines, other: SecondEngine
) -> None:
    image = await engines.image("busybox", private=True)
    await engines.bring(engines.agent(), image)
    assert await engines.has(image)
    assert engines.travelled == []
    assert engines.left() == []
    client = other.client()
    assert client.images.get(image).tags == [f"{REPOSITORY}:{image[7:47]}"]
    client.close()


async def test_only_who_has_a_run_of_an_image_is_given_it_whole(engines: TwoEngines) -> None:
    image, agent = await engines.image("busybox", private=True), address_of("0x" + "12" * 20)
    with pytest.raises(NotFound, match="No run of yours"):
        await engines.scheduler.check_for(image, agent, 100)
    offer = {"job_id": "0x" + "34" * 32, "attempt": 1, "provider": agent, "image": image}
    offer |= {"deadline": 200, "signature": "0x", "chosen_why": "", "answer": "", "why": ""}
    async with engines.rows.write() as tx:
        await upsert(tx, t.offers, offer)
    await engines.scheduler.check_for(image, agent, 200)
    for stranger, now in ((address_of("0x" + "56" * 20), 200), (agent, 201)):
        with pytest.raises(NotFound):
            await engines.scheduler.check_for(image, stranger, now)


async def test_an_image_that_the_engine_has_lost_is_built_again(engines: TwoEngines) -> None:
    image = Digest("sha256:" + "cd" * 32)
    row = {"cid": "of a lost one", "image_name": "", "why": "", "tries": 0, "log": ""}
    async with engines.rows.write() as tx:
        await upsert(tx, t.builds, row | {"lease_until_ms": 0, "digest": image, "private": False})
    with pytest.raises(NotFound, match="not here"):
        await engines.scheduler.image(image)
    async with engines.rows.read() as tx:
        kept = await tx.execute(select(t.builds.c.digest).where(t.builds.c.cid == row["cid"]))
    assert kept.scalar_one() is None


async def test_a_store_that_lost_a_layer_gets_it_again(
    engines: TwoEngines, store: ContentStore
) -> None:
    first, second = await engines.image("busybox"), await engines.image("busybox")
    body = await engines.scheduler.image(first)
    base = min(body.layers, key=lambda layer: layer.bytes)
    lost = await asyncio.to_thread(lose, store, Cid(base.cid))
    assert lost
    agent = engines.agent()
    await engines.bring(agent, second)
    assert await engines.has(second)


def lose(store: ContentStore, cid: Cid) -> int:
    """Damage a file's first block, as a broken disk does."""
    with open_client(store.api, 30) as client:
        block = client.block.get(cid)
    name = hashlib.sha256(block).hexdigest()
    place = store.data / "blocks" / name[:2] / name
    place.unlink()
    return len(block)


async def test_what_is_given_up_is_forgotten_but_for_shared_layers(engines: TwoEngines) -> None:
    first, second = await engines.image("busybox"), await engines.image("busybox")
    bodies = [await engines.scheduler.image(image) for image in (first, second)]
    await engines.scheduler.forget(first)
    async with engines.rows.read() as tx:
        left = set((await tx.execute(select(tables.layers.c.diff_id))).scalars())
        images = list((await tx.execute(select(tables.images.c.digest))).scalars())
    assert left == {layer.diff_id for layer in bodies[1].layers}
    assert images == [second]
    await engines.scheduler.forget(first)  # again changes nothing
    await engines.bring(engines.agent(), second)


async def test_what_is_loaded_has_a_name_and_the_sweep_can_remove_it(engines: TwoEngines) -> None:
    image = await engines.image("busybox")
    await engines.bring(engines.agent(), image)
    found = await engines.engine.ask(lambda api: api.inspect_image(image))
    assert found["RepoTags"] == [f"{REPOSITORY}:{image[7:47]}"]
    await engines.engine.ask(lambda api: api.remove_image(image))
    assert not await engines.has(image)

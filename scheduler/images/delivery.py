"""Images for agents that share no Docker Engine with us: put on IPFS when the first agent asks for one, layer by layer.

Until an agent asks nothing is done, so a build costs no more for it. A layer that an earlier image has is not put there
again. What is on IPFS is named in rows: another scheduler of the same database uses it too.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import structlog
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chain import ipfs
from chain.errors import NotAllowed, NotFound, Unavailable
from chain.image import ImageBody, LayerBody, layers_of
from chain.job import Address, Cid, Digest
from chain.trace import span
from scheduler.images.disk import check_room, disk_of
from scheduler.images.engine import on_engine
from scheduler.images.export import Layer, Parts, layer_names, put_on_ipfs
from scheduler.images.image import ASK_S
from scheduler.rows import tables as t
from scheduler.rows.batch import upsert, upsert_all
from scheduler.rows.database import Store
from scheduler.rows.image_tables import images, layers

log = structlog.get_logger()
EXPORT_S = 900
SAVED_AT_ONCE = 2
WAIT_S = 20.0  # for which one who asks is kept waiting; then it asks again


class Delivery:
    """Puts images on IPFS, each once however many ask.

    Args:
        api: the IPFS node's.
    """

    def __init__(self, store: Store, api: str) -> None:
        self._store = store
        self._api = api
        self._under_way: dict[Digest, asyncio.Task[None]] = {}
        self.saving = asyncio.Semaphore(SAVED_AT_ONCE)  # each is a copy on the Engine's disk

    async def image(self, digest: Digest) -> ImageBody:
        """Where the parts of an image are.

        Raises:
            NotFound: no bundle that is known here has this image.
            NotAllowed: it is of a private bundle.
            Unavailable: it is not there yet, or the Engine or the IPFS node does not answer: ask again.
        """
        found = await self._known(digest)
        if found is not None:
            return found
        task = self._under_way.get(digest)
        if task is None:
            task = self._under_way[digest] = asyncio.create_task(self._put(digest))
            task.add_done_callback(lambda done: self._ended(digest, done))
        await asyncio.wait({task}, timeout=WAIT_S)
        if not task.done():
            raise Unavailable("The image is being put on IPFS.", "Ask again.")
        task.result()
        found = await self._known(digest)
        if found is None:
            raise Unavailable("The image was given up meanwhile.", "Ask again.")
        return found

    async def check_for(self, digest: Digest, agent: Address, now: int) -> None:
        """See that an agent has been offered, or has claimed, a run of this private image, and that the Engine has it
        and room to write it down.

        Args:
            now: chain second.

        Raises:
            NotFound: neither, or it is not there, or open and so on IPFS.
            Unavailable: the Engine does not answer, or has no room.
        """
        o, r = t.offers.c, t.runs.c
        offered = select(o.job_id).where(o.provider == agent, o.image == digest, o.deadline >= now)
        claimed = select(r.job_id).where(
            r.provider == agent, r.image == digest, r.settled.is_(False)
        )
        async with self._store.read() as tx:
            if (await tx.execute(offered.union(claimed).limit(1))).first() is None:
                raise NotFound(f"No run of yours has the image {digest}.", "Ask for your own.")
            secret = select(t.builds.c.cid).where(t.builds.c.digest == digest, t.builds.c.private)
            if (await tx.execute(secret.limit(1))).first() is None:
                raise NotFound(f"{digest} is not private.", "Ask for its layers.")
        await self._names(digest)
        await on_engine(lambda engine: check_room(disk_of(engine.info())), ASK_S)

    async def _names(self, digest: Digest) -> list[Digest]:
        """The layers of an image. One that the Engine has lost is built again for whoever needs it next."""
        try:
            return await on_engine(partial(layer_names, image=digest), ASK_S)
        except NotFound:
            lost = update(t.builds).where(t.builds.c.digest == digest)
            async with self._store.write() as tx:
                await tx.execute(lost.values(digest=None, image_name=""))
            log.warning("image.lost", digest=digest)
            raise

    async def is_layer(self, cid: Cid) -> bool:
        """Whether a CID names a layer of an image that was put on IPFS."""
        query = select(layers.c.diff_id).where(layers.c.cid == cid).limit(1)
        async with self._store.read() as tx:
            return (await tx.execute(query)).first() is not None

    async def lost(self, cid: Cid) -> None:
        """The node did not give this layer: whoever asks for an image of it next has it put there again."""
        async with self._store.write() as tx:
            await tx.execute(delete(layers).where(layers.c.cid == cid))

    async def forget(self, digest: Digest) -> None:
        """The image is given up: its layers that no other image has may go.

        Raises:
            Unavailable: the IPFS node does not answer; nothing is forgotten.
        """
        i, gone = images.c, layers.c.diff_id
        named = select(i.root, i.config).where(i.digest == digest)
        async with self._store.read() as tx:
            row = (await tx.execute(named)).first()
        if row is None:
            return
        await ipfs.unpin(self._api, row.root)  # first: a row that stays has it unpinned again
        async with self._store.write() as tx:
            await tx.execute(delete(images).where(i.digest == digest))
            others = (await tx.execute(select(i.digest, i.config))).all()
            kept = {name for one in others for name in layers_of(one.config.encode(), one.digest)}
            left = set(layers_of(row.config.encode(), digest)) - kept
            await tx.execute(delete(layers).where(gone.in_(sorted(left))))

    async def close(self) -> None:
        """Break off what is under way; who needs it asks again."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, digest: Digest, done: asyncio.Task[None]) -> None:
        del self._under_way[digest]
        if not done.cancelled() and (error := done.exception()) is not None:
            log.warning("image.not_on_ipfs", digest=digest, error=str(error)[:300])

    async def _known(self, digest: Digest) -> ImageBody | None:
        async with self._store.read() as tx:
            row = (await tx.execute(select(images).where(images.c.digest == digest))).first()
            if row is None:
                return None
            config = str(row.config)
            names = layers_of(config.encode(), digest)
            found = await known_layers(tx, names)
        if set(found) != set(names):
            return None
        return ImageBody(
            digest=digest,
            config=config,
            layers=[
                LayerBody(diff_id=name, cid=one.cid, bytes=one.bytes) for name, one in found.items()
            ],
        )

    async def _put(self, digest: Digest) -> None:
        async with self._store.read() as tx:
            await check_open(tx, digest)
        names = await self._names(digest)
        async with self._store.read() as tx:
            known = await known_layers(tx, names)
        with span("deliver"):
            parts = await self._export(digest, known)
        try:
            config = parts.config.decode()
        except UnicodeDecodeError:
            raise Unavailable(f"The configuration of {digest} is not UTF-8.") from None
        async with self._store.write() as tx:
            await note(tx, digest, config, parts)
        log.info("image.on_ipfs", digest=digest, root=parts.root, added_bytes=parts.added_bytes)

    async def _export(self, digest: Digest, known: dict[Digest, Layer]) -> Parts:
        """Once more with nothing taken for known when the node has lost a layer."""
        put = partial(put_on_ipfs, image=digest, api=self._api)
        try:
            return await on_engine(partial(put, known=known), EXPORT_S, EXPORT_S)
        except Unavailable:
            if not known:
                raise
            await ipfs.version(self._api)
        return await on_engine(partial(put, known={}), EXPORT_S, EXPORT_S)


async def check_open(tx: AsyncConnection, digest: Digest) -> None:
    """What is on IPFS is everybody's to read.

    Raises:
        NotFound: no bundle has this image.
        NotAllowed: a private one has.
    """
    b = t.builds.c
    rows = (await tx.execute(select(b.private).where(b.digest == digest))).all()
    if not rows:
        raise NotFound(f"No bundle that is known here is {digest}.", "Check the digest.")
    if any(secret for (secret,) in rows):
        told = "The image is of a private bundle, and IPFS is open to everybody."
        raise NotAllowed(told, "The agent that has a run of it asks for its archive.")


async def known_layers(tx: AsyncConnection, names: list[Digest]) -> dict[Digest, Layer]:
    """Those of these layers that are on IPFS as far as we know."""
    rows = await tx.execute(select(layers).where(layers.c.diff_id.in_(names)))
    return {Digest(row.diff_id): Layer(Cid(row.cid), row.bytes, row.total) for row in rows}


async def note(tx: AsyncConnection, digest: Digest, config: str, parts: Parts) -> None:
    """Write down where an image's parts are."""
    await upsert(tx, images, {"digest": digest, "root": parts.root, "config": config})
    rows: list[dict[str, Any]] = [
        {"diff_id": name, "cid": one.cid, "bytes": one.bytes, "total": one.total}
        for name, one in sorted(parts.layers.items())
    ]
    await upsert_all(tx, layers, rows)

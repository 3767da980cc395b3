"""Two Engines that share nothing: images are built on the machine's own, and brought to a second one."""

from __future__ import annotations

import asyncio
import io
import os
import secrets
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import docker

from agent.engine.engine import Engine
from agent.runs.delivery import Delivery as Bringing
from agent.runs.delivery import Fetch, Sources, from_node
from chain.folder import MIB
from chain.image import ImageBody, LayerBody
from chain.job import Cid, Digest
from scheduler.images.delivery import Delivery
from scheduler.images.export import saved
from scheduler.rows import tables as t
from scheduler.rows.batch import upsert
from scheduler.rows.database import Store, open_store
from tests.second_engine import SecondEngine

LAYER_BYTES = 3 * MIB


@contextmanager
def own_engine() -> Iterator[docker.DockerClient]:
    """The machine's."""
    client = docker.DockerClient(base_url="unix:///var/run/docker.sock")
    try:
        yield client
    finally:
        client.close()


def build(start: str, content: bytes) -> Digest:
    """An image of another one with a layer of a file on top, on the machine's own Engine."""
    files = {"Dockerfile": f"FROM {start}\nCOPY data /data\n".encode(), "data": content}
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    context.seek(0)
    with own_engine() as engine:
        tag = f"draas/test:{secrets.token_hex(8)}"  # what has no name may be pruned by anybody
        image, _ = engine.images.build(fileobj=context, custom_context=True, rm=True, tag=tag)
        return Digest(str(image.id))


@dataclass
class TwoEngines:
    """A scheduler's part of the delivery on one Engine, an agent's on the other.

    Args:
        travelled: bytes of each layer that was fetched, in order.
    """

    rows: Store
    api: str
    other: SecondEngine
    folder: Path
    scheduler: Delivery
    engine: Engine
    made: list[Digest] = field(default_factory=list)
    travelled: list[int] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    async def image(self, start: str, content: bytes = b"", private: bool = False) -> Digest:
        """An image that a bundle was built into; with 3 MiB of noise if no content is given."""
        digest = await asyncio.to_thread(build, start, content or secrets.token_bytes(LAYER_BYTES))
        self.made.append(digest)
        row = {"cid": Cid(f"of {digest}"), "image_name": "", "why": "", "tries": 0, "log": ""}
        async with self.rows.write() as tx:
            await upsert(
                tx, t.builds, row | {"lease_until_ms": 0, "digest": digest, "private": private}
            )
        return digest

    def agent(self, *sources: Fetch, **changes: ImageBody) -> Bringing:
        """The agent's part, of whom `changes` says what it is told of images, and `sources` where it gets layers."""

        async def image(digest: Digest) -> ImageBody:
            return changes.get("image") or await self.scheduler.image(digest)

        layers = tuple(map(self._counted, sources or (from_node(self.api),)))
        return Bringing(
            self.engine, self.folder / "layers", Sources(image, layers, self._whole), 1024 * MIB
        )

    async def _whole(self, digest: Digest, path: Path, most: int) -> None:
        """As the scheduler sends it."""
        data = b"".join(await asyncio.to_thread(lambda: list(saved(digest))))
        assert len(data) <= most
        await asyncio.to_thread(path.write_bytes, data)

    def _counted(self, source: Fetch) -> Fetch:
        async def fetch(layer: LayerBody, path: Path) -> None:
            await source(layer, path)
            self.travelled.append(path.stat().st_size)

        return fetch

    async def bring(self, agent: Bringing, digest: Digest) -> None:
        await agent.bring(digest, self.told.append)

    async def has(self, digest: Digest) -> bool:
        """Whether the second Engine has it."""
        return await self.engine.has_image(digest)

    def left(self) -> list[str]:
        """Files of layers that wait to be loaded."""
        return [path.name for path in (self.folder / "layers").glob("*")]

    async def close(self) -> None:
        await self.scheduler.close()
        await self.rows.close()
        await asyncio.to_thread(self._clear)
        self.engine.close()

    def _clear(self) -> None:
        with own_engine() as engine:
            for digest in reversed(self.made):
                engine.images.remove(digest, force=True)
        client = self.other.client()
        for image in client.images.list(all=True):
            client.images.remove(image.id, force=True)
        client.close()


async def two_engines(api: str, other: SecondEngine, folder: Path) -> TwoEngines:
    """With rows of their own."""
    rows = await open_store(f"sqlite:///{folder / 'rows.sqlite3'}")
    return TwoEngines(rows, api, other, folder, Delivery(rows, api), Engine(other.client()))


IS_ROOT = os.getuid() == 0

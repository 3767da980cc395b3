"""Images from a scheduler on another machine: layer by layer, each checked against the image's digest.

What the Engine has already is not fetched. A layer that came stays in a file until its image is loaded, so that a
fetch that is broken off goes on with the next one; several runs that want one image, or one layer, fetch it once.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from agent.engine.engine import Engine
from agent.engine.layers import layers_here, load
from agent.engine.saved import unpack_saved
from chain.car_file import write_file
from chain.cid import cid_bytes
from chain.errors import DraasError, InvalidInput, NotAllowed, NotFound, TooLarge, Unavailable
from chain.folder import MIB
from chain.image import ImageBody, LayerBody, layers_of
from chain.ipfs_stream import car_of
from chain.job import Digest
from chain.trace import span

log = structlog.get_logger()
SPARE_BYTES = 512 * MIB
COPIES = 3  # of a new layer on the disk, at the worst: our file, the Engine's, and what it unpacks
NODE_SILENT_S = 10.0  # for which our own IPFS node may look for a layer

Fetch = Callable[[LayerBody, Path], Awaitable[None]]
Whole = Callable[[Digest, Path, int], Awaitable[None]]
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Sources:
    """Where images come from.

    Args:
        image: asks the scheduler what an image is made of.
        layers: ways to write a layer's tar to a new file, tried in order; each checks it against the CID.
        whole: writes an Engine's archive of a private image, of so many bytes at most, to a new file.
    """

    image: Callable[[Digest], Awaitable[ImageBody]]
    layers: Sequence[Fetch]
    whole: Whole


class Turns:
    """Whose turn it is with a thing of some digest; nothing is kept of what nobody waits for."""

    def __init__(self) -> None:
        self._locks: dict[Digest, asyncio.Lock] = {}
        self._here: Counter[Digest] = Counter()

    @asynccontextmanager
    async def of(self, digest: Digest) -> AsyncIterator[None]:
        """One after another."""
        self._here[digest] += 1
        try:
            async with self._locks.setdefault(digest, asyncio.Lock()):
                yield
        finally:
            self._here[digest] -= 1
            if not self._here[digest]:
                del self._here[digest], self._locks[digest]


@dataclass
class Delivery:
    """Brings images.

    Args:
        folder: for layers on their way.
        most_bytes: that one image may bring.
    """

    engine: Engine
    folder: Path
    sources: Sources
    most_bytes: int
    _turns: Turns = field(default_factory=Turns)
    _wanted: Counter[Digest] = field(default_factory=Counter)

    async def bring(self, image: Digest, tell: Tell) -> None:
        """Have the Engine hold this image.

        Args:
            tell: told how far it has come.

        Raises:
            InvalidInput: it cannot be had here, or what is offered for it is something else.
            Unavailable: the scheduler, every source of a layer, or the Engine does not answer: try again.
        """
        async with self._turns.of(image):
            if await self.engine.has_image(image):
                return  # another run has brought it meanwhile
            with span("deliver"):
                await self._bring(image, tell)

    async def _bring(self, image: Digest, tell: Tell) -> None:
        tell("asking the scheduler for the image")
        try:
            offered = await self.sources.image(image)
        except NotFound as error:
            told = f"The image {image} is not on this machine, and cannot be had: {error.message}"
            raise InvalidInput(told, "Let the scheduler build it again.") from None
        except NotAllowed:
            await self._bring_whole(image, tell)
            return
        config = offered.config.encode()
        layers = layers_of(config, image)
        have = await self.engine.ask(lambda api: layers_here(api, layers))
        missing = _bodies(offered, layers[have:])
        await asyncio.to_thread(self._check_room, missing)
        names = [Digest(one.diff_id) for one in missing]
        self._wanted.update(names)
        try:
            for done, layer in enumerate(missing):
                tell(f"fetching layer {done + 1} of {len(missing)}, {layer.bytes // MIB} MiB")
                await self._fetch(layer)
            tell("loading the image")
            files = {name: self._path(name) for name in names}
            await self.engine.ask(lambda api: load(api, image, config, layers, files))
            await asyncio.to_thread(self._drop, [n for n in names if self._wanted[n] == 1])
        finally:
            self._wanted.subtract(names)
            self._wanted = +self._wanted
        fetched = sum(one.bytes for one in missing)
        log.info("image.brought", digest=image, layers=len(missing), had=have, bytes=fetched)

    async def _bring_whole(self, image: Digest, tell: Tell) -> None:
        """A private image: nobody but its scheduler has it, and its layers are in no store."""
        tell("fetching the private image from the scheduler")
        most = min(self.most_bytes, await asyncio.to_thread(self._room) // (COPIES + 1))
        place = self._path(image).with_suffix(".whole")
        await asyncio.to_thread(place.mkdir, mode=0o700, exist_ok=True)
        try:
            await self.sources.whole(image, place / "archive.tar", most)
            config, files = await asyncio.to_thread(unpack_saved, place / "archive.tar", image)
            layers = layers_of(config, image)
            if not files.keys() >= set(layers):
                raise InvalidInput(f"Not all layers of {image} came.", "Try again.")
            tell("loading the image")
            wanted = {name: files[name] for name in layers}
            await self.engine.ask(lambda api: load(api, image, config, layers, wanted))
        except (NotFound, TooLarge) as error:
            raise InvalidInput(f"The image {image} cannot be had: {error.message}") from None
        finally:
            await asyncio.to_thread(shutil.rmtree, place, ignore_errors=True)
        log.info("image.brought_whole", digest=image, layers=len(layers))

    def _room(self) -> int:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return max(0, shutil.disk_usage(self.folder).free - SPARE_BYTES)

    def _check_room(self, missing: list[LayerBody]) -> None:
        free = self._room()
        size = sum(one.bytes for one in missing if not self._path(Digest(one.diff_id)).exists())
        if size > self.most_bytes:
            told = f"The image brings {size // MIB} MiB, more than the {self.most_bytes // MIB} set aside."
            raise InvalidInput(
                told, "Make the image smaller, or let the provider raise AGENT_DISK."
            )
        if COPIES * size > free:
            told = f"The image brings {size // MIB} MiB, and {free // MIB} MiB of disk are free."
            raise InvalidInput(told, "Make the image smaller.")

    async def _fetch(self, layer: LayerBody) -> None:
        """Have a layer's tar in its file, by the first source that gives it."""
        name = Digest(layer.diff_id)
        async with self._turns.of(name):
            if await asyncio.to_thread(self._path(name).exists):
                return
            why = ""
            for source in self.sources.layers:
                part = self._path(name).with_suffix(".part")
                try:
                    await source(layer, part)
                    await asyncio.to_thread(_keep, part, self._path(name), name)
                    return
                except DraasError as error:
                    why = f"{why} {error.message}"
                    log.info("layer.not_had", layer=name, cid=layer.cid, why=error.message)
                finally:
                    await asyncio.to_thread(part.unlink, missing_ok=True)
            raise Unavailable(f"A layer of the image cannot be had:{why}", "Try again.")

    def _path(self, layer: Digest) -> Path:
        return self.folder / layer.removeprefix("sha256:")

    def _drop(self, layers: Iterable[Digest]) -> None:
        for layer in layers:
            with suppress(OSError):
                self._path(layer).unlink(missing_ok=True)


def _bodies(offered: ImageBody, wanted: Iterable[Digest]) -> list[LayerBody]:
    """Each layer once, as it is offered.

    Raises:
        InvalidInput: one is not.
    """
    known = {layer.diff_id: layer for layer in offered.layers}
    names = list(dict.fromkeys(wanted))
    if any(name not in known for name in names):
        raise InvalidInput(f"Not all layers of {offered.digest} are offered.", "Try again.")
    return [known[name] for name in names]


def _keep(part: Path, path: Path, layer: Digest) -> None:
    """Raises `InvalidInput` when the tar is not this layer's, whatever its CID says."""
    with part.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if f"sha256:{found}" != layer:
        raise InvalidInput(f"What came as layer {layer} is something else.", "Try again.")
    part.rename(path)


def from_node(api: str) -> Fetch:
    """Layers from an IPFS node, which may look for them elsewhere."""

    async def fetch(layer: LayerBody, path: Path) -> None:
        await asyncio.to_thread(_from_node, api, layer, path)

    return fetch


def _from_node(api: str, layer: LayerBody, path: Path) -> None:
    root = cid_bytes(layer.cid)
    with car_of(api, root, NODE_SILENT_S) as chunks, path.open("w+b") as file:
        write_file(chunks, root, file, layer.bytes)

"""From a CID to an image: fetch, check, read the manifest, build, once a bundle however often it is posted."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import replace
from pathlib import Path

from chain import ipfs
from chain.errors import BuildFailed, DraasError, InvalidInput, NotFound, Unavailable
from chain.folder import Limits
from chain.instruments import histogram, timed
from chain.job import Cid, Digest
from chain.manifest import MANIFEST_NAME, MAX_MANIFEST_BYTES, Manifest, parse_manifest
from chain.trace import span
from scheduler.dockerfile import base_images, check_dockerfile, python_dockerfile
from scheduler.image import BuildLog, build_image, has_image, pull_bases, push_image
from scheduler.settings import Settings
from scheduler.signals import ChainClock
from scheduler.store import BuildRow, Store, load_build, save_build

RETRY_S = (2, 5, 10, 20, 40, 60)  # seconds between tries


class Builder:
    """Builds bundles; a bundle that is being built is not begun again."""

    def __init__(self, store: Store, clock: ChainClock, settings: Settings, api: str) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._api = api
        self._logs: dict[Cid, BuildLog] = {}
        self._room = asyncio.Semaphore(settings.builds_at_once)
        self._turns: dict[Cid, asyncio.Lock] = {}
        self._asked = 0
        told = "Time that a build took, from its turn to its image."
        self.seconds = histogram("draas_build_seconds", told, ("outcome",))

    @property
    def running(self) -> int:
        """Builds under way."""
        return len(self._logs)

    @property
    def waiting(self) -> int:
        """Builds that wait for their turn."""
        return self._asked - len(self._logs)

    async def log_of(self, cid: Cid) -> str:
        """The build's output so far."""
        live = self._logs.get(cid)
        if live is not None:
            return live.text
        async with self._store.read() as tx:
            row = await load_build(tx, cid)
        return row.log if row else ""

    async def build(self, cid: Cid) -> BuildRow:
        """Have the bundle's image, or the definite reason why there is none, or when to try again."""
        self._asked += 1
        try:
            return await self._in_turn(cid)
        finally:
            self._asked -= 1

    async def _in_turn(self, cid: Cid) -> BuildRow:
        async with self._turns.setdefault(cid, asyncio.Lock()), self._room:
            async with self._store.read() as tx:
                row = await load_build(tx, cid) or BuildRow(cid)
            if row.refused is not None or await self._still_there(row):
                return row
            log = self._logs[cid] = BuildLog(self._settings.build.log_bytes)
            try:
                row = await self._try(row, log)
            finally:
                del self._logs[cid]
            async with self._store.write() as tx:
                await save_build(tx, row)
            return row

    async def _still_there(self, row: BuildRow) -> bool:
        if row.digest is None:
            return False
        try:
            return await has_image(row.digest)
        except Unavailable:
            return False

    async def _try(self, row: BuildRow, log: BuildLog) -> BuildRow:
        try:
            with timed(self.seconds):
                return await self._build(row, log)
        except (InvalidInput, BuildFailed) as error:
            return replace(row, digest=None, refused=str(error), postponed_until=None, log=log.text)
        except NotFound as error:
            why = f"bundle not found: {error.message}"
        except DraasError as error:
            why = str(error)
        pause = RETRY_S[min(row.tries, len(RETRY_S) - 1)]
        until = self._clock.now() + pause
        return replace(row, postponed_until=until, why=why, tries=row.tries + 1, log=log.text)

    async def _build(self, row: BuildRow, log: BuildLog) -> BuildRow:
        settings, cid = self._settings, row.cid
        with tempfile.TemporaryDirectory(prefix="draas-build-") as scratch:
            folder = Path(scratch) / "bundle"
            log.add(f"Fetching {cid}\n")
            limits = Limits(max_bytes=settings.max_bundle_bytes)
            with span("fetch"):
                await ipfs.fetch_folder(
                    self._api, cid, folder, limits=limits, deadline_s=settings.fetch_s
                )
            manifest = await asyncio.to_thread(read_manifest, folder)
            bases = await asyncio.to_thread(prepare_dockerfile, folder, manifest)
            await pull_bases(bases, log)
            tag = f"draas/bundle:{cid[-40:]}"
            with span("build"):
                digest = await build_image(folder, tag, {"draas.bundle": cid}, settings.build, log)
        name = await self._push(cid, digest)
        done = replace(row, digest=digest, image_name=name, manifest=manifest, postponed_until=None)
        return replace(done, why="", tries=0, log=log.text)

    async def _push(self, cid: Cid, digest: Digest) -> str:
        registry = self._settings.registry
        if registry is None:
            return ""
        name = f"{registry.username}/draas-bundle:{cid[-40:]}"
        await push_image(digest, name, registry)
        return name


def read_manifest(folder: Path) -> Manifest:
    """The bundle's manifest, or the defaults.

    Raises:
        InvalidInput: it cannot be read.
    """
    path = folder / MANIFEST_NAME
    if not path.is_file():
        return Manifest()
    with path.open("rb") as file:
        return parse_manifest(file.read(MAX_MANIFEST_BYTES + 1))


def prepare_dockerfile(folder: Path, manifest: Manifest) -> list[str]:
    """Check the bundle's Dockerfile, or write one; returns the base images it starts from.

    Raises:
        InvalidInput: it may not be built here, or there is nothing to build.
    """
    path = folder / "Dockerfile"
    if path.is_file():
        text = path.read_bytes().decode(errors="replace")
    else:
        text = python_dockerfile([entry.name for entry in folder.iterdir()], manifest.command)
        path.write_text(text)
    check_dockerfile(text)
    return base_images(text)

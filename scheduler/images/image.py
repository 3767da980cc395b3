"""Builds an image on the Docker Engine, with limits and a log that can be read while it grows.

A build that fails is the bundle's fault only when the Engine builds something else right afterwards: an Engine
that stops half-way, or has no room on its disk, says nothing about the bundle.
"""

from __future__ import annotations

import asyncio
import io
import secrets
import tarfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError

from chain.errors import BuildFailed, Unavailable
from chain.job import Digest
from scheduler.images.build_log import BuildLog
from scheduler.images.cgroup import build_group
from scheduler.images.classic import Order, Progress, build, read_output
from scheduler.images.disk import (
    LOOK_S,
    NoRoom,
    check_room,
    check_size,
    clear,
    disk_of,
    second_of,
    watch,
)
from scheduler.images.enclosure import way_out
from scheduler.images.engine import ENGINE_FIX, Late, on_engine
from scheduler.images.limits import STEP_LABEL, BuildLimits

ASK_S = 60  # for a question
PUSH_S = 600
DOCKERFILE = ".draas-dockerfile"  # in the folder that is built
PROBE_LABEL = "draas.probe"
PROBE_BYTES = 1024**2


@dataclass(frozen=True, slots=True)
class Registry:
    """Where to push.

    Args:
        username, password: "" where nobody has to log in.
        host: of the registry, with its port; "" for Docker Hub.
    """

    username: str
    password: str = field(repr=False)
    host: str = ""

    @property
    def repository(self) -> str:
        """Of all bundles' images."""
        own = f"{self.username or 'draas'}/draas-bundle"
        return f"{self.host}/{own}" if self.host else own


@dataclass(frozen=True, slots=True)
class Ground:
    """The Engine that builds.

    Args:
        driver: of control groups.
        root: of its disk, where this machine can see it.
        now_s: Unix second of its clock.
    """

    driver: str
    root: Path | None
    now_s: int


async def build_image(
    folder: Path,
    tag: str,
    labels: Mapping[str, str],
    limits: BuildLimits,
    log: BuildLog,
    step: str = f"{STEP_LABEL}=1",
) -> Digest:
    """Build what the folder's `DOCKERFILE` says.

    Args:
        tag: the image's name.
        labels: the image's.
        step: label, as name=value, of all that is made on the way, by which it is found and counted.

    Raises:
        BuildFailed: a definite answer: it does not build, or not within the limits.
        Unavailable: the Engine did not answer, stopped half-way, or cannot build anything now.
    """
    begun = log.size
    ground = await on_engine(_look_first, ASK_S)
    progress = Progress(log, ground.now_s)
    async with build_group(secrets.token_hex(8), limits.processes, ground.driver) as group:
        order = Order(folder, DOCKERFILE, tag, labels, limits, group)
        try:
            async with way_out(order, step, log) as enclosed:
                return await _watched(enclosed, progress, step, ground.root)
        except Late:
            failure = BuildFailed(
                f"The build took more than {limits.seconds} s.", "Make it shorter."
            )
            if log.size == begun:
                raise Unavailable("The Docker Engine did not begin to build.", ENGINE_FIX) from None
        except BuildFailed as error:
            failure = error
    await on_engine(_check_room, ASK_S)
    await on_engine(_probe, ASK_S)
    raise failure


async def _watched(order: Order, progress: Progress, label: str, root: Path | None) -> Digest:
    """Build while a second thread looks at the disk."""
    seconds, done = order.limits.seconds, threading.Event()
    building = asyncio.create_task(
        on_engine(partial(_build, order=order, progress=progress), seconds, seconds)
    )
    watching = asyncio.create_task(_watch(order, progress, label, done, root))
    try:
        await asyncio.wait({building, watching}, return_when=asyncio.FIRST_COMPLETED)
        if building.done():
            return await building
        await watching  # raises: it never ends otherwise
    except BuildFailed:
        await _ended(building)
        if watching.done():
            with suppress(Unavailable):  # then the sweep does it
                await on_engine(partial(clear, order=order, progress=progress, label=label), ASK_S)
        raise
    finally:
        done.set()
        await _ended(building)
        await _ended(watching)
    return await building


async def _watch(
    order: Order, progress: Progress, label: str, done: threading.Event, root: Path | None
) -> None:
    """Watch until it has to stop the build; an Engine that does not answer the watch is asked again."""
    look = partial(watch, order=order, progress=progress, label=label, done=done, root=root)
    while True:
        try:
            return await on_engine(look, order.limits.seconds + ASK_S)
        except NoRoom:
            raise
        except Unavailable:
            await asyncio.sleep(LOOK_S)


async def _ended(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.wait({task})


async def push_image(digest: Digest, tag: str, registry: Registry) -> str:
    """Push an image; by what name it can be pulled: that of its manifest's digest, which stands for nothing else.

    Raises:
        Unavailable: the Engine or the registry did not take it.
    """
    return await on_engine(lambda engine: _push(engine, digest, tag, registry), PUSH_S)


def _build(engine: docker.DockerClient, order: Order, progress: Progress) -> Digest:
    digest = build(engine, order, progress)
    check_size(engine, digest, order.limits.image_mib)
    return digest


def _look_first(engine: docker.DockerClient) -> Ground:
    """Raises `NoRoom` when there is no room to build at all."""
    told = engine.info()
    root = disk_of(told)
    check_room(root)
    return Ground(str(told.get("CgroupDriver", "")), root, second_of(str(told["SystemTime"])))


def _check_room(engine: docker.DockerClient) -> None:
    check_room(disk_of(engine.info()))


def _probe(engine: docker.DockerClient) -> None:
    """Build something that always builds. Raises `Unavailable` when even that fails."""
    files = {
        "Dockerfile": b"FROM scratch\nCOPY probe /probe\n",
        "probe": secrets.token_bytes(PROBE_BYTES),
    }
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    context.seek(0)
    output = engine.api.build(
        fileobj=context, custom_context=True, rm=True, forcerm=True, decode=True,
        labels={PROBE_LABEL: "1"},
    )  # fmt: skip
    try:
        digest = read_output(output, Progress(BuildLog(0)))
    except BuildFailed as error:
        raise Unavailable(f"The Docker Engine builds nothing now: {error.message}", "") from None
    with suppress(APIError):
        engine.images.remove(digest)


def _push(engine: docker.DockerClient, digest: Digest, tag: str, registry: Registry) -> str:
    repository = registry.repository
    engine.images.get(digest).tag(repository, tag)
    login = {"username": registry.username, "password": registry.password}
    pushed = engine.images.push(repository, tag, auth_config=login, stream=True, decode=True)
    manifest = ""
    for part in pushed:
        if "error" in part:
            told = f"The registry did not take the image: {part['error']}"
            raise Unavailable(told, "Check DOCKER_*.")
        about = part.get("aux")
        if isinstance(about, dict):
            manifest = str(about.get("Digest") or manifest)
    return f"{repository}@{manifest}" if manifest else f"{repository}:{tag}"

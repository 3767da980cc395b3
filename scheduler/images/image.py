"""Builds an image on the Docker Engine, with limits and a log that can be read while it grows.

A build that fails is the bundle's fault only when the Engine builds something else right afterwards: an Engine
that stops half-way, or has no room on its disk, says nothing about the bundle.
"""

from __future__ import annotations

import io
import secrets
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, ImageNotFound, NotFound

from chain.errors import BuildFailed, Unavailable
from chain.job import Digest
from scheduler.images.engine import ENGINE_FIX, Late, on_engine

ASK_S = 60  # for a question
PULL_S = 300
PUSH_S = 600
DOCKERFILE = ".draas-dockerfile"  # in the folder that is built
PROBE_LABEL = "draas.probe"
PROBE_BYTES = 1024**2
DISK_SPARE_BYTES = 256 * 1024**2  # below it, what fails fails for want of room


@dataclass(frozen=True, slots=True)
class BuildLimits:
    """What a build may take. `network` is the Engine's network mode: "none", unless the operator says otherwise."""

    network: str = "none"
    memory_mib: int = 2048
    seconds: int = 600
    log_bytes: int = 512 * 1024


@dataclass
class BuildLog:
    """The log of one build; written by the building thread, read by anybody."""

    limit: int
    parts: list[str] = field(default_factory=list)
    size: int = 0

    def add(self, text: str) -> None:
        """Append, up to the limit."""
        if self.size >= self.limit:
            return
        self.parts.append(text.replace("\x00", "\ufffd")[: self.limit])
        self.size += len(text)
        if self.size >= self.limit:
            self.parts.append("\nThe build log is cut here: it reached its limit.\n")

    @property
    def text(self) -> str:
        """All there is so far."""
        return "".join(self.parts)


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


async def build_image(
    folder: Path, tag: str, labels: Mapping[str, str], limits: BuildLimits, log: BuildLog
) -> Digest:
    """Build what the folder's `DOCKERFILE` says.

    Raises:
        BuildFailed: a definite answer: it does not build, or not within the limits.
        Unavailable: the Engine did not answer, stopped half-way, or cannot build anything now.
    """
    await on_engine(_check_room, ASK_S)
    begun = log.size
    try:
        return await on_engine(
            lambda engine: _build(engine, folder, tag, labels, limits, log),
            limits.seconds,
            limits.seconds,
        )
    except Late:
        failure = BuildFailed(f"The build took more than {limits.seconds} s.", "Make it shorter.")
        if log.size == begun:
            raise Unavailable("The Docker Engine did not begin to build.", ENGINE_FIX) from None
    except BuildFailed as error:
        failure = error
    await on_engine(_check_room, ASK_S)
    await on_engine(_probe, ASK_S)
    raise failure


async def pull_bases(names: list[str], log: BuildLog) -> None:
    """Have every base image on the Engine before the build, so that a registry's silence is told from a no.

    Raises:
        BuildFailed: the registry says that there is no such image.
        Unavailable: the Engine or the registry did not answer.
    """
    for name in names:
        await on_engine(partial(_pull, name=name, log=log), PULL_S)


async def has_image(digest: Digest) -> bool:
    """Whether the Engine still has this image.

    Raises:
        Unavailable: the Engine did not answer.
    """
    return await on_engine(lambda engine: _has(engine, digest), ASK_S)


async def push_image(digest: Digest, tag: str, registry: Registry) -> str:
    """Push an image; by what name it can be pulled: that of its manifest's digest, which stands for nothing else.

    Raises:
        Unavailable: the Engine or the registry did not take it.
    """
    return await on_engine(lambda engine: _push(engine, digest, tag, registry), PUSH_S)


def _has(engine: docker.DockerClient, digest: Digest) -> bool:
    try:
        engine.images.get(digest)
    except ImageNotFound:
        return False
    return True


def _pull(engine: docker.DockerClient, name: str, log: BuildLog) -> None:
    try:
        engine.images.get(name)
        return
    except ImageNotFound:
        log.add(f"Pulling {name}\n")
    try:
        engine.images.pull(name)
    except NotFound:
        raise BuildFailed(f"There is no base image {name}.", "Correct FROM.") from None
    except APIError as error:
        fix = "Have the scheduler's operator pull it, or start FROM another image."
        raise Unavailable(
            f"The base image {name} cannot be pulled: {error.explanation}", fix
        ) from None


def _build(
    engine: docker.DockerClient,
    folder: Path,
    tag: str,
    labels: Mapping[str, str],
    limits: BuildLimits,
    log: BuildLog,
) -> Digest:
    memory = limits.memory_mib * 1024**2
    try:
        output = engine.api.build(
            path=str(folder),
            dockerfile=DOCKERFILE,
            tag=tag,
            labels=dict(labels),
            rm=True,
            forcerm=True,
            decode=True,
            network_mode=limits.network,
            container_limits={"memory": memory, "memswap": memory},
        )
        return _read_output(output, log)
    except APIError as error:
        if error.status_code == 400:  # the Engine reads the Dockerfile before it begins
            raise BuildFailed(f"The Dockerfile is not one: {error.explanation}", "") from None
        raise


def _read_output(output: Iterator[dict[str, Any]], log: BuildLog) -> Digest:
    digest: Digest | None = None
    for part in output:
        if "stream" in part:
            log.add(part["stream"])
        if "error" in part:
            log.add(part["error"])
            raise BuildFailed(f"The image does not build: {str(part['error']).strip()[:1500]}", "")
        identity = part.get("aux", {}).get("ID") if isinstance(part.get("aux"), dict) else None
        if isinstance(identity, str):
            digest = Digest(identity)
    if digest is None:
        raise Unavailable("The Docker Engine ended the build without an image.", ENGINE_FIX)
    return digest


def _check_room(engine: docker.DockerClient) -> None:
    """Raises `Unavailable` when the Engine's disk, if this machine can see it, is nearly full."""
    root = Path(str(engine.info().get("DockerRootDir", "")))
    if root.is_dir() and shutil.disk_usage(root).free < DISK_SPARE_BYTES:
        raise Unavailable("The Docker Engine has no room on its disk.", f"Make room in {root}.")


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
        digest = _read_output(output, BuildLog(0))
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

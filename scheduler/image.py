"""Builds an image on the Docker Engine, with limits and a log that can be read while it grows."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import docker
import requests
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from urllib3.exceptions import HTTPError

from chain.errors import BuildFailed, Unavailable
from chain.job import Digest

Result = TypeVar("Result")

ENGINE_FIX = "Start the Docker Engine, or let this user reach its socket."


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
    """Where to push: a Docker Hub account."""

    username: str
    password: str = field(repr=False)


async def build_image(
    folder: Path, tag: str, labels: Mapping[str, str], limits: BuildLimits, log: BuildLog
) -> Digest:
    """Build the folder's Dockerfile.

    Raises:
        BuildFailed: a definite answer: it does not build, or not within the limits.
        Unavailable: the Engine did not answer, or stopped half-way.
    """
    return await _in_thread(lambda: _build(folder, tag, labels, limits, log))


async def pull_bases(names: list[str], log: BuildLog) -> None:
    """Have every base image on the Engine before the build, so that a registry's silence is told from a no.

    Raises:
        BuildFailed: the registry says that there is no such image.
        Unavailable: the Engine or the registry did not answer.
    """

    def pull() -> None:
        for name in names:
            _pull(name, log)

    await _in_thread(pull)


async def has_image(digest: Digest) -> bool:
    """Whether the Engine still has this image.

    Raises:
        Unavailable: the Engine did not answer.
    """
    return await _in_thread(lambda: _has(digest))


async def push_image(digest: Digest, name: str, registry: Registry) -> None:
    """Push an image to Docker Hub as `name`.

    Raises:
        Unavailable: the Engine or the registry did not take it.
    """
    await _in_thread(lambda: _push(digest, name, registry))


async def _in_thread(work: Callable[[], Result]) -> Result:
    """The SDK blocks; its silence becomes Unavailable."""
    try:
        return await asyncio.to_thread(work)
    except (DockerException, requests.RequestException, OSError) as error:
        raise Unavailable(f"The Docker Engine does not answer: {error}", ENGINE_FIX) from None


def _engine(seconds: int = 60) -> docker.DockerClient:
    return docker.from_env(timeout=seconds)


def _has(digest: Digest) -> bool:
    with closing(_engine()) as engine:
        try:
            engine.images.get(digest)
        except ImageNotFound:
            return False
        return True


def _pull(name: str, log: BuildLog) -> None:
    with closing(_engine(300)) as engine:
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
    folder: Path, tag: str, labels: Mapping[str, str], limits: BuildLimits, log: BuildLog
) -> Digest:
    """Run the build. At the deadline a watchdog cuts the connection, which makes the Engine stop the build."""
    engine = _engine(limits.seconds)
    answers: list[requests.Response] = []
    engine.api.hooks["response"].append(lambda answer, **_: answers.append(answer))
    late = threading.Event()

    def stop() -> None:
        late.set()
        for answer in answers:
            _cut(answer)

    watchdog = threading.Timer(limits.seconds, stop)
    watchdog.start()
    try:
        output = engine.api.build(
            path=str(folder),
            tag=tag,
            labels=dict(labels),
            rm=True,
            forcerm=True,
            decode=True,
            network_mode=limits.network,
            container_limits={
                "memory": limits.memory_mib * 1024**2,
                "memswap": limits.memory_mib * 1024**2,
            },
        )
        return _read_output(output, log)
    except (Unavailable, DockerException, requests.RequestException, HTTPError, OSError) as error:
        if late.is_set():
            raise BuildFailed(
                f"The build took more than {limits.seconds} s.", "Make it shorter."
            ) from None
        if isinstance(error, HTTPError):
            raise Unavailable(f"The Docker Engine cut the build off: {error}", ENGINE_FIX) from None
        raise
    finally:
        watchdog.cancel()
        engine.close()


def _cut(answer: requests.Response) -> None:
    """End a connection that another thread reads from; closing it alone would not wake that thread."""
    connection = answer.raw.connection
    if connection is not None and connection.sock is not None:
        with suppress(OSError):
            connection.sock.shutdown(socket.SHUT_RDWR)


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


def _push(digest: Digest, name: str, registry: Registry) -> None:
    with closing(_engine(600)) as engine:
        repository, _, tag = name.rpartition(":")
        engine.images.get(digest).tag(repository, tag)
        login = {"username": registry.username, "password": registry.password}
        pushed = engine.images.push(repository, tag, auth_config=login, stream=True, decode=True)
        for part in pushed:
            if "error" in part:
                raise Unavailable(
                    f"Docker Hub did not take the image: {part['error']}", "Check DOCKER_*."
                )

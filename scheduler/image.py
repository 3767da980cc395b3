"""Builds an image on the Docker Engine, with limits and a log that can be read while it grows."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
import requests
from docker.errors import APIError, DockerException, ImageNotFound

from chain.errors import BuildFailed, Unavailable
from chain.job import Digest

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
    await _in_thread(lambda: [_pull(name, log) for name in names])


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


async def _in_thread[T](work: Callable[[], T]) -> T:  # noqa: PYI
    ...

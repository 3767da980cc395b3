"""The Engine's classic builder, asked by its HTTP API: the SDK knows neither processor time nor control groups, and
sends the registry passwords of whoever runs it along.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, create_api_error_from_http_exception
from docker.utils import tar
from requests import HTTPError

from chain.errors import BuildFailed, Unavailable
from chain.job import Digest
from scheduler.images.build_log import BuildLog
from scheduler.images.engine import ENGINE_FIX
from scheduler.images.limits import MIB, BuildLimits

PERIOD_US = 100_000  # of the scheduler of processor time
FILES = 4096  # open at once
MANY = 200  # steps that a build may tell of before all that is new counts as its own
_STEP = re.compile(r"^ ---> ([0-9a-f]{12})\n$")


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be built, and within what.

    Args:
        dockerfile: its name in the folder.
        group: the control group of the build's containers; "" for the Engine's own.
        network: the Engine's network mode.
        proxy: where the build's programs find the way out; "" for none.
    """

    folder: Path
    dockerfile: str
    tag: str
    labels: Mapping[str, str]
    limits: BuildLimits
    group: str = ""
    network: str = "none"
    proxy: str = ""


@dataclass
class Progress:
    """What a build told so far: its log, and the images of its steps by the beginnings of their digests.

    A program can print what looks like a step's image, so these are hints: which of its consumer's new images are this
    build's.

    Args:
        begun_s: Unix second of the Engine's clock in which it began; an older image came out of the cache.
    """

    log: BuildLog
    begun_s: int = 0
    steps: set[str] = field(default_factory=set)

    @property
    def told_too_much(self) -> bool:
        """Whether it told of so many steps that not each of them is looked at."""
        return len(self.steps) >= MANY


def build(engine: docker.DockerClient, order: Order, progress: Progress) -> Digest:
    """Build it.

    Raises:
        BuildFailed: the Engine says that it does not build.
        Unavailable: the Engine stopped half-way.
        APIError: the Engine did not begin.
    """
    # All of the folder: its .dockerignore was heeded when the bundle was packed, and the SDK's patterns can take for
    # ever, with all of this process waiting. What is private stays where the folder is.
    with tempfile.TemporaryFile(dir=order.folder.parent) as context:
        tar(str(order.folder), dockerfile=(order.dockerfile, None), fileobj=context)
        answer = engine.api.post(
            f"{engine.api.base_url}/v{engine.api.api_version}/build",
            params=_parameters(order),
            data=context,
            headers={"Content-Type": "application/tar"},
            stream=True,
            timeout=engine.api.timeout,
        )
    try:
        answer.raise_for_status()
    except HTTPError as error:
        _refused(error)
    return read_output(parts_of(answer.iter_lines(None)), progress)


def _refused(error: HTTPError) -> None:
    try:
        create_api_error_from_http_exception(error)
    except APIError as told:
        if told.status_code == 400:  # the Engine reads the Dockerfile before it begins
            raise BuildFailed(f"The Dockerfile is not one: {told.explanation}", "") from None
        raise


def _parameters(order: Order) -> dict[str, str]:
    """https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Image/operation/ImageBuild"""
    limits = order.limits
    disk = limits.disk_mib * MIB
    ulimits = [
        {"Name": "nofile", "Soft": FILES, "Hard": FILES},
        {"Name": "fsize", "Soft": disk, "Hard": disk},  # no single file outruns the watch
        {"Name": "core", "Soft": 0, "Hard": 0},
    ]
    ways = {
        name: order.proxy for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
    }
    asked = {
        "t": order.tag,
        "dockerfile": order.dockerfile,
        "rm": "1",
        "forcerm": "1",
        "labels": json.dumps(dict(order.labels)),
        "networkmode": order.network,
        "memory": str(limits.memory_mib * MIB),
        "memswap": str(limits.memory_mib * MIB),
        "cpuperiod": str(PERIOD_US),
        "cpuquota": str(limits.cpus * PERIOD_US),
        "ulimits": json.dumps(ulimits),
        "cgroupparent": order.group,
        "buildargs": json.dumps(ways) if order.proxy else "",
    }
    return {name: value for name, value in asked.items() if value}


def parts_of(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """The Engine's messages, one a line.

    Raises:
        Unavailable: the Engine was cut off in the middle of one.
    """
    for line in lines:
        try:
            part = json.loads(line) if line.strip() else {}
        except ValueError:
            raise Unavailable("The Docker Engine broke off.", ENGINE_FIX) from None
        if isinstance(part, dict):
            yield part


def read_output(output: Iterator[dict[str, Any]], progress: Progress) -> Digest:
    """Follow a build to its end.

    Raises:
        BuildFailed: a step failed.
        Unavailable: it ended without an image.
    """
    digest: Digest | None = None
    for part in output:
        if "stream" in part:
            progress.log.add(str(part["stream"]))
            if not progress.told_too_much and (step := _STEP.match(str(part["stream"]))):
                progress.steps.add(step[1])
        if "error" in part:
            progress.log.add(str(part["error"]))
            raise BuildFailed(f"The image does not build: {str(part['error']).strip()[:1500]}", "")
        identity = part.get("aux", {}).get("ID") if isinstance(part.get("aux"), dict) else None
        if isinstance(identity, str):
            digest = Digest(identity)
    if digest is None:
        raise Unavailable("The Docker Engine ended the build without an image.", ENGINE_FIX)
    return digest

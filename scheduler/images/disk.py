"""How much a build has written so far, and whether it may go on.

The Engine's overlay driver knows no quota for builds, so the build is watched: what its finished steps added, what its
running container has written, and what lies in that one's volumes. A single file cannot outrun the watch, since its
size has a hard limit (`fsize`).
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, NotFound

from chain.errors import BuildFailed, Unavailable
from chain.job import Digest
from scheduler.images.classic import Order, Progress
from scheduler.images.limits import MIB, STEP_LABEL

LOOK_S = 0.5
LONGEST_S = 3.0
SHARE = 0.03  # of the time that may go into looking: the Engine walks through all files
TRIES, AGAIN_S = 20, 0.25
DISK_SPARE_BYTES = 256 * MIB  # below it, what fails fails for want of room


class _Silent(Exception):
    """The Engine did not say."""


class NoRoom(Unavailable):
    """The Engine's disk is nearly full."""


@dataclass(frozen=True, slots=True)
class Step:
    """The image that a step has left.

    Args:
        size: bytes, with all below it.
        made_s: Unix second of the Engine's clock.
    """

    digest: str
    parent: str
    size: int
    made_s: int


def watch(
    engine: docker.DockerClient,
    order: Order,
    progress: Progress,
    label: str,
    done: threading.Event,
    root: Path | None,
) -> None:
    """Look every now and then, until told that the build is done.

    Args:
        label: that the build's containers and images bear.
        root: of the Engine's disk, where this machine can see it.

    Raises:
        BuildFailed: it has written more than it may.
        NoRoom: the Engine's disk is nearly full, whoever filled it.
    """
    bases: dict[str, int] = {}
    known: dict[str, Step | None] = {}
    pause_s = LOOK_S
    while not done.wait(pause_s):
        begun = time.monotonic()
        check_room(root)
        most = order.limits.disk_mib * MIB
        written = sum(_running(engine, order.group, label))
        if written <= most:
            steps = _steps(engine, progress, label, known)
            written += sum(_added(engine, one, bases) for one in steps)
        if written > most:
            raise BuildFailed(
                f"The build wrote more than {order.limits.disk_mib} MiB.",
                "Write less, and remove what is not needed in the step that made it.",
            )
        pause_s = min(LONGEST_S, max(LOOK_S, (time.monotonic() - begun) / SHARE))


def _steps(
    engine: docker.DockerClient, progress: Progress, label: str, known: dict[str, Step | None]
) -> list[Step]:
    """This build's so far, one image each.

    Args:
        known: what was found before, by what the build told; None for what is no image of such a step.
    """
    if progress.told_too_much:
        labels = [label, f"{STEP_LABEL}=1"]
        listed = engine.api.images(all=True, filters={"label": labels})
        found = [_listed(one) for one in listed]
    else:
        for short in progress.steps - known.keys():
            with suppress(_Silent):
                known[short] = _step(engine, short, label)
        found = [one for one in known.values() if one is not None]
    return [one for one in found if one.made_s >= progress.begun_s]


def _listed(told: Mapping[str, Any]) -> Step:
    return Step(str(told["Id"]), str(told["ParentId"]), int(told["Size"]), int(told["Created"]))


def _step(engine: docker.DockerClient, short: str, label: str) -> Step | None:
    """An image by the beginning of its digest; None unless it bears the labels of a step. A finished one bears another,
    and may be needed."""
    try:
        told = engine.api.inspect_image(short)
    except APIError as error:
        if error.status_code is None or error.status_code >= 500:
            raise _Silent from None  # asked again at the next look
        return None  # not there, or what a program printed fits several
    name, _, value = label.partition("=")
    labels = (told.get("Config") or {}).get("Labels") or {}
    if labels.get(name) != value or labels.get(STEP_LABEL) != "1":
        return None
    return Step(
        str(told["Id"]),
        str(told.get("Parent") or ""),
        int(told["Size"]),
        second_of(told["Created"]),
    )


def _running(engine: docker.DockerClient, group: str, label: str) -> Iterator[int]:
    """Bytes that each container of this build has written."""
    for told in _containers(engine, group, label):
        yield int(told.get("SizeRw") or 0)
        yield from (_folder_bytes(Path(str(one["Source"]))) for one in told["Mounts"])


def _containers(engine: docker.DockerClient, group: str, label: str) -> Iterator[dict[str, Any]]:
    """This build's; where it has no group of its own, all of its consumer's."""
    for one in engine.api.containers(all=True, filters={"label": label}):
        with suppress(NotFound):
            told = _inspected(engine, str(one["Id"]))
            if not group or told["HostConfig"].get("CgroupParent") == group:
                yield told


def _inspected(engine: docker.DockerClient, container: str) -> dict[str, Any]:
    address = f"{engine.api.base_url}/v{engine.api.api_version}/containers/{container}/json"
    answer = engine.api.get(address, params={"size": "1"}, timeout=engine.api.timeout)
    if answer.status_code != 200:
        raise NotFound(container)
    told: dict[str, Any] = answer.json()
    return told


def _folder_bytes(folder: Path) -> int:
    """What lies in a volume, where this machine can see it; no links are followed."""
    total, folders = 0, [folder]
    while folders:
        with suppress(OSError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(Path(entry.path))
                else:
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
    return total


def _added(engine: docker.DockerClient, step: Step, bases: dict[str, int]) -> int:
    """Bytes that a step's image has more than the one below it.

    Args:
        bases: sizes of images below, as found before.
    """
    below = step.parent
    if below not in bases:
        try:
            bases[below] = int(engine.api.inspect_image(below)["Size"]) if below else 0
        except NotFound:
            return 0
    return step.size - bases[below]


def clear(engine: docker.DockerClient, order: Order, progress: Progress, label: str) -> None:
    """Remove what a build that wrote too much leaves behind, the youngest first; what others use stays. The Engine may
    take a moment to let go of it."""
    for _ in range(TRIES):
        for told in _containers(engine, order.group, label) if order.group else ():
            with suppress(APIError):  # the Engine does it too
                engine.api.remove_container(told["Id"], force=True, v=True)
        left = sorted(_steps(engine, progress, label, {}), key=lambda one: -one.made_s)
        if not left:
            return
        for step in left:
            with suppress(APIError):
                engine.api.remove_image(step.digest)
        time.sleep(AGAIN_S)


def check_size(engine: docker.DockerClient, digest: Digest, limit_mib: int) -> None:
    """Refuse a finished image that is too large.

    Raises:
        BuildFailed: it is.
    """
    size = int(engine.api.inspect_image(digest)["Size"])
    if size > limit_mib * MIB:
        with suppress(APIError):
            engine.api.remove_image(digest, force=True)
        raise BuildFailed(
            f"The image has {size / MIB:.0f} MiB, and may have {limit_mib}.",
            "Start from a smaller base, or leave out what is not needed.",
        )


def second_of(told: str) -> int:
    """The Engine's time (RFC 3339 with nanoseconds) as a Unix second."""
    return int(datetime.fromisoformat(f"{told[:19]}+00:00").timestamp())


def disk_of(info: Mapping[str, Any]) -> Path | None:
    """The Engine's folder by what it tells of itself, if it is on this machine."""
    root = Path(str(info.get("DockerRootDir", "")))
    return root if root.is_absolute() and root.is_dir() else None


def check_room(root: Path | None) -> None:
    """Raises `NoRoom` when the Engine's disk, if this machine can see it, is nearly full."""
    if root is not None and shutil.disk_usage(root).free < DISK_SPARE_BYTES:
        raise NoRoom("The Docker Engine has no room on its disk.", f"Make room in {root}.")

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


class NoRoom(Unavailable):
    """The Engine's disk is nearly full."""


def watch(
    engine: docker.DockerClient, order: Order, progress: Progress, label: str, done: threading.Event
) -> None:
    """Look every now and then, until told that the build is done.

    Args:
        label: that the build's containers and images bear.

    Raises:
        BuildFailed: it has written more than it may.
        NoRoom: the Engine's disk is nearly full, whoever filled it.
    """
    root = disk_of(engine.info())
    bases: dict[str, int] = {}
    pause_s = LOOK_S
    while not done.wait(pause_s):
        begun = time.monotonic()
        check_room(root)
        most = order.limits.disk_mib * MIB
        written = sum(_running(engine, order.group, label))
        if written <= most:
            written += sum(_added(engine, one, bases) for one in _steps(engine, progress, label))
        if written > most:
            raise BuildFailed(
                f"The build wrote more than {order.limits.disk_mib} MiB.",
                "Write less, and remove what is not needed in the step that made it.",
            )
        pause_s = min(LONGEST_S, max(LOOK_S, (time.monotonic() - begun) / SHARE))


def steps_before(engine: docker.DockerClient, label: str) -> frozenset[str]:
    """The images of a consumer's steps that are there by now."""
    return frozenset(str(one["Id"]) for one in _labelled(engine, label))


def _labelled(engine: docker.DockerClient, label: str) -> list[dict[str, Any]]:
    """Images of steps that bear the label; a finished one may be needed, and bears another."""
    labels = [label, f"{STEP_LABEL}=1"]
    found: list[dict[str, Any]] = engine.api.images(all=True, filters={"label": labels})
    return found


def _steps(engine: docker.DockerClient, progress: Progress, label: str) -> list[dict[str, Any]]:
    """The images of this build's steps so far."""
    return [one for one in _labelled(engine, label) if progress.has(str(one["Id"]))]


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


def _added(engine: docker.DockerClient, step: dict[str, Any], bases: dict[str, int]) -> int:
    """Bytes that a step's image has more than the one below it.

    Args:
        bases: sizes of images below, as found before.
    """
    below = str(step["ParentId"])
    if below not in bases:
        try:
            bases[below] = int(engine.api.inspect_image(below)["Size"]) if below else 0
        except NotFound:
            return 0
    return int(step["Size"]) - bases[below]


def clear(engine: docker.DockerClient, order: Order, progress: Progress, label: str) -> None:
    """Remove what a build that wrote too much leaves behind, the youngest first; what others use stays. The Engine may
    take a moment to let go of it."""
    for _ in range(TRIES):
        for told in _containers(engine, order.group, label) if order.group else ():
            with suppress(APIError):  # the Engine does it too
                engine.api.remove_container(told["Id"], force=True, v=True)
        left = sorted(_steps(engine, progress, label), key=lambda one: -int(one["Created"]))
        if not left:
            return
        for step in left:
            with suppress(APIError):
                engine.api.remove_image(step["Id"])
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


def disk_of(info: Mapping[str, Any]) -> Path | None:
    """The Engine's folder by what it tells of itself, if it is on this machine."""
    root = Path(str(info.get("DockerRootDir", "")))
    return root if root.is_absolute() and root.is_dir() else None


def check_room(root: Path | None) -> None:
    """Raises `NoRoom` when the Engine's disk, if this machine can see it, is nearly full."""
    if root is not None and shutil.disk_usage(root).free < DISK_SPARE_BYTES:
        raise NoRoom("The Docker Engine has no room on its disk.", f"Make room in {root}.")

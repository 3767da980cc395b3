"""Which images a build may start from, and having them on the Engine before it begins.

An entry of the operator's list is a name (`python`: all of its tags), a name and a tag, or either with a digest. What
is listed with a digest is built from that digest alone, whatever its tag points to by now.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from datetime import datetime
from functools import partial

import docker
from docker.errors import APIError, ImageNotFound, NotFound
from docker.utils import parse_repository_tag

from chain.errors import BuildFailed, InvalidInput, Unavailable
from chain.image import host_of
from scheduler.images.build_log import BuildLog
from scheduler.images.disk import check_room, disk_of
from scheduler.images.engine import on_engine
from scheduler.images.limits import MIB

PULL_S = 600  # for all bases of a build
MAX_BASES = 16
PULLED = "draas/base"  # what was pulled for builds is called so too, by which it is found when nobody needs it
_PUBLIC_HOST = re.compile(r"(?:[a-z0-9-]+\.)+[a-z][a-z0-9-]*")
_HUB = ("docker.io/library/", "index.docker.io/library/", "docker.io/", "index.docker.io/")


def pinned(base: str, listed: Sequence[str]) -> str:
    """The name that a build starts from for this base.

    Raises:
        InvalidInput: it is not on a list that is not empty.
    """
    if not listed:
        if not _is_public(base):
            raise InvalidInput(
                f"FROM {base[:80]} is not allowed: its registry has no public name.",
                "Start from a public image, or have the operator list it in BUILD_BASES.",
            )
        return base
    name, tag, digest = _parts(base)
    for entry in listed:
        allowed, its_tag, its_digest = _parts(entry)
        fits = name == allowed and its_tag in ("", tag or "latest")
        if fits and (not its_digest or digest in ("", its_digest)):
            return base if digest or not its_digest else f"{base}@{its_digest}"
    raise InvalidInput(
        f"FROM {base[:80]} is not allowed here.", f"Start from one of: {', '.join(listed)[:500]}."
    )


def name_of(image: str) -> str:
    """An image's name alone, as the Engine knows it."""
    return _parts(image)[0]


def _parts(image: str) -> tuple[str, str, str]:
    """Name, tag and digest; "" for what is not said. Docker Hub's own names have many spellings."""
    rest, _, digest = image.partition("@")
    head, slash, last = rest.rpartition("/")
    last, _, tag = last.partition(":")
    name = f"{head}{slash}{last}"
    for prefix in _HUB:
        if name.startswith(prefix):
            name = name.removeprefix(prefix)
            break
    return name, tag, digest


def _is_public(base: str) -> bool:
    """Whether an image is Docker Hub's, or of a registry with a name and no port: the Engine dials it from here."""
    host = host_of(base)
    return not host or _PUBLIC_HOST.fullmatch(host) is not None


async def pull_bases(names: Sequence[str], log: BuildLog, most_mib: int = 4096) -> None:
    """Have every base image on the Engine before the build, so that a registry's silence is told from a no.

    Args:
        most_mib: of one, packed as it travels.

    Raises:
        BuildFailed: the registry says that there is no such image, it is too large, there are too many of them, or one
            brings steps of its own.
        Unavailable: the Engine or the registry did not answer.
    """
    wanted = list(dict.fromkeys(names))
    if len(wanted) > MAX_BASES:
        raise BuildFailed(
            f"The Dockerfile starts from {len(wanted)} images.", f"At most {MAX_BASES}."
        )
    ends = time.monotonic() + PULL_S
    for name in wanted:
        pull = partial(_have, name=name, log=log, most=most_mib * MIB)
        await on_engine(pull, max(1.0, ends - time.monotonic()))


def _have(engine: docker.DockerClient, name: str, log: BuildLog, most: int) -> None:
    try:
        image = engine.images.get(name)
    except ImageNotFound:
        log.add(f"Pulling {name}\n")
        _pull(engine, name, most)
        image = engine.images.get(name)
        image.tag(PULLED, _tag_of(name))
    else:
        if any(tag.startswith(f"{PULLED}:") for tag in image.tags):
            image.tag(PULLED, _tag_of(name))  # the time of this is that of its last use
    if image.attrs["Config"].get("OnBuild"):  # nobody has read them, and all would share them
        raise BuildFailed(
            f"The base image {name} brings build steps of its own (ONBUILD).", "Start FROM another."
        )


def _tag_of(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:40]


def _pull(engine: docker.DockerClient, name: str, most: int) -> None:
    """Pull, as long as it is not too large and there is room."""
    fix = "Have the scheduler's operator pull it, or start FROM another image."
    root, sizes, looked = disk_of(engine.info()), dict[str, int](), 0.0
    repository, tag = parse_repository_tag(name)
    try:
        parts = engine.api.pull(repository, tag or "latest", stream=True, decode=True)
        with closing(parts):  # which stops it
            for part in parts:
                if "error" in part:
                    raise Unavailable(
                        f"The base image {name} cannot be pulled: {part['error']}", fix
                    )
                layer, size = str(part.get("id")), (part.get("progressDetail") or {}).get("total")
                sizes[layer] = max(sizes.get(layer, 0), int(size or 0))
                if sum(sizes.values()) > most:
                    raise BuildFailed(
                        f"The base image {name} is larger than {most // MIB} MiB.",
                        "Start FROM a smaller one.",
                    )
                if time.monotonic() > looked + 1:
                    looked = time.monotonic()
                    check_room(root)
    except NotFound:
        raise BuildFailed(f"There is no base image {name}.", "Correct FROM.") from None
    except APIError as error:
        told = f"The base image {name} cannot be pulled: {error.explanation}"
        raise Unavailable(told, fix) from None


def drop_pulled(engine: docker.DockerClient, before: float) -> list[str]:
    """Remove the names of what was pulled for builds and that none has started from since that Unix second: ours, and
    those that it was pulled by; any other is its operator's. With its last name an image goes. Blocking."""
    dropped: list[str] = []
    for one in engine.images.list(filters={"reference": PULLED}):
        told = str((one.attrs.get("Metadata") or {}).get("LastTagTime") or "")
        if not told or datetime.fromisoformat(told).timestamp() >= before:
            continue
        ours = {tag for tag in one.tags if tag.startswith(f"{PULLED}:")}
        asked = {tag: (tag, tag.removesuffix(":latest")) for tag in one.tags}
        pulled = {
            tag for tag in one.tags if any(f"{PULLED}:{_tag_of(n)}" in ours for n in asked[tag])
        }
        for tag in sorted(pulled | ours):
            with suppress(APIError):  # a container needs it: another time
                engine.images.remove(tag)
                dropped.append(tag)
    return dropped

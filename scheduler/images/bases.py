"""Which images a build may start from, and having them on the Engine before it begins.

An entry of the operator's list is a name (`python`: all of its tags), a name and a tag, or either with a digest. What
is listed with a digest is built from that digest alone, whatever its tag points to by now.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import docker
from docker.errors import APIError, ImageNotFound, NotFound

from chain.errors import BuildFailed, InvalidInput, Unavailable
from scheduler.images.build_log import BuildLog
from scheduler.images.engine import on_engine

PULL_S = 300
_HUB = ("docker.io/library/", "index.docker.io/library/", "docker.io/", "index.docker.io/")


def pinned(base: str, listed: Sequence[str]) -> str:
    """The name that a build starts from for this base.

    Raises:
        InvalidInput: it is not on a list that is not empty.
    """
    if not listed:
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


async def pull_bases(names: Sequence[str], log: BuildLog) -> None:
    """Have every base image on the Engine before the build, so that a registry's silence is told from a no.

    Raises:
        BuildFailed: the registry says that there is no such image, or the image brings steps of its own.
        Unavailable: the Engine or the registry did not answer.
    """
    for name in names:
        await on_engine(partial(_pull, name=name, log=log), PULL_S)


def _pull(engine: docker.DockerClient, name: str, log: BuildLog) -> None:
    try:
        image = engine.images.get(name)
    except ImageNotFound:
        log.add(f"Pulling {name}\n")
        image = _pulled(engine, name)
    if image.attrs["Config"].get(
        "OnBuild"
    ):  # nobody has read them, and all consumers would share them
        raise BuildFailed(
            f"The base image {name} brings build steps of its own (ONBUILD).", "Start FROM another."
        )


def _pulled(engine: docker.DockerClient, name: str) -> docker.models.images.Image:
    try:
        return engine.images.pull(name)
    except NotFound:
        raise BuildFailed(f"There is no base image {name}.", "Correct FROM.") from None
    except APIError as error:
        fix = "Have the scheduler's operator pull it, or start FROM another image."
        raise Unavailable(
            f"The base image {name} cannot be pulled: {error.explanation}", fix
        ) from None

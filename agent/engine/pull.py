"""Pulling an image by name from its registry, and what else there is when that is silent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import docker
from docker.errors import NotFound
from docker.utils import parse_repository_tag

from chain.errors import InvalidInput, Unavailable
from chain.image import host_of

Bring = Callable[[], Awaitable[None]]  # has the Engine hold an image in some other way


@dataclass(frozen=True, slots=True)
class RegistryLogin:
    """Who logs in to one registry.

    Args:
        host: of the registry, with its port; "" for Docker Hub.
    """

    host: str
    username: str
    password: str = field(repr=False)

    def of(self, name: str) -> dict[str, str] | None:
        """The log-in for an image; None for one of another registry, which must not learn of it."""
        if host_of(name) != self.host:
            return None
        return {"username": self.username, "password": self.password}


def pull(api: docker.APIClient, name: str, login: dict[str, str] | None) -> None:
    """Have the Engine pull an image. Blocking.

    Args:
        name: with a tag, or with the digest of its manifest.
        login: to its registry; None for as this machine's user is logged in.

    Raises:
        InvalidInput: the registry says that there is none, or not for us.
    """
    repository, tag = parse_repository_tag(name)
    try:
        api.pull(repository, tag or "latest", auth_config=login)
    except NotFound as error:
        raise InvalidInput(
            f"The image {name} cannot be pulled: {error.explanation}.",
            "Log this machine in to its registry, or let the scheduler push it.",
        ) from None


async def instead(bring: Bring, silent: Unavailable) -> None:
    """Bring an image whose registry is silent: it may have it yet, whatever others say."""
    try:
        await bring()
    except InvalidInput:
        raise silent from None

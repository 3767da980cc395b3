"""Pulling an image by name from its registry."""

from __future__ import annotations

import docker
from docker.errors import NotFound
from docker.utils import parse_repository_tag

from chain.errors import InvalidInput


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

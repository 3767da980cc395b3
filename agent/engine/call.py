"""One call of the Docker Engine's SDK, which blocks: in a thread, and with its errors made ours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

import requests
from docker.errors import APIError, DockerException, NotFound

from chain.errors import Unavailable

_T = TypeVar("_T")


class EngineRefused(Unavailable):
    """The Engine answered with an error.

    Args:
        code: the HTTP status of its answer.
        reason: its words, for people.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"The Docker Engine refused: {reason}.", "See its log.")
        self.code = code
        self.reason = reason


async def call(act: Callable[[], _T]) -> _T:
    """Run a call of the SDK in a thread.

    Raises:
        NotFound: the SDK's own, for the verb to judge.
        EngineRefused: a definite answer, and not the one wanted.
        Unavailable: no answer.
    """
    try:
        return await asyncio.to_thread(act)
    except NotFound:
        raise
    except APIError as error:
        raise EngineRefused(error.status_code or 500, str(error.explanation)[:500]) from None
    except (requests.RequestException, DockerException) as error:
        raise Unavailable(f"The Docker Engine does not answer: {error}.", "Start it.") from None

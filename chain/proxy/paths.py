"""Services by path: `/d/JOB/…` leads to the first port, `/d/JOB:PORT/…` to another. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from starlette.types import Scope, Send

from chain.errors import NotFound
from chain.proxy.answers import answer

START = "/d/"
_PATH = re.compile(rb"/d/(0x[0-9a-f]{64})(?::([0-9]{1,5}))?(/[^?]*)?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request asks for.

    Args:
        job: a job's id, or the beginning of it, with 0x.
        port: None for the first one.
        prefix: of the path, which the service does not see.
        target: path and query for the service; b"" when the visitor is to ask for the prefix's folder first.
    """

    job: str
    port: int | None
    prefix: str
    target: bytes


def by_path(raw_path: bytes, query: bytes) -> Wanted:
    """What a request below `/d/` asks for.

    Raises:
        NotFound: this is no service's path.
    """
    match = _PATH.fullmatch(raw_path)
    if match is None:
        raise NotFound("A service's path is /d/JOB/ or /d/JOB:PORT/.", "Give the job's whole id.")
    job, port = match[1].decode(), int(match[2]) if match[2] else None
    target = target_of(match[3], query) if match[3] else b""
    return Wanted(job, port, path_of(job, port), target)


def path_of(job_id: str, port: int | None) -> str:
    """The path of a port, without a slash at its end."""
    return f"/d/{job_id}" if port is None else f"/d/{job_id}:{port}"


def target_of(path: bytes, query: bytes) -> bytes:
    """What stands in the request's first line."""
    return path + (b"?" + query if query else b"")


async def to_folder(wanted: Wanted, scope: Scope, send: Send) -> None:
    """Send the visitor to the same place with a slash: relative links need it."""
    place = target_of(f"{wanted.prefix}/".encode(), scope.get("query_string", b""))
    await answer(scope, send, 308, [(b"location", place), (b"content-length", b"0")], b"")

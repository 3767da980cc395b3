"""A pinning service: somebody who keeps content of IPFS for pay, by the IPFS Pinning Service API (1.0.0,
https://ipfs.github.io/pinning-services-api-spec/). It is asked and never waited for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import httpx
from pydantic import BaseModel, Field, ValidationError

from chain.errors import InvalidInput, NotAllowed, TooMany, Unavailable
from chain.job import Cid

MAX_ANSWER_BYTES = 256 * 1024
NAME_LENGTH = 255  # characters, by the specification
TIMEOUT_S = 20.0
T = TypeVar("T", bound=BaseModel)
Status = Literal["queued", "pinning", "pinned", "failed"]


class _Status(BaseModel):
    """A `PinStatus`, of which this much is read."""

    requestid: str = Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9._:~-]+$")
    status: Status


class _Found(BaseModel):
    results: list[_Status]


@dataclass(frozen=True, slots=True)
class PinningService:
    """Where it is, and what it knows us by, which is never shown."""

    url: str
    token: str = field(repr=False)

    async def add(self, cid: Cid, name: str, job_id: str) -> str:
        """Ask it to keep something, once: what it was asked before counts. Returns its name for the request.

        Raises:
            Unavailable: it does not answer, or makes no sense.
            NotAllowed, TooMany, InvalidInput: it refuses.
        """
        known = await self._ask("GET", "/pins", params={"cid": cid, "name": name[:NAME_LENGTH],
                                                        "status": "queued,pinning,pinned"})  # fmt: skip
        found = _read(_Found, known).results
        if found:
            return found[0].requestid
        body = {"cid": cid, "name": name[:NAME_LENGTH], "meta": {"job": job_id}}
        return _read(_Status, await self._ask("POST", "/pins", json=body)).requestid

    async def remove(self, request: str) -> None:
        """Ask it to keep that no longer; nothing happens when it does not know of it.

        Raises:
            Unavailable, NotAllowed, TooMany, InvalidInput: as `add`.
        """
        await self._ask("DELETE", f"/pins/{request}", absent_is_fine=True)

    async def _ask(
        self, method: str, path: str, *, absent_is_fine: bool = False, **more: Any
    ) -> bytes:
        headers = {"Authorization": f"Bearer {self.token}"}
        try:
            async with (
                httpx.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False) as http,
                http.stream(method, self.url + path, headers=headers, **more) as answer,
            ):
                data = b""
                async for chunk in answer.aiter_bytes():
                    data += chunk
                    if len(data) > MAX_ANSWER_BYTES:
                        raise _nonsense()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unavailable(
                f"The pinning service does not answer ({type(error).__name__}).",
                "Check IPFS_PINNING_URL.",
            ) from None
        if not (answer.is_success or (absent_is_fine and answer.status_code == 404)):
            raise _refusal(answer.status_code)
        return data


def _refusal(status: int) -> Unavailable | NotAllowed | TooMany | InvalidInput:
    """By its status alone: what it says of it may hold anything."""
    told = f"The pinning service answered {status}."
    if status in (401, 403):
        return NotAllowed(told, "Check IPFS_PINNING_TOKEN.")
    if status == 429:
        return TooMany(told, "It is asked again later.", 60)
    if 400 <= status < 500:
        return InvalidInput(told, "Check IPFS_PINNING_URL, and what is paid for there.")
    return Unavailable(told, "It is asked again later.")


def _nonsense() -> Unavailable:
    return Unavailable("The pinning service makes no sense.", "Check IPFS_PINNING_URL.")


def _read(kind: type[T], data: bytes) -> T:
    try:
        return kind.model_validate_json(data)
    except ValidationError:
        raise _nonsense() from None

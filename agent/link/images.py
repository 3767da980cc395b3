"""Images from the scheduler: what they are made of, and their layers, with the token of the link."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import httpx
from pydantic import ValidationError

from agent.link.signin import Signed
from chain.car_file import write_file
from chain.cid import cid_bytes
from chain.errors import DraasError, NotAllowed, NotFound, TooLarge, Unavailable
from chain.image import MAX_CONFIG_BYTES, ImageBody, LayerBody
from chain.job import Digest

ASK_S = 60.0  # for the scheduler to have an image on IPFS; it is asked again after that
SILENT_S = 30.0
MOST_ANSWER = 2 * MAX_CONFIG_BYTES
PAUSE_S = 1.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SchedulerImages:
    """The scheduler's images.

    Args:
        urls: of the schedulers, in the order in which they are asked.
        session: a token for the scheduler at an address.
    """

    urls: Sequence[str]
    session: Callable[[str], Awaitable[Signed]]

    async def image(self, digest: Digest) -> ImageBody:
        """What an image is made of.

        Raises:
            NotFound: no scheduler knows it.
            NotAllowed: it is private, and so not on IPFS; see `whole`.
            Unavailable: none answers, or it is not on IPFS yet.
        """
        ends = time.monotonic() + ASK_S
        while True:
            try:
                return await self._first(lambda url: self._ask(url, digest))
            except Unavailable:
                if time.monotonic() > ends:
                    raise
            await asyncio.sleep(PAUSE_S)

    async def layer(self, layer: LayerBody, path: Path) -> None:
        """Write a layer's tar to a new file, checked against its CID.

        Raises:
            NotFound: no scheduler has it.
            Unavailable: none answers, or what came is something else.
        """
        await self._first(lambda url: self._fetch(url, layer, path))

    async def whole(self, digest: Digest, path: Path, most: int) -> None:
        """Write the Engine's own archive of a private image to a new file; nothing of it is checked.

        Raises:
            NotFound: no scheduler has it for this agent.
            Unavailable: none answers.
            TooLarge: it is more than `most` bytes.
        """
        await self._first(lambda url: self._fetch_whole(url, digest, path, most))

    async def _first(self, ask: Callable[[str], Awaitable[T]]) -> T:
        """The first answer; silence outweighs a no."""
        failed: DraasError = NotFound("No scheduler is known.", "Set SCHEDULER_URL.")
        for url in self.urls:
            try:
                return await ask(url)
            except NotAllowed:
                raise  # it has the image, and says how it can be had
            except NotFound as error:
                failed = error if isinstance(failed, NotFound) else failed
            except DraasError as error:
                failed = error
        raise failed

    async def _ask(self, url: str, digest: Digest) -> ImageBody:
        headers = await self._headers(url)
        try:
            async with (
                httpx.AsyncClient(timeout=SILENT_S, trust_env=False) as http,
                http.stream("GET", f"{url}/v1/images/{digest}", headers=headers) as answer,
            ):
                told = b""
                async for piece in answer.aiter_raw():
                    told += piece
                    if len(told) > MOST_ANSWER:
                        raise Unavailable("The scheduler's word of the image is too long.")
        except httpx.HTTPError as error:
            raise _silent(error) from None
        if answer.status_code == 403:
            raise NotAllowed("The image is private.")
        _check(answer.status_code, told[:300].decode(errors="replace"))
        try:
            return ImageBody.model_validate_json(told)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            raise Unavailable(f"The scheduler sent what we cannot read: {first['msg']}.") from None

    async def _fetch(self, url: str, layer: LayerBody, path: Path) -> None:
        headers = await self._headers(url)
        await asyncio.to_thread(_fetch, f"{url}/v1/layers/{layer.cid}", headers, layer, path)

    async def _fetch_whole(self, url: str, digest: Digest, path: Path, most: int) -> None:
        headers = await self._headers(url)
        place = f"{url}/v1/images/{digest}/archive"
        await asyncio.to_thread(_write_whole, place, headers, path, most)

    async def _headers(self, url: str) -> dict[str, str]:
        token = (await self.session(url)).token
        return {"authorization": f"Bearer {token}", "accept-encoding": "identity"}


def _fetch(url: str, headers: dict[str, str], layer: LayerBody, path: Path) -> None:
    """Blocking."""
    with _pieces(url, headers) as pieces, path.open("w+b") as file:
        write_file(pieces, cid_bytes(layer.cid), file, layer.bytes)


def _write_whole(url: str, headers: dict[str, str], path: Path, most: int) -> None:
    """Blocking."""
    with _pieces(url, headers) as pieces, path.open("wb") as file:
        for piece in pieces:
            if (most := most - len(piece)) < 0:
                raise TooLarge("The image is larger than what is set aside for images.")
            file.write(piece)


@contextmanager
def _pieces(url: str, headers: dict[str, str]) -> Iterator[Iterator[bytes]]:
    """What a scheduler sends, as it comes. Blocking."""
    try:
        with (
            httpx.Client(timeout=SILENT_S, trust_env=False, follow_redirects=False) as http,
            http.stream("GET", url, headers=headers) as answer,
        ):
            _check(answer.status_code, "")
            yield answer.iter_raw()
    except httpx.HTTPError as error:
        raise _silent(error) from None


def _check(status: int, told: str) -> None:
    if status in (403, 404):
        raise NotFound(f"The scheduler does not give it. {told}".strip())
    if status != 200:
        raise Unavailable(f"The scheduler answers {status}. {told}".strip())


def _silent(error: httpx.HTTPError) -> Unavailable:
    what = str(error)[:200] or type(error).__name__
    return Unavailable(f"The scheduler does not answer: {what}.")

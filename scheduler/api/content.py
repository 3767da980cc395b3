"""GET /v1/content/{cid}: results, ledgers, evidence and bundles for a browser, which checks every block by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from functools import cache
from typing import Annotated, Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Path, Request, Response
from starlette.types import Send

from chain.car import car_bytes
from chain.cid import CidBytes, cid_bytes
from chain.errors import NotFound, TooLarge, Unavailable
from chain.folder import MIB, RESULT_LIMITS
from chain.ipfs_node import absent_or_silent
from chain.ipfs_stream import car_of
from chain.job import Cid
from scheduler.api.context import Context, Ctx
from scheduler.api.problems import refusals
from scheduler.api.streams import EventStream

router = APIRouter(tags=["content"])
CAR = "application/vnd.ipld.car"
SILENT_S = 20.0  # for which the node may say nothing
AT_ONCE = 8  # threads that wait for it
LIMIT = car_bytes(RESULT_LIMITS)
_CAR_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"description": "All of its blocks as CAR, version 1.", "content": {CAR: {}}}
}


@router.get("/v1/content/{cid}", response_class=Response, responses=_CAR_ANSWER | refusals(404))
async def content(
    request: Request,
    context: Ctx,
    cid: Annotated[str, Path(pattern=r"^(b[a-z2-7]{20,120}|Qm[1-9A-HJ-NP-Za-km-z]{44})$")],
) -> Response:
    """A file or folder that a job, a run or a dispute names, as CAR: whoever receives it checks every block against
    the CID. One that is larger than the limit is cut off, and so is one of which blocks are missing."""
    if not await context.named.has(Cid(cid)):
        raise NotFound(f"Nothing that is known here names {cid}.", "Check the CID.")
    return _Content(context, request.scope["client_name"], Cid(cid))


class _Content(EventStream):
    """A CAR on its way, which holds a seat as long as it lasts, also while the node looks for it. What a CID names
    never changes."""

    media_type = CAR

    def __init__(self, context: Context, client: str, cid: Cid) -> None:
        self._api, self._cid = context.ipfs_api, cid
        super().__init__(_blocks(context, cid), context.gate.seats, client)
        self.headers["Cache-Control"] = "public, max-age=29030400, immutable"
        self.headers["Content-Disposition"] = f'attachment; filename="{cid}.car"'
        self.headers["ETag"] = f'"{cid}.car"'
        self.headers["X-Content-Type-Options"] = "nosniff"

    async def stream_response(self, send: Send) -> None:
        """What the node does not have is told as such, before anything is sent.

        Raises:
            NotFound, Unavailable: it does not have it, or does not answer.
        """
        pieces = aiter(self.body_iterator)
        try:
            first = await anext(pieces)
        except Unavailable as error:
            raise await absent_or_silent(self._api, self._cid, SILENT_S, error) from error
        self.body_iterator = _all(first, pieces)
        await super().stream_response(send)


async def _all(first: Any, rest: AsyncIterator[Any]) -> AsyncIterator[Any]:
    yield first
    async for piece in rest:
        yield piece


async def _blocks(context: Context, cid: Cid) -> AsyncIterator[bytes]:
    """In threads of their own: a node that says nothing holds up nothing else."""
    pieces = _pieces(context, cid_bytes(cid), LIMIT)
    while (piece := await to_thread.run_sync(next, pieces, b"", limiter=_threads())) != b"":
        yield piece


@cache
def _threads() -> CapacityLimiter:
    return CapacityLimiter(AT_ONCE)


def _pieces(context: Context, root: CidBytes, limit: int) -> Iterator[bytes]:
    """The CAR in pieces that are worth a turn of the server's each.

    Raises:
        TooLarge: it goes on beyond the limit.
    """
    gathered, size = bytearray(), 0
    with car_of(context.ipfs_api, root, SILENT_S) as chunks:
        for chunk in chunks:
            gathered += chunk
            size += len(chunk)
            if size > limit:
                raise TooLarge(f"It is larger than {limit // MIB} MiB.", "Ask an IPFS gateway.")
            if len(gathered) >= MIB:
                yield bytes(gathered)
                gathered.clear()
        yield bytes(gathered)

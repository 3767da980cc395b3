"""Images for agents on other machines: what each is made of, and its layers as the IPFS node sends them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from starlette.concurrency import iterate_in_threadpool

from chain.cid import cid_bytes
from chain.errors import NotAllowed, NotFound, Unavailable
from chain.folder import MIB
from chain.image import ImageBody
from chain.ipfs_stream import car_of
from chain.job import Cid, Digest
from scheduler.api.access import NEEDS_SESSION, Caller, Gatekeeper
from scheduler.api.context import Context, Ctx
from scheduler.api.problems import refusals
from scheduler.api.streams import EventStream
from scheduler.images.export import saved

router = APIRouter(prefix="/v1", tags=["agents"], dependencies=NEEDS_SESSION)
CAR = "application/vnd.ipld.car"
TAR = "application/x-tar"
_TAR: dict[int | str, dict[str, Any]] = {
    200: {"description": "The image, as `docker save` gives it.", "content": {TAR: {}}}
}
_CAR_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file as CAR, version 1.", "content": {CAR: {}}}
}


@router.get("/images/{digest}", responses=refusals(401, 404))
async def image(
    request: Request,
    context: Ctx,
    access: Gatekeeper,
    digest: Annotated[str, Path(pattern=r"^sha256:[0-9a-f]{64}$")],
) -> ImageBody:
    """Where on IPFS the parts of an image are. For agents; the first who asks has them put there, and is asked to come
    again (503) while that takes long."""
    await _agent(request, access)
    return await context.delivery.image(Digest(digest))


@router.get("/layers/{cid}", response_class=Response, responses=_CAR_ANSWER | refusals(401, 404))
async def layer(
    request: Request,
    context: Ctx,
    access: Gatekeeper,
    cid: Annotated[str, Path(pattern=r"^b[a-z2-7]{20,120}$")],
) -> Response:
    """A layer, as CAR: whoever receives it checks every block against the CID."""
    await _agent(request, access)
    if not await context.delivery.is_layer(Cid(cid)):
        raise NotFound(f"{cid} is no layer of an image here.", "Ask for the image first.")
    return _Transfer(_sent(context, Cid(cid)), context.gate.seats, request.scope["client_name"])


@router.get(
    "/images/{digest}/archive", response_class=Response, responses=_TAR | refusals(401, 404)
)
async def archive(
    request: Request,
    context: Ctx,
    access: Gatekeeper,
    digest: Annotated[str, Path(pattern=r"^sha256:[0-9a-f]{64}$")],
) -> Response:
    """A whole image as the Engine saves it, for an agent that has a run of it: the way of private ones, which are in
    no store."""
    caller = await _agent(request, access)
    await context.delivery.check_for(Digest(digest), caller.address, context.clock.now())
    return _Archive(
        _saved(context, Digest(digest)), context.gate.seats, request.scope["client_name"]
    )


class _Transfer(EventStream):
    """A layer on its way, which holds a seat as long as it lasts."""

    media_type = CAR


class _Archive(_Transfer):
    """An image on its way."""

    media_type = TAR


async def _agent(request: Request, access: Gatekeeper) -> Caller:
    """Only agents run images.

    Raises:
        NotSignedIn: nobody is signed in.
        NotAllowed: a consumer is.
    """
    caller = await access.signed_in(request)
    if caller.claims.role != "agent":
        raise NotAllowed("Images are for agents.", "Sign in as an agent.")
    return caller


async def _saved(context: Context, digest: Digest) -> AsyncIterator[bytes]:
    async with context.delivery.saving:
        async for piece in iterate_in_threadpool(saved(digest)):
            yield piece


async def _sent(context: Context, cid: Cid) -> AsyncIterator[bytes]:
    try:
        async for piece in iterate_in_threadpool(_pieces(context.ipfs_api, cid)):
            yield piece
    except Unavailable:
        await context.delivery.lost(cid)
        raise


def _pieces(api: str, cid: Cid) -> Iterator[bytes]:
    """The CAR in pieces that are worth a turn of the server's each."""
    gathered = bytearray()
    with car_of(api, cid_bytes(cid)) as chunks:
        for chunk in chunks:
            gathered += chunk
            if len(gathered) >= MIB:
                yield bytes(gathered)
                gathered.clear()
        yield bytes(gathered)

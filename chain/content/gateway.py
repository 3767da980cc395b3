"""A trustless gateway: blocks and CARs by CID, checked by whoever receives them.

See the Trustless Gateway specification of IPFS. It only reads, and only what is here.
"""

from __future__ import annotations

import asyncio

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, Response, StreamingResponse

from chain.cid import CidBytes, cid_bytes, cid_text
from chain.content.store import Store
from chain.errors import InvalidInput, NotFound

_RAW, _CAR = "application/vnd.ipld.raw", "application/vnd.ipld.car"
_FORMATS = {"raw": _RAW, "car": _CAR}


def create_gateway(store: Store) -> FastAPI:
    """The gateway of a store; may be reached from other machines."""
    app = FastAPI(title="DRaaS gateway", docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.api_route("/ipfs/{text}", methods=["GET", "HEAD"])
    async def content(text: str, request: Request) -> Response:
        try:
            cid = cid_bytes(text)
            kind = _wanted(request)
            return await asyncio.to_thread(_answer, store, cid, kind, request.method == "HEAD")
        except InvalidInput as error:
            return PlainTextResponse(f"{error}\n", 400)
        except NotFound as error:
            return PlainTextResponse(f"{error}\n", 404)

    return app


def _wanted(request: Request) -> str:
    asked = request.query_params.get("format")
    if asked is not None:
        kind = _FORMATS.get(asked, "")
    else:
        accept = request.headers.get("accept", "")
        kind = next((kind for kind in _FORMATS.values() if kind in accept), "")
    if not kind:
        raise InvalidInput(
            "Only blocks and CARs are served.", "Ask with ?format=raw or ?format=car."
        )
    return kind


def _answer(store: Store, cid: CidBytes, kind: str, head: bool) -> Response:
    block = store.blocks.get(cid)
    if kind == _CAR and store.blocks.missing(cid) is not None:
        raise NotFound(f"Only part of {cid_text(cid)} is here.", "Ask another gateway.")
    suffix = "bin" if kind == _RAW else "car"
    headers = {
        "Cache-Control": "public, max-age=29030400, immutable",
        "Content-Disposition": f'attachment; filename="{cid_text(cid)}.{suffix}"',
        "Etag": f'"{cid_text(cid)}.{suffix}"',
        "X-Content-Type-Options": "nosniff",
        "X-Ipfs-Path": f"/ipfs/{cid_text(cid)}",
    }
    if kind == _RAW:
        return Response(block, media_type=kind, headers=headers)
    kind = f"{_CAR}; version=1; order=dfs; dups=n"
    if head:
        return Response(media_type=kind, headers=headers)
    return StreamingResponse(store.blocks.car(cid), media_type=kind, headers=headers)

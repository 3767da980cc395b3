"""The store's RPC: `POST /api/v0/COMMAND`, for programs of this machine."""

from __future__ import annotations

import asyncio
import ipaddress
import tempfile
from typing import BinaryIO, cast

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from chain.content.ask import Ask
from chain.content.commands import COMMANDS, UPLOADS, lines
from chain.content.store import Store
from chain.content.upload import IN_MEMORY
from chain.errors import DraasError, NotAllowed, TooLarge
from chain.folder import MIB

_BROWSER = ("origin", "sec-fetch-site", "referer")


def create_rpc(store: Store) -> FastAPI:
    """The RPC of a store. It can write, so it must listen on loopback only."""
    app = FastAPI(title="DRaaS content store", docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/api/v0/{name:path}")
    async def command(name: str, request: Request) -> Response:
        try:
            _refuse_browsers(request)
            if name not in COMMANDS:
                return _error(f'command "{name}" is not supported by this store', 404)
            return await _run(store, name, request)
        except NotAllowed as error:
            return _error(error.message, 403)
        except TooLarge as error:
            return _error(error.message, 413)
        except DraasError as error:
            return _error(error.message, 500)

    return app


async def _run(store: Store, name: str, request: Request) -> Response:
    query = request.query_params
    args, options = tuple(query.getlist("arg")), {key: query[key] for key in query if key != "arg"}
    if name in UPLOADS:
        with tempfile.SpooledTemporaryFile(IN_MEMORY) as spool:
            await _spool(request, cast(BinaryIO, spool), store.max_bytes)
            ask = Ask(args, options, cast(BinaryIO, spool), request.headers.get("content-type", ""))
            answer = await asyncio.to_thread(COMMANDS[name], store, ask)
    else:
        answer = await asyncio.to_thread(COMMANDS[name], store, Ask(args, options))
    if isinstance(answer, bytes):
        return Response(answer, media_type="application/octet-stream")
    if isinstance(answer, dict):
        return JSONResponse(answer)
    if isinstance(answer, list):
        return Response(lines(answer), media_type="application/json")
    return StreamingResponse(answer, media_type="application/octet-stream")


async def _spool(request: Request, spool: BinaryIO, most: int) -> None:
    came, ahead = 0, bytearray()
    async for chunk in request.stream():
        came += len(chunk)
        if came > most:
            raise TooLarge(f"more than {most // MIB} MiB in one request")
        ahead += chunk
        if len(ahead) >= MIB:
            await asyncio.to_thread(spool.write, bytes(ahead))
            ahead.clear()
    spool.write(bytes(ahead))
    spool.seek(0)


def _refuse_browsers(request: Request) -> None:
    """A web page must not reach the RPC, by cross-site request or by a name that points here."""
    if any(name in request.headers for name in _BROWSER):
        raise NotAllowed("requests of web pages are refused")
    host = request.url.hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if host != "localhost":
            raise NotAllowed(f"the host {host!a} is not an address of this store") from None


def _error(message: str, status: int) -> JSONResponse:
    return JSONResponse({"Message": message, "Code": 0, "Type": "error"}, status)

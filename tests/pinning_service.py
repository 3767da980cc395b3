"""A small real pinning service, after the IPFS Pinning Service API 1.0.0: three verbs over HTTP, kept in memory."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from tests.fixtures_chain import free_port


@dataclass
class Service:
    """What it was asked for, and whom it knows."""

    token: str
    url: str = ""
    pins: dict[str, dict[str, Any]] = field(default_factory=dict)  # by request
    asked: int = 0
    refuses: str = ""  # a CID that it will not have
    refusals: int = 0
    fails: int = 0  # status with which everything is answered; 0: as it should be

    def app(self) -> FastAPI:
        """Its API."""
        app = FastAPI()

        @app.middleware("http")
        async def known(request: Request, call_next: Any) -> Response:
            self.asked += 1
            if self.fails:
                return JSONResponse({"error": {"reason": "FAILS"}}, self.fails)
            if request.headers.get("authorization") != f"Bearer {self.token}":
                return JSONResponse({"error": {"reason": "UNAUTHORIZED"}}, 401)
            answer: Response = await call_next(request)
            return answer

        @app.get("/pins")
        async def find(request: Request) -> dict[str, Any]:
            cids = [cid for cid in request.query_params.get("cid", "").split(",") if cid]
            name = request.query_params.get("name")
            found = [
                one for one in self.pins.values()
                if (not cids or one["pin"]["cid"] in cids) and name in (None, one["pin"]["name"])
            ]  # fmt: skip
            return {"count": len(found), "results": found}

        @app.post("/pins", status_code=202)
        async def add(request: Request) -> Any:
            body = await request.json()
            if body["cid"] == self.refuses:
                self.refusals += 1
                return JSONResponse({"error": {"reason": "UNWANTED"}}, 451)
            one = {"requestid": secrets.token_hex(8), "status": "queued", "pin": body}
            one |= {"created": "2026-01-01T00:00:00Z", "delegates": []}
            self.pins[one["requestid"]] = one
            return one

        @app.delete("/pins/{request_id}", status_code=202)
        async def remove(request_id: str) -> Response:
            known = self.pins.pop(request_id, None)
            return Response(status_code=202 if known else 404)

        return app


@contextmanager
def serving(token: str) -> Iterator[Service]:
    """One that answers until it is no longer needed."""
    service, port = Service(token), free_port()
    config = uvicorn.Config(service.app(), port=port, log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    service.url = f"http://127.0.0.1:{port}"
    yield service
    server.should_exit = True
    thread.join(10)

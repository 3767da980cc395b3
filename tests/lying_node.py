"""A real HTTP server in front of a node, that lies or breaks as it is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientSession, web
from aiohttp.web import Request, Response, StreamResponse

Answer = dict[str, Any]


@dataclass
class LyingNode:
    """Tells the truth until `lie` names something else; then at each `every`th request."""

    upstream: str
    url: str = ""
    lie: str = ""
    every: int = 1
    behind: int = 500  # blocks, of the lie "old head"
    delay_s: float = 0.3
    lost: str = ""  # first topic of the only logs that "lost logs" loses; all when empty
    requests: int = 0
    asked: list[str] = field(default_factory=list)  # methods
    _told: dict[str, Answer] = field(default_factory=dict)  # by request: what was true once
    _session: ClientSession | None = None

    async def handle(self, request: Request) -> StreamResponse:
        """Answer one request."""
        question = json.loads(await request.read())
        self.requests += 1
        self.asked.append(question["method"])
        if not self.lie or self.requests % self.every:
            return web.json_response(await self._truth(question))
        broken = getattr(self, "_" + self.lie.replace(" ", "_"), None)
        if broken is not None:
            response: StreamResponse = await broken(request, question)
            return response
        return web.json_response(self._false(question, await self._truth(question)))

    async def _truth(self, question: Answer) -> Answer:
        assert self._session is not None
        async with self._session.post(self.upstream, json=question) as answer:
            found: Answer = await answer.json()
        if not self.lie:
            self._told[_key(question)] = found
        return found

    # ---- answers that are none ------------------------------------------------------------------------------

    async def _delay(self, _: Request, question: Answer) -> Response:
        await asyncio.sleep(self.delay_s)
        return web.json_response(await self._truth(question))

    async def _stall(self, *_: object) -> Response:
        await asyncio.sleep(3600)
        return web.Response()

    async def _reset(self, request: Request, _: Answer) -> Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def _answer_lost(self, request: Request, question: Answer) -> Response:
        """What was asked for is done."""
        await self._truth(question)
        return await self._reset(request, question)

    async def _429(self, *_: object) -> Response:
        return web.Response(status=429, text="slow down")

    async def _500(self, *_: object) -> Response:
        return web.Response(status=500, text="{}")

    async def _html(self, *_: object) -> Response:
        return web.Response(text="<html>maintenance</html>", content_type="text/html")

    async def _odd_json(self, _: Request, question: Answer) -> Response:
        return web.json_response({"jsonrpc": "2.0", "id": question["id"], "result": ["?"]})

    async def _no_method(self, _: Request, question: Answer) -> Response:
        fault = {"code": -32601, "message": "no such method here"}
        return web.json_response({"jsonrpc": "2.0", "id": question["id"], "error": fault})

    async def _cut_json(self, request: Request, question: Answer) -> StreamResponse:
        whole = json.dumps(await self._truth(question)).encode()
        response = StreamResponse(headers={"Content-Length": str(len(whole))})
        await response.prepare(request)
        await response.write(whole[: len(whole) // 2])
        assert request.transport is not None
        request.transport.abort()
        return response

    async def _two_heads(self, _: Request, question: Answer) -> Response:
        """As the chain was before the lie began, where that was asked for then."""
        return web.json_response(
            {
                **(self._told.get(_key(question)) or await self._truth(question)),
                "id": question["id"],
            }
        )

    # ---- answers that are false -----------------------------------------------------------------------------

    def _false(self, question: Answer, truth: Answer) -> Answer:
        method, parameters = question["method"], question["params"]
        found: Any = truth.get("result")
        match self.lie, method:
            case "wrong chain", "eth_chainId":
                found = "0x1"
            case "lost logs", "eth_getLogs":
                found = [log for log in found if self.lost and log["topics"][0] != self.lost]
            case "doubled logs", "eth_getLogs":
                found = [*found, *found]
            case "foreign logs", "eth_getLogs":
                found = [{**log, "address": "0x" + "77" * 20} for log in found]
            case "old head", "eth_blockNumber":
                found = hex(max(0, int(found, 16) - self.behind))
            case "old head", "eth_getBlockByNumber" if parameters[0] == "latest":
                old = {
                    **question,
                    "params": [hex(max(0, int(found["number"], 16) - self.behind)), False],
                }
                raise _AskInstead(old)
            case _:
                pass
        return {**truth, "result": found}


class _AskInstead(Exception):
    """Another question gives the false answer."""


@asynccontextmanager
async def lying_node(upstream: str) -> AsyncIterator[LyingNode]:
    """Serve until the block is left."""
    node = LyingNode(upstream)

    async def handle(request: Request) -> StreamResponse:
        try:
            return await node.handle(request)
        except _AskInstead as instead:
            return web.json_response(await node._truth(instead.args[0]))

    app = web.Application(client_max_size=2**26)
    app.router.add_post("/", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    node.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with ClientSession() as node._session:
        yield node
    await runner.cleanup()


def _key(question: Answer) -> str:
    return json.dumps([question["method"], question["params"]])

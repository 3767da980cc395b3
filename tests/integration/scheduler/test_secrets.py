"""A scheduler with secrets in every place that can hold one is made to fail in earnest: none of them is in its log."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from aiohttp import ClientSession, web

from chain.contracts import Artifacts
from chain.store_process import start_store
from tests.fixtures_chain import free_port
from tests.integration.scheduler.process import asked, chain_of_its_own, scheduler_process

NODE_KEY = "v3-9aa3d95b3bc440fa88ea12eaa4456161"
USER_KEY = "n0de-pa55word"
PUSH_KEY = "dckr_pat_planted-01234"
TOKEN = "eyJhbGciOi.planted-token.c2lnbmF0dXJl"


async def a_hosted_node(upstream: str, port: int) -> web.AppRunner:
    """A node behind an address with a key in it, as hosted nodes have them."""

    async def forward(request: web.Request) -> web.Response:
        async with ClientSession(headers={"content-type": "application/json"}) as session:
            answer = await session.post(upstream, data=await request.read())
            return web.Response(body=await answer.read(), content_type="application/json")

    app = web.Application()
    app.router.add_post(f"/{NODE_KEY}", forward)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    return runner


@pytest.mark.parametrize("form", ["json", "console"])
async def test_no_secret_is_in_the_log_of_a_scheduler_that_fails(
    tmp_path: Path, artifacts: Artifacts, form: str
) -> None:
    port = free_port()
    async with chain_of_its_own(tmp_path, artifacts) as market:
        store = await start_store(tmp_path / "store", port=free_port())
        node = await a_hosted_node(market.chain.rpc_url, port)
        key = market.scheduler.key.hex()
        env = {
            "RPC_URL": f"http://user:{USER_KEY}@127.0.0.1:{port}/{NODE_KEY}",
            "IPFS_API": store.api,
            "DRAAS_PRIVATE_KEY": key,
            "DOCKER_HUB_PUSH": "1",
            "DOCKER_USERNAME": "somebody",
            "DOCKER_PASSWORD": PUSH_KEY,
            "LOG_LEVEL": "debug",
            "LOG_FORMAT": form,
            "DOCKER_HOST": f"unix://{tmp_path}/nowhere.sock",
        }
        with scheduler_process(tmp_path, env) as running:
            await asked(
                lambda: running.until("it is ready", lambda: running.ready()[0] == 200, 120)
            )
            await asked(lambda: knock(running.url))
            await node.cleanup()
            await store.stop()
            await asked(
                lambda: running.until("faults are told", lambda: len(running.degraded()) > 2)
            )
            await asyncio.sleep(1)
        log = running.log.read_text()
    assert "health.lost" in log
    assert "chain.degraded" in log
    for secret in (NODE_KEY, USER_KEY, PUSH_KEY, TOKEN, key.removeprefix("0x")):
        assert secret not in log


def knock(url: str) -> None:
    """Requests as a client with a token, or a stranger, makes them."""
    headers = {"authorization": f"Bearer {TOKEN}", "cookie": f"session={TOKEN}"}
    for path in ("/v1/deployments", f"/v1/deployments/{TOKEN}", f"/v1/nothing?token={TOKEN}"):
        httpx.get(url + path, headers=headers, trust_env=False)
    httpx.post(f"{url}/v1/bundles", content=b"no tar", headers=headers, trust_env=False)

"""A scheduler that serves: the real application behind a real server in this process, on a chain of the test's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import uvicorn
from eth_account.signers.local import LocalAccount
from fastapi import FastAPI

from chain.convert import address_of
from scheduler.api.context import Context
from scheduler.app import create_app
from scheduler.sessions.tokens import Claims, Role, issue_token
from tests.fixtures_chain import ChainMarket, free_port


@dataclass
class Served:
    """Where it is reached, and what runs in it."""

    market: ChainMarket
    app: FastAPI
    url: str
    http: httpx.AsyncClient

    @property
    def context(self) -> Context:
        found: Context = self.app.state.context
        return found

    def token(self, account: LocalAccount, role: Role = "consumer", lasts_s: int = 600) -> str:
        """A session of this account's, as if it had signed in."""
        claims = Claims(role, address_of(account.address), int(time.time()) + lasts_s)
        return issue_token(self.context.access.secret, claims)

    async def until_read(self) -> None:
        """The chain is read to its present head."""
        head = await self.market.w3.eth.block_number
        while not (self.context.indexer.synced and self.context.indexer.cursor >= head):
            await asyncio.sleep(0.05)


@asynccontextmanager
async def serving(
    market: ChainMarket, home: Path, ipfs_api: str, **more: str
) -> AsyncIterator[Served]:
    """The scheduler of the market's scheduler key; `more` are settings."""
    port = int(more.get("SCHEDULER_PORT", 0)) or free_port()
    environ = {
        "DRAAS_HOME": str(market.home),
        "DRAAS_PRIVATE_KEY": market.scheduler.key.hex(),
        "DATABASE_URL": f"sqlite:///{home / 'served.sqlite3'}",
        "RPC_URL": market.chain.rpc_url,
        "IPFS_API": ipfs_api,
        "SCHEDULER_PORT": str(port),
        "FETCH_S": "1",
    }
    app = create_app(environ | more)
    config = uvicorn.Config(
        app, port=port, log_level="warning", lifespan="on", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    url = f"http://127.0.0.1:{port}"
    task = asyncio.create_task(server.serve())
    while not server.started:
        if task.done():
            task.result()
            raise AssertionError("the scheduler did not start")
        await asyncio.sleep(0.02)
    try:
        async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as http:
            yield Served(market, app, url, http)
    finally:
        server.should_exit = True
        await task

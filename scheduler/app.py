"""The scheduler put together: the only place that builds its parts."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from collections.abc import AsyncIterator, Coroutine, Mapping
from pathlib import Path

import structlog
from eth_account.signers.local import LocalAccount
from fastapi import FastAPI

from chain.api import Market
from chain.connect import connect, open_book
from chain.convert import address_of
from chain.escrow import Escrow
from chain.keys import load_account
from chain.messages import Domain
from chain.sender import Sender
from chain.store_process import ipfs_api, start_store
from chain.token import Token
from scheduler.api import agents, bundles, deployments, health
from scheduler.api.context import Context
from scheduler.api.problems import add_problems
from scheduler.assign import Assigner
from scheduler.builder import Builder
from scheduler.dashboard import add_dashboard
from scheduler.hub import Hub
from scheduler.indexer import Indexer
from scheduler.links import Links
from scheduler.logs import Logs
from scheduler.reconcile import Rules
from scheduler.settings import Settings, read_settings
from scheduler.signals import ChainClock, Signals
from scheduler.store import bind_chain, open_store
from scheduler.worker import Worker

log = structlog.get_logger()


def create_app(environ: Mapping[str, str] | None = None) -> FastAPI:
    """The application; settings and key are read now, so that a fault is told before anything starts.

    Raises:
        InvalidInput: with every fault of the environment.
    """
    values = os.environ if environ is None else environ
    settings = read_settings(values)
    account = load_account(values, "DRAAS_")

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            app.state.context = await _start(stack, settings, account, values)
            yield

    app = FastAPI(
        title="DRaaS scheduler",
        version="1",
        description="Builds what consumers post, and assigns it to agents.",
        docs_url=None,  # their pages load scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
    )
    add_problems(app)
    for router in (bundles.router, deployments.router, agents.router, health.router):
        app.include_router(router)
    add_dashboard(app)
    return app


async def _start(
    stack: contextlib.AsyncExitStack,
    settings: Settings,
    account: LocalAccount,
    environ: Mapping[str, str],
) -> Context:
    """Open everything in order; `stack` closes it in reverse."""
    settings.home.mkdir(parents=True, exist_ok=True)
    me = address_of(account.address)
    w3 = connect(settings.rpc_url)
    stack.push_async_callback(w3.provider.disconnect)
    book = await open_book(w3, settings.home, environ)
    escrow, token = Escrow.of(w3, book), Token(w3, book.token, book.token_abi)
    sender = stack.enter_context(Sender(w3, account, settings.home / "scheduler"))
    store = await open_store(settings.database_url)
    stack.push_async_callback(store.close)
    await bind_chain(store, book.chain_id, book.genesis, book.escrow)
    api, gateway = await _content(stack, settings, environ)
    scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="draas-scheduler-")))

    rules = await escrow.parameters()
    market = Market(
        chain_id=book.chain_id,
        escrow=book.escrow,
        token=book.token,
        court=book.court,
        scheduler=me,
        window=rules.window,
        lapse_after=rules.lapse_after,
        settle_grace=rules.settle_grace,
        max_bundle_bytes=settings.max_bundle_bytes,
        gateway=gateway,
    )
    domain = Domain(book.chain_id, book.escrow)
    signals, clock = Signals(), ChainClock()
    start = book.deployed_at_block
    indexer = Indexer(w3, escrow, store, signals, clock, me, start, settings.confirmations)
    logs = Logs(store, signals, settings.max_log_bytes)
    links = Links(store, signals, clock)
    hub = Hub(me, domain, links, logs, settings.heartbeat_s, lambda: signals.notify("agents"))
    stack.push_async_callback(hub.close)
    builder = Builder(store, clock, settings, api)
    assigner = Assigner(store, clock, hub, account, domain, settings.offer_s)
    times = Rules(rules, settings.refund_after_s)
    worker = Worker(store, signals, clock, indexer, builder, assigner, escrow, sender, times)
    context = Context(
        settings, store, signals, clock, indexer, hub, logs, builder, assigner, escrow, rules, token,
        market, api, scratch,
    )  # fmt: skip
    await _run(stack, indexer.run(), worker.run(), sender.watch(), hub.wake_on(signals, links))
    log.info("scheduler.started", address=me, chain_id=book.chain_id, escrow=book.escrow)
    return context


async def _content(
    stack: contextlib.AsyncExitStack, settings: Settings, environ: Mapping[str, str]
) -> tuple[str, str]:
    """The content store's API, and the gateway from which agents elsewhere fetch ("" for a Kubo)."""
    if environ.get("IPFS_API"):
        api, _ = await ipfs_api(environ, settings.home / "store")
        return api, ""
    store = await start_store(settings.home / "store", gateway_port=settings.gateway_port)
    stack.push_async_callback(store.stop)
    return store.api, store.gateway or ""


async def _run(stack: contextlib.AsyncExitStack, *loops: Coroutine[None, None, None]) -> None:
    tasks = [asyncio.create_task(loop) for loop in loops]

    async def stop() -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    stack.push_async_callback(stop)

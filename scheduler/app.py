"""The scheduler put together: the only place that builds its parts."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import AsyncIterator, Mapping
from functools import partial
from pathlib import Path

import structlog
from eth_account.signers.local import LocalAccount
from fastapi import FastAPI

from chain.api import Market
from chain.connect import connect, open_book
from chain.contracts import AddressBook
from chain.convert import address_of
from chain.escrow import Escrow
from chain.instruments import SenderFigures
from chain.job import Address, Parameters
from chain.journal import Where
from chain.journal_postgres import PostgresPlace
from chain.keys import load_account
from chain.log_setup import hide
from chain.messages import Domain
from chain.sender import Sender
from chain.store_process import ipfs_api, start_store
from chain.token import Token
from chain.trace import set_up_tracing
from scheduler.api import agents, bundles, deployments, health
from scheduler.api.context import Context
from scheduler.api.problems import add_problems
from scheduler.api.requests import Requests
from scheduler.assign import Assigner
from scheduler.builder import Builder
from scheduler.dashboard import add_dashboard
from scheduler.hub import Hub
from scheduler.indexer import Indexer
from scheduler.key import Key
from scheduler.links import Links
from scheduler.logs import Logs
from scheduler.loops import Loop, run_loops
from scheduler.notices import Notices
from scheduler.observe import Parts, observe
from scheduler.reconcile import Rules
from scheduler.settings import Settings, name_process, read_settings
from scheduler.shift import Pace
from scheduler.signals import ChainClock, Signals
from scheduler.store import Store, bind_chain, open_store
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
    hide(account.key.hex())
    requests = Requests()

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            stack.callback(set_up_tracing(values, "scheduler"))
            app.state.context = await _start(stack, settings, account, values, requests)
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
    app.add_middleware(requests.layer)
    return app


async def _start(
    stack: contextlib.AsyncExitStack,
    settings: Settings,
    account: LocalAccount,
    environ: Mapping[str, str],
    requests: Requests,
) -> Context:
    """Open everything in order; `stack` closes it in reverse."""
    settings.home.mkdir(parents=True, exist_ok=True)
    me = address_of(account.address)
    w3 = connect(settings.rpc_url)
    stack.push_async_callback(w3.provider.disconnect)
    book = await open_book(w3, settings.home, environ)
    escrow, token = Escrow.of(w3, book), Token(w3, book.token, book.token_abi)
    store = await open_store(settings.database_url, settings.database_pool)
    stack.push_async_callback(store.close)
    figures = SenderFigures()
    key = Key(partial(Sender, w3, account, _journal(settings, store), figures=figures))
    stack.push_async_callback(key.close)
    if not store.is_postgres:
        await key.take()  # alone with its database, so a second one is not to start at all
    await bind_chain(store, book.chain_id, book.genesis, book.escrow)
    api, gateway = await _content(stack, settings, environ)
    scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="draas-scheduler-")))

    rules = await escrow.parameters()
    market = _market(book, rules, me, settings.max_bundle_bytes, gateway)
    domain = Domain(book.chain_id, book.escrow)
    name, signals, clock = name_process(settings), Signals(), ChainClock()
    start = book.deployed_at_block
    indexer = Indexer(w3, escrow, store, signals, clock, me, start, settings.confirmations)
    logs = Logs(store, signals, settings.max_log_bytes)
    links = Links(store, signals, clock)
    hub = Hub(me, domain, links, logs, settings.heartbeat_s, lambda: signals.notify("agents"))
    stack.push_async_callback(hub.close)
    builder = Builder(store, clock, settings, api)
    assigner = Assigner(store, clock, hub, account, domain, settings.offer_s)
    times = Rules(rules, settings.refund_after_s)
    pace, build_s = Pace(name, settings.lease_s), settings.build.seconds + settings.fetch_s + 60
    worker = Worker(
        store, signals, clock, indexer, builder, assigner, escrow, key, times, pace, build_s
    )
    parts = Parts(
        settings, store, w3, api, clock, rules, indexer, worker, builder, hub, logs, key, figures, requests
    )  # fmt: skip
    observed = observe(parts)
    context = Context(
        settings, store, signals, clock, indexer, hub, logs, builder, assigner, escrow, rules, token,
        market, api, scratch, observed,
    )  # fmt: skip
    loops: list[Loop] = [indexer.run, worker.run, partial(hub.wake_on, signals, links), key.keep]
    loops.append(observed.run)
    if store.is_postgres:
        loops.append(Notices(settings.database_url, name, signals).run)
    await run_loops(stack, loops)
    log.info("scheduler.started", address=me, name=name, chain_id=book.chain_id, escrow=book.escrow)
    return context


def _market(
    book: AddressBook, rules: Parameters, me: Address, max_bundle_bytes: int, gateway: str
) -> Market:
    return Market(
        chain_id=book.chain_id,
        escrow=book.escrow,
        token=book.token,
        court=book.court,
        scheduler=me,
        window=rules.window,
        lapse_after=rules.lapse_after,
        settle_grace=rules.settle_grace,
        max_bundle_bytes=max_bundle_bytes,
        gateway=gateway,
    )


def _journal(settings: Settings, store: Store) -> Where:
    """With the rows where several schedulers share them, since they share the key too; else in a file."""
    if store.is_postgres:
        return partial(PostgresPlace, settings.database_url)
    return settings.home / "scheduler"


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

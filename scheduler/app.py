"""The scheduler put together: the only place that builds its parts."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Mapping

import structlog
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from chain.court import Court
from chain.keys import load_account
from chain.log_setup import hide
from chain.pinning import PinningService
from chain.trace import set_up_tracing
from scheduler.api import (
    agents,
    bundles,
    content,
    deployments,
    due,
    health,
    images,
    overview,
    sealed,
    session,
    spending,
)
from scheduler.api.access import Access
from scheduler.api.context import Context
from scheduler.api.front import FrontDoor
from scheduler.api.guard import Gate, Guard
from scheduler.api.named import Named
from scheduler.api.newsroom import Newsroom
from scheduler.api.problems import add_problems
from scheduler.api.recent import Recent
from scheduler.api.streams import glance
from scheduler.api.tails import Tails
from scheduler.dashboard import add_dashboard
from scheduler.ground import Ground, open_ground
from scheduler.images.builder import Builder
from scheduler.images.delivery import Delivery
from scheduler.images.private import Opener, forget_left_open
from scheduler.index.indexer import Indexer
from scheduler.ingress.ingress import Ingress, Shares
from scheduler.ingress.routes import Routes
from scheduler.ingress.tunnels import Tunnels
from scheduler.loops import Loop, run_loops
from scheduler.notices import Notices
from scheduler.sessions.hub import Hub
from scheduler.sessions.login import Logins, Terms
from scheduler.sessions.logs import Logs
from scheduler.sessions.tokens import secret_of
from scheduler.sessions.vault import Vault
from scheduler.settings import read_settings
from scheduler.telemetry.observe import Parts, observe
from scheduler.telemetry.requests import Requests
from scheduler.watch.judge import WatchRules
from scheduler.watch.ledgers import Ledgers
from scheduler.watch.probes import Prober
from scheduler.watch.watchtower import Purse, Watchtower
from scheduler.work.assign import Assigner, Offering
from scheduler.work.pins import Pinner, Place
from scheduler.work.sweep import Sweeper
from scheduler.work.worker import Worker

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
    if settings.pins.token:
        hide(settings.pins.token)
    gate, requests = Gate(settings.names, settings.limits), Requests()

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            stack.callback(set_up_tracing(values, "scheduler"))
            ground = await open_ground(stack, settings, account, values)
            app.state.context = await _start(stack, ground, gate, requests)
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
    for api in (
        bundles,
        sealed,
        deployments,
        agents,
        images,
        session,
        overview,
        spending,
        due,
        content,
        health,
    ):
        app.include_router(api.router)
    add_dashboard(app)
    app.add_middleware(Guard, gate=gate)
    if settings.names.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=sorted(settings.names.origins),
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "If-None-Match", "Last-Event-ID"],
            expose_headers=["ETag", "Retry-After"],
            allow_credentials=True,
        )
    app.add_middleware(FrontDoor, names=settings.names, places=settings.places)
    app.add_middleware(requests.layer)
    return app


async def _start(
    stack: contextlib.AsyncExitStack, ground: Ground, gate: Gate, requests: Requests
) -> Context:
    """Build the parts upon the ground, and let their loops run until `stack` is closed."""
    settings, store, clock, signals = ground.settings, ground.store, ground.clock, ground.signals
    indexer = Indexer(
        ground.w3, ground.escrow, store, signals, clock, ground.me,
        ground.book.deployed_at_block, settings.confirmations,
    )  # fmt: skip
    hub = Hub(
        ground.name, _logins(ground), store, signals, clock, settings.heartbeat_s, settings.max_log_bytes,
        settings.places.url_of,
    )  # fmt: skip
    stack.push_async_callback(hub.close)
    ingress = Ingress(Routes(store, clock, ground.rules), Tunnels(hub.logins.read), Shares())
    stack.push_async_callback(ingress.tunnels.close)
    await asyncio.to_thread(forget_left_open)
    opener = Opener(ground.sealing, ground.domain, ground.me)
    builder = Builder(store, signals, clock, settings, ground.ipfs_api, ground.name, opener)
    stack.push_async_callback(builder.close)
    delivery = Delivery(store, ground.ipfs_api)
    stack.push_async_callback(delivery.close)
    offering = Offering(ground.account, ground.domain, settings.offer_s, settings.heartbeat_s)
    assigner = Assigner(store, signals, clock, offering)
    pinner = _pinner(ground, indexer)
    sweeper = Sweeper(store, clock, settings, lambda: indexer.synced, delivery.forget)
    watchtower = _watchtower(ground)
    prober = Prober(
        store, signals, clock, indexer, hub, ground.domain, ground.name, ground.rules.window
    )
    ledgers = Ledgers(store, signals, ground.domain, ground.ipfs_api)
    vault = Vault(store, signals, ground.sealing, ground.account, ground.domain)
    worker = Worker(ground, indexer, builder, assigner, watchtower, vault)
    newsroom = Newsroom(store, signals, indexer)
    logs = Logs(store)
    observed = observe(Parts(ground, indexer, worker, builder, hub, requests, logs, ingress))
    loops: list[Loop] = [
        indexer.run, worker.run, hub.run, ground.key.keep, ground.key.watch, prober.run,
        watchtower.run, ledgers.run, sweeper.run, pinner.run, newsroom.run, observed.run,
    ]  # fmt: skip
    if store.is_postgres:
        loops.append(Notices(settings.database_url, ground.name, signals).run)
    await run_loops(stack, loops)
    log.info("scheduler.started", address=ground.me, name=ground.name, escrow=ground.book.escrow)
    court = Court.of(ground.w3, ground.book)
    access = Access(secret_of(ground.account, ground.domain), store, court, gate.names)
    tails = Tails(logs, signals, lambda job_id: glance(context, job_id))
    hub.intake.on_kept = tails.heard
    context = Context(
        settings, store, signals, clock, indexer, hub, tails, builder, delivery, assigner,
        ground.escrow, ground.rules, ground.token, ground.market, ground.ipfs_api, ground.scratch, observed,
        access, gate,
        Recent(lambda: overview.look(context)), newsroom, ingress, settings.places, ground.account, ground.domain,
        pinner, vault, opener, Named(store, ground.escrow, ground.book.deployed_at_block),
    )  # fmt: skip
    return context


def _pinner(ground: Ground, indexer: Indexer) -> Pinner:
    settings, service = ground.settings, None
    if settings.pins.url:
        service = PinningService(settings.pins.url, settings.pins.token)
    place = Place(ground.me, ground.ipfs_api, service, ground.rules.ruling_time)
    return Pinner(ground.store, ground.clock, settings, place, lambda: indexer.synced)


def _logins(ground: Ground) -> Logins:
    settings, domain = ground.settings, ground.domain
    terms = Terms(settings.token_s, settings.heartbeat_s, settings.logins_per_s)
    return Logins(ground.store, ground.me, domain, secret_of(ground.account, domain), terms)


def _watchtower(ground: Ground) -> Watchtower:
    settings, rules = ground.settings, ground.rules
    purse = Purse(ground.account, ground.escrow, ground.token, ground.key)
    watch_rules = WatchRules(settings.watch_min or rules.dispute_bond, settings.watch_silence_s)
    return Watchtower(
        ground.store, ground.clock, purse, ground.domain, ground.ipfs_api, rules, watch_rules
    )

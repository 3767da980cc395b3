"""The agent's process: the only place that builds things. Stopping it leaves containers running; the next start
takes them up again."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import structlog
import uvicorn
from eth_account.signers.local import LocalAccount
from fastapi import FastAPI
from web3 import AsyncWeb3

from agent.api.api import make_api
from agent.api.metrics import registry_of
from agent.api.owner_api import Owner, owner_routes
from agent.container.engine_host import EngineHost
from agent.container.lease import Leases
from agent.container.network import can_fence
from agent.link.link import Identity, Link
from agent.link.secrets import Courier
from agent.pay.evidence import Publisher
from agent.pay.register import Registry, ensure_registered
from agent.pay.report import Reporter
from agent.places import delivery_of, empty_runs, hear_of_ends, keeper_of, open_machine
from agent.runs.look import ChainView
from agent.runs.runs import Runs
from agent.runs.store import open_store
from agent.runs.surroundings import Surroundings
from agent.serve.serving import Serving
from agent.settings import AgentSettings, read_settings
from agent.swarm.fleet import Fleet
from agent.sweep.pins import Pins, Unpinner, needed_by
from agent.sweep.sweep import Sweeper
from chain.connect import connect, open_book
from chain.contracts import AddressBook
from chain.errors import DraasError, Unavailable
from chain.escrow import Escrow
from chain.job import Address, Parameters
from chain.keys import load_account
from chain.log_setup import hide, set_up_logs
from chain.loop_watch import LoopWatch
from chain.messages import Domain, sign_statement
from chain.result import vouch
from chain.sealing_key import load_sealing_key
from chain.sender import Sender
from chain.settings import url_at
from chain.token import Token
from chain.trace import set_up_tracing

log = structlog.get_logger()
T = TypeVar("T")
THREADS = 64  # for the Engine's blocking calls
PATIENCE_S = 60.0  # for a chain that is still starting


@dataclass(frozen=True, slots=True)
class Agent:
    """A built agent."""

    api: FastAPI
    runs: Runs
    link: Link
    reporter: Reporter
    sender: Sender
    publisher: Publisher
    serving: Serving
    keeper: Sweeper | Fleet  # keeps up with where jobs run
    unpinner: Unpinner


@asynccontextmanager
async def open_agent(settings: AgentSettings, environ: Mapping[str, str]) -> AsyncIterator[Agent]:
    """Build everything, register, and take up the runs of the last time.

    Raises:
        Conflict: another process uses this key or home, or there are too few tokens for the bond.
        Unavailable: no Docker Engine, or no chain within a minute.
    """
    account = load_account(environ, "DRAAS_")
    hide(account.key.hex())
    agent, home = Address(account.address), settings.home
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    async with AsyncExitStack() as stack:
        stack.callback(set_up_tracing(environ, "agent"))
        loop = _watch_loop(stack)
        host, settings = await open_machine(stack, settings, agent)
        market = await _open_market(stack, settings, environ, account)
        book, escrow, sender, parameters = market.book, market.escrow, market.sender, market.rules
        view = ChainView(market.w3, escrow, agent, parameters, settings.confirmations)
        domain = Domain(book.chain_id, book.escrow)
        runs = await empty_runs(settings, host)
        keeper, room = keeper_of(settings, agent, host, runs, parameters.lapse_after)
        link = Link(_identity(settings, account, domain, host), runs, runs.offer)
        courier = Courier(link, load_sealing_key(environ, home / "agent"), account, domain)
        hide(courier.identity)
        serving = Serving(host.engine, runs, link, settings)
        pins = Pins(home / "agent" / "pins.json")
        store = await stack.enter_async_context(open_store(environ, home, pins.begins))
        ends = hear_of_ends(stack, host, agent, runs)
        runs.begin(
            Surroundings(
                home=home,
                agent=agent,
                machine=host,
                view=view,
                leases=Leases(home / "agent" / "runs"),
                escrow=escrow,
                sender=sender,
                domain=domain,
                scheduler=lambda: link.scheduler,
                free=runs.free,
                gpus_for=runs.gpus_for,
                draining=lambda: runs.drain.on,
                room=room,
                store=store.add,
                changed=serving.changed,
                printed=link.printed,
                sign=lambda told: sign_statement(account, domain, told),
                secrets=courier.fetch,
                vouch=lambda result, report: vouch(account, domain, result, report),
                tells_ends=ends,
                bring=delivery_of(settings, host, link, store).bring,
            )
        )
        stack.push_async_callback(runs.close)
        reporter = Reporter(escrow, sender, view, runs, _interval(settings, parameters))
        publisher = Publisher(runs, store, escrow, sender, book.deployed_at_block, link.tell)
        owner = Owner(market.registry, runs, view)
        front = serving.in_front_of(_api(owner, link, loop, home, domain))
        unpinner = Unpinner(pins, store.api, lambda: needed_by(runs), settings.pin_keep_s)
        yield Agent(front, runs, link, reporter, sender, publisher, serving, keeper, unpinner)


@dataclass(frozen=True, slots=True)
class _Market:
    """The chain, and what is ours on it."""

    w3: AsyncWeb3[Any]
    book: AddressBook
    escrow: Escrow
    rules: Parameters
    sender: Sender
    registry: Registry


async def _open_market(
    stack: AsyncExitStack,
    settings: AgentSettings,
    environ: Mapping[str, str],
    account: LocalAccount,
) -> _Market:
    """Connect to the chain, and be registered there."""
    w3 = connect(settings.rpc_url)
    stack.push_async_callback(w3.provider.disconnect)
    book = await _patiently(lambda: open_book(w3, settings.home, environ))
    escrow, token = Escrow.of(w3, book), Token(w3, book.token, book.token_abi)
    rules = await escrow.parameters()
    sender = stack.enter_context(Sender(w3, account, settings.home / "agent"))
    registry = Registry(escrow, token, sender, rules, book.chain_id)
    await _patiently(lambda: _join(registry, settings))
    return _Market(w3, book, escrow, rules, sender, registry)


def _interval(settings: AgentSettings, rules: Parameters) -> float:
    """Seconds between reports."""
    return settings.report_interval_s or rules.lapse_after / 3


def _api(owner: Owner, link: Link, loop: LoopWatch, home: Path, domain: Domain) -> FastAPI:
    figures = registry_of(owner.runs, link, owner.view, loop, owner.registry.sender)
    api = make_api(owner.agent, owner.runs, link, owner.view, figures, domain)
    api.include_router(owner_routes(owner, home))
    return api


def _watch_loop(stack: AsyncExitStack) -> LoopWatch:
    loop = LoopWatch()
    loop.start()
    stack.push_async_callback(loop.stop)
    return loop


def _identity(
    settings: AgentSettings, account: LocalAccount, domain: Domain, host: EngineHost | Fleet
) -> Identity:
    """How the agent names itself to a scheduler."""
    return Identity(
        urls=settings.scheduler_urls,
        account=account,
        domain=domain,
        own_url=settings.public_url,
        home=settings.home,
        attributes=settings.attributes,
        runtimes=host.offered,
    )


async def _join(registry: Registry, settings: AgentSettings) -> None:
    """Be registered; a registration that is under way counts, once it is mined."""
    await registry.sender.finish()
    await ensure_registered(registry, settings.rates, settings.capacity)


async def _patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask until there is an answer, for a while."""
    ends = asyncio.get_running_loop().time() + PATIENCE_S
    while True:
        try:
            return await ask()
        except Unavailable:
            if asyncio.get_running_loop().time() > ends:
                raise
        await asyncio.sleep(0.5)


class _Server(uvicorn.Server):
    """Leaves the signals to us: uvicorn would end the process before it has cleaned up."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(settings: AgentSettings, environ: Mapping[str, str]) -> None:
    """Run the agent until SIGINT or SIGTERM.

    Raises:
        DraasError: as `open_agent`.
    """
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(THREADS, thread_name_prefix="agent"))
    async with open_agent(settings, environ) as agent:
        config = uvicorn.Config(
            agent.api,
            host=settings.ip,
            port=settings.port,
            log_level="warning",
            log_config=None,  # its lines go the way of ours
            timeout_graceful_shutdown=2,
        )
        server = _Server(config)

        def end() -> None:
            server.should_exit = True

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, end)
        loops = (agent.link, agent.reporter, agent.publisher, agent.keeper, agent.unpinner)
        work = [*(one.work() for one in loops), agent.sender.watch(), _forget(agent)]
        work += [loop() for loop in agent.serving.loops()]
        tasks = [asyncio.create_task(one) for one in work]
        log.info("agent.ready", url=url_at(settings.ip, settings.port))
        try:
            await server.serve()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _forget(agent: Agent) -> None:
    """Let go of runs that are over, now and then."""
    while True:
        await asyncio.sleep(5)
        await agent.runs.forget(
            lambda run: run.container.meter.is_published and agent.link.told_all(run)
        )


def main() -> int:
    """`python -m agent`; the process's exit code."""
    try:
        set_up_logs(os.environ)
        settings = read_settings(os.environ, can_fence())
        with suppress(KeyboardInterrupt):
            asyncio.run(serve(settings, os.environ))
    except DraasError as error:
        log.error("agent.ended", error=error.message, fix=error.fix)
        return error.exit_code
    return 0

"""The agent's process: the only place that builds things. Stopping it leaves containers running; the next start
takes them up again."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TypeVar

import structlog
import uvicorn
from eth_account.signers.local import LocalAccount
from fastapi import FastAPI

from agent.api import make_api
from agent.container import Machine, this_machine
from agent.ends import Ends
from agent.engine import Engine
from agent.lease import Leases
from agent.link import Identity, Link
from agent.look import ChainView
from agent.metrics import registry_of
from agent.network import can_fence
from agent.register import Registry, ensure_registered
from agent.report import Reporter
from agent.runs import Runs
from agent.settings import AgentSettings, read_settings
from agent.store import open_store
from agent.surroundings import Surroundings
from agent.swarm.fleet import Fleet, open_fleet
from agent.sweep import Rules, Sweeper, sweeper_of
from chain.connect import connect, open_book
from chain.errors import DraasError, Unavailable
from chain.escrow import Escrow
from chain.job import Address
from chain.keys import load_account
from chain.log_setup import hide, set_up_logs
from chain.loop_watch import LoopWatch
from chain.messages import Domain
from chain.sender import Sender
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
    keeper: Sweeper | Fleet  # keeps up with where jobs run


@asynccontextmanager
async def open_agent(settings: AgentSettings, environ: Mapping[str, str]) -> AsyncIterator[Agent]:
    """Build everything, register, and take up the runs of the last time.

    Raises:
        Conflict: another process uses this key or home, or there are too few tokens for the bond.
        Unavailable: no Docker Engine, or no chain within a minute.
    """
    account = load_account(environ, "DRAAS_")
    hide(account.key.hex())
    agent = Address(account.address)
    home = settings.home
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    async with AsyncExitStack() as stack:
        stack.callback(set_up_tracing(environ, "agent"))
        loop = _watch_loop(stack)
        machine, settings = await _machine(stack, settings, agent)
        w3 = connect(settings.rpc_url)
        stack.push_async_callback(w3.provider.disconnect)
        book = await _patiently(lambda: open_book(w3, home, environ))
        escrow = Escrow.of(w3, book)
        token = Token(w3, book.token, book.token_abi)
        parameters = await escrow.parameters()
        sender = stack.enter_context(Sender(w3, account, home / "agent"))
        registry = Registry(escrow, token, sender, parameters, book.chain_id)
        await _patiently(lambda: _join(registry, settings))
        view = ChainView(w3, escrow, agent, parameters, settings.confirmations)
        domain = Domain(book.chain_id, book.escrow)
        runs = Runs(settings.capacity)
        keeper, room = _keeper(settings, agent, machine, runs, parameters.lapse_after)
        link = Link(_identity(settings, account, domain), runs, runs.offer)
        store = await stack.enter_async_context(open_store(environ, home))
        ends = _ends(stack, machine, agent, runs)
        runs.begin(
            Surroundings(
                home=home,
                agent=agent,
                machine=machine,
                view=view,
                leases=Leases(home / "agent" / "runs"),
                escrow=escrow,
                sender=sender,
                domain=domain,
                scheduler=lambda: link.scheduler,
                free=runs.free,
                room=room,
                store=store,
                changed=link.tell,
                printed=link.printed,
                tells_ends=ends,
            )
        )
        stack.push_async_callback(runs.close)
        interval = settings.report_interval_s or parameters.lapse_after / 3
        reporter = Reporter(escrow, sender, view, runs, interval)
        figures = registry_of(runs, link, view, loop, sender)
        api = make_api(agent, runs, link, view, figures)
        yield Agent(api, runs, link, reporter, sender, keeper)


async def _machine(
    stack: AsyncExitStack, settings: AgentSettings, agent: Address
) -> tuple[Machine | Fleet, AgentSettings]:
    """Where jobs run: on one Engine, or on the Swarm that it manages; and what that offers."""
    engine = Engine()
    stack.callback(engine.close)
    if settings.fleet is None:
        return await this_machine(engine), settings
    fleet = await open_fleet(engine, agent, settings.fleet, settings.home)
    stack.callback(fleet.close)
    return fleet, replace(settings, capacity=fleet.capacity)


def _keeper(
    settings: AgentSettings,
    agent: Address,
    machine: Machine | Fleet,
    runs: Runs,
    lapse_after: float,
) -> tuple[Sweeper | Fleet, Callable[[int], str]]:
    """What keeps up with where jobs run, and whether its disks have room."""
    if isinstance(machine, Fleet):
        return machine, machine.disk_room
    limits = Rules(settings.keep_s, settings.disk_mib, lapse_after)
    sweeper = sweeper_of(settings.home, agent, machine, runs, limits)
    return sweeper, sweeper.room


def _ends(
    stack: AsyncExitStack, machine: Machine | Fleet, agent: Address, runs: Runs
) -> Callable[[], bool]:
    """Hear of ended containers, if they are on this Engine; whether they would be told of now."""
    if isinstance(machine, Fleet):
        machine.changed = runs.offer_in_all
        return lambda: False
    ends = Ends(machine.engine, agent, runs.ended)
    stack.push_async_callback(ends.close)
    return lambda: ends.hears


def _watch_loop(stack: AsyncExitStack) -> LoopWatch:
    loop = LoopWatch()
    loop.start()
    stack.push_async_callback(loop.stop)
    return loop


def _identity(settings: AgentSettings, account: LocalAccount, domain: Domain) -> Identity:
    """How the agent names itself to a scheduler."""
    own_url = f"http://{settings.ip}:{settings.port}"
    return Identity(
        settings.scheduler_urls, account, domain, own_url, settings.home, settings.attributes
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
        loops = (agent.link, agent.reporter, agent.keeper)
        work = (*(one.work() for one in loops), agent.sender.watch(), _forget(agent))
        tasks = [asyncio.create_task(one) for one in work]
        log.info("agent.ready", url=f"http://{settings.ip}:{settings.port}")
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
        await agent.runs.forget(agent.link.told_all)


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

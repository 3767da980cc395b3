"""`draas up`: the whole market on this machine, each part a process of its own."""

from __future__ import annotations

import asyncio
import fcntl
import os
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from chain.errors import Conflict
from chain.ipfs import add_bytes
from chain.job import Address, Parameters
from chain.meta_evidence import DOCUMENT
from cli.finish import end_on_signal
from cli.frontend import PAGES, frontend_part, frontend_port, origins_of, why_not
from cli.localnet import (
    BOND_PER_UNIT,
    COURT,
    DISPUTE_BOND,
    LAPSES_PER_SLASH,
    Identity,
    Localnet,
    open_localnet,
)
from cli.parts import LOOPBACK, Part, Started, first_end, free_ports, is_free, start, stop
from cli.screen import Screen
from cli.session import LocalMarket, home_of
from cli.sweep import sweep

BOND_MARGIN_S = 60


@dataclass(frozen=True, slots=True)
class Options:
    """What `draas up` can be told. Times are seconds; port 0 stands for any that is free."""

    agents: int = 1
    window: int = 5
    lapse_after: int = 60
    settle_grace: int = 15
    rpc_port: int = 8545
    ipfs_port: int = 5001
    scheduler_port: int = 5000
    agent_port: int = 5100
    agent_cpus: float | None = None
    agent_memory: str | None = None
    ipfs_api: str | None = None  # use this node instead of starting a store
    frontend: bool = True
    frontend_port: int | None = None  # None: 3000, or the next that is free

    def rules(self) -> Parameters:
        """What the escrow is deployed with: the court has ruled by the half of the ruling time, with which appeals end,
        and bonds stay until the other half is over."""
        ruling_time = 2 * COURT.longest_case
        return Parameters(
            window=self.window,
            lapse_after=self.lapse_after,
            settle_grace=self.settle_grace,
            bond_per_unit=BOND_PER_UNIT,
            dispute_bond=DISPUTE_BOND,
            ruling_time=ruling_time,
            unbond_time=2 * self.window + ruling_time + BOND_MARGIN_S,
            lapses_per_slash=LAPSES_PER_SLASH,
        )

    def with_ports(self) -> Options:
        """The same with every port chosen.

        Raises:
            Conflict: a port asked for is taken.
        """
        agents = [
            (self.agent_port + i, f"agent {i + 1}", "--agent-port") for i in range(self.agents)
        ]
        asked = [
            (self.rpc_port, "Ganache", "--rpc-port"),
            (self.scheduler_port, "the scheduler", "--port"),
        ]
        asked += [] if self.ipfs_api else [(self.ipfs_port, "the IPFS store", "--ipfs-port")]
        asked += agents if self.agent_port else []
        asked += [(self.frontend_port or 0, "the front end", "--frontend-port")]
        for port, what, option in asked:
            if port and not is_free(port):
                fix = f"Stop what listens there, or choose another port with {option} (0: any that is free)."
                raise Conflict(f"Port {port}, wanted for {what}, is taken.", fix)
        return replace(
            self,
            rpc_port=self.rpc_port or free_ports(),
            ipfs_port=self.ipfs_port or free_ports(),
            scheduler_port=self.scheduler_port or free_ports(),
            agent_port=self.agent_port or free_ports(self.agents),
            frontend_port=frontend_port(self.frontend_port),
        )


@dataclass(frozen=True, slots=True)
class RunningMarket:
    """A market that is up."""

    home: Path
    local: LocalMarket
    net: Localnet
    parts: tuple[Started, ...]


def ipfs_part(options: Options, home: Path) -> Part:
    """The embedded content store."""
    url = f"http://{LOOPBACK}:{options.ipfs_port}"
    env = {
        "IPFS_HOST": LOOPBACK,
        "IPFS_PORT": str(options.ipfs_port),
        "DRAAS_HOME": str(home / "ipfs"),
    }
    argv = (sys.executable, "-m", "chain.kubo")
    return Part("IPFS store", argv, env, url, f"{url}/healthz", home / "logs" / "ipfs.log")


def scheduler_part(options: Options, home: Path, who: Identity, common: Mapping[str, str]) -> Part:
    """The scheduler; with a front end, it takes its pages for its own."""
    pages = {}
    if options.frontend and options.frontend_port:
        pages = {"ALLOWED_ORIGINS": origins_of(options.frontend_port, os.environ)}
    env = {
        **pages,
        **common,
        **who.env(),
        "SCHEDULER_HOST": LOOPBACK,
        "SCHEDULER_PORT": str(options.scheduler_port),
    }
    url = f"http://{LOOPBACK}:{options.scheduler_port}"
    argv = (sys.executable, "-m", "scheduler")
    return Part("scheduler", argv, env, url, f"{url}/readyz", home / "logs" / "scheduler.log")


def agent_part(
    options: Options, home: Path, who: Identity, number: int, common: Mapping[str, str]
) -> Part:
    """One agent; without `agent_cpus` the machine is shared out equally."""
    port, scheduler = options.agent_port + number, f"http://{LOOPBACK}:{options.scheduler_port}"
    cpus = options.agent_cpus or (os.cpu_count() or 1) / options.agents
    env = {
        **common,
        **who.env(),
        "SCHEDULER_URL": scheduler,
        "AGENT_IP": LOOPBACK,
        "AGENT_PORT": str(port),
        "AGENT_CPUS": f"{cpus:g}",
        # A report every window: what a liar could take is what one of them holds, and the money is seen to move.
        "REPORT_INTERVAL_S": str(max(1, min(options.window, options.lapse_after // 3))),
    }
    if options.agent_memory:
        env["AGENT_MEMORY"] = options.agent_memory
    argv = (sys.executable, "-m", "agent")
    known = f"{scheduler}/v1/agents/{who.address}"  # ready is: the scheduler has let it in
    log = home / "logs" / f"agent-{number + 1}.log"
    return Part(f"agent {number + 1}", argv, env, f"http://{LOOPBACK}:{port}", known, log)


@asynccontextmanager
async def market(options: Options, home: Path, screen: Screen) -> AsyncIterator[RunningMarket]:
    """The market from start to stop; on leaving, everything it started is gone, in reverse order.

    Raises:
        Conflict: a port is taken, or a market runs in this home already.
        Unavailable: a part did not start.
    """
    options = _with_pages(options.with_ports(), screen)
    async with AsyncExitStack() as stack:
        stack.enter_context(_only_market(home))
        net = await stack.enter_async_context(
            open_localnet(home, options.rpc_port, options.agents, options.rules(), screen)
        )
        stack.push_async_callback(_sweep, [who.address for who in net.agents], screen)
        ipfs_api = options.ipfs_api or f"http://{LOOPBACK}:{options.ipfs_port}"
        common = {"RPC_URL": net.rpc_url, "IPFS_API": ipfs_api, "CONFIRMATIONS": "0"}
        wanted = [] if options.ipfs_api else [ipfs_part(options, home)]
        wanted.append(scheduler_part(options, home, net.scheduler, common))
        wanted += [
            agent_part(options, home, who, number, common) for number, who in enumerate(net.agents)
        ]
        if options.frontend:
            wanted.append(_pages(options, home, net))
        parts = tuple([await _start_in(stack, part, screen) for part in wanted])
        await add_bytes(ipfs_api, DOCUMENT.read_bytes())  # as the escrow names it
        local = LocalMarket(
            rpc_url=net.rpc_url,
            scheduler_url=f"http://{LOOPBACK}:{options.scheduler_port}",
            ipfs_api=ipfs_api,
            keystore=str(net.consumer.keystore),
            password_file=str(net.consumer.password_file),
        )
        stack.enter_context(local.saved_in(home))
        yield RunningMarket(home, local, net, parts)


def _with_pages(options: Options, screen: Screen) -> Options:
    """A market without its front end is one too."""
    fault = why_not() if options.frontend else ""
    if fault:
        screen.say(f"! {fault}", style="yellow")
    return replace(options, frontend=options.frontend and not fault)


def _pages(options: Options, home: Path, net: Localnet) -> Part:
    port = options.frontend_port or free_ports()
    where = (net.escrow, net.chain_id, net.rpc_url)
    return frontend_part(port, home, *where, options.scheduler_port)


async def _start_in(stack: AsyncExitStack, part: Part, screen: Screen) -> Started:
    with screen.working(f"starting {part.name}"):
        started = await start(part)
    stack.push_async_callback(_stop_told, started, screen)
    screen.done(part.name, part.url)
    return started


async def _stop_told(started: Started, screen: Screen) -> None:
    await stop(started)
    screen.done(f"{started.part.name} stopped")


async def _sweep(agents: list[Address], screen: Screen) -> None:
    removed = await sweep(agents)
    if removed:
        screen.done("containers removed", ", ".join(removed))


@contextmanager
def _only_market(home: Path) -> Iterator[None]:
    """One market a home: the lock goes with the process, however that ends."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (home / "up.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Conflict(
                f"A market runs in {home} already.", "Stop it, or set DRAAS_HOME to another folder."
            ) from None
        yield


async def run_market(options: Options, environ: Mapping[str, str], screen: Screen) -> int:
    """Bring the market up, wait for Ctrl-C or SIGTERM, take it down.

    Raises:
        Unavailable: a part ended by itself.
    """
    end_on_signal()
    try:
        async with market(options, home_of(environ), screen) as running:
            _tell(running, screen)
            await first_end(running.parts, spare=PAGES, told=screen.error)
    except asyncio.CancelledError:
        screen.record({"event": "stopped"})
        return 0
    return 1


def _tell(running: RunningMarket, screen: Screen) -> None:
    local, net = running.local, running.net
    found = (started.part.url for started in running.parts if started.part.name == PAGES)
    pages = next(found, "")
    screen.record(
        {
            "event": "ready",
            **asdict(local),
            "home": str(running.home),
            "escrow": net.escrow,
            "token": net.token,
            "court": net.court,
            "frontend_url": pages,
        }
    )
    screen.say("")
    screen.say("The market is up. Ctrl-C ends it.", style="bold")
    if pages:
        screen.say(f"  front end  {pages}")
    screen.say(f"  dashboard  {local.scheduler_url}/dashboard")
    screen.say(f"  chain      {local.rpc_url}")
    screen.say(f"  escrow     {net.escrow}")
    screen.say(f"  court      {net.court}")
    screen.say(f"  consumer   {net.consumer.address}")
    screen.say("Next, in another terminal: draas deploy examples/burn", style="bold")

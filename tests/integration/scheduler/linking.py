"""A scheduler's agents' side on a real server, with rows that tests write, and agents that are scripted."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import httpx
import uvicorn
from eth_account import Account
from eth_account.signers.local import LocalAccount
from fastapi import FastAPI
from pydantic import TypeAdapter
from sqlalchemy import Table, select
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from chain.clock import ChainClock
from chain.job import Address, JobId, Parameters
from chain.link_messages import SchedulerMessage, scheduler_message
from chain.messages import Domain, sign_login
from chain.printed import record
from chain.wire import (
    Ack,
    Heartbeat,
    Hello,
    LogLines,
    Offer,
    ResourcesBody,
    RunLines,
    RunStatus,
    RunUpdate,
    Wake,
    Welcome,
    Wire,
)
from scheduler.api import agents
from scheduler.api.front import FrontDoor
from scheduler.api.origins import Names
from scheduler.api.problems import add_problems
from scheduler.ingress.ingress import Ingress, Shares
from scheduler.ingress.places import Places
from scheduler.ingress.routes import Routes
from scheduler.ingress.tunnels import Tunnels
from scheduler.rows import tables as t
from scheduler.rows.database import Store
from scheduler.sessions.frames import CountingProtocol
from scheduler.sessions.hub import Hub
from scheduler.sessions.lines import Chunk
from scheduler.sessions.login import Logins, Terms
from scheduler.sessions.session import MAX_MESSAGE_BYTES, RunId
from scheduler.sessions.tokens import secret_of
from scheduler.signals import Signals

KEY = Account.from_key("0x" + "77" * 32)  # the scheduler's
SCHEDULER = Address(KEY.address)
DOMAIN = Domain(1337, Address("0x52908400098527886E0F7030069857D2E4169EE7"))
ROOM = ResourcesBody(cpu_millis=4000, memory_mib=4096)
HEARTBEAT_S = 1
PLACES = Places("http://127.0.0.1:5000", "svc.localhost")


def key_of(number: int) -> LocalAccount:
    """An agent's key."""
    account: LocalAccount = Account.from_key(f"0x{number + 1:064x}")
    return account


def job_of(number: int) -> JobId:
    """A job's id."""
    return JobId(f"0x{number:064x}")


@dataclass
class Copy:
    """One copy of the scheduler, as far as agents see it."""

    name: str
    url: str
    store: Store
    signals: Signals
    clock: ChainClock
    hub: Hub
    ingress: Ingress
    server: uvicorn.Server

    async def rows(self, table: Table) -> list[Any]:
        """All rows of a table."""
        async with self.store.read() as tx:
            return list((await tx.execute(select(table))).all())

    async def agent_row(self, account: LocalAccount) -> Any:
        """What is stored of an agent."""
        mine = t.agents.c.agent == account.address
        async with self.store.read() as tx:
            return (await tx.execute(select(t.agents).where(mine))).first()


@asynccontextmanager
async def a_copy(
    store: Store, name: str = "one", key: LocalAccount = KEY, terms: Terms | None = None
) -> AsyncIterator[Copy]:
    """A server on a free port, over a database that others may share."""
    signals, clock = Signals(), ChainClock()
    terms = terms or Terms(token_s=600, heartbeat_s=HEARTBEAT_S, logins_per_s=1000)
    logins = Logins(store, Address(key.address), DOMAIN, secret_of(key, DOMAIN), terms)
    hub = Hub(name, logins, store, signals, clock, HEARTBEAT_S, 64 * 1024)
    app = FastAPI()
    add_problems(app)
    app.include_router(agents.router)
    settings = SimpleNamespace(heartbeat_s=HEARTBEAT_S)
    names = Names(frozenset(), frozenset(), 0)
    rules = cast(Parameters, None)  # nothing ends by time here
    ingress = Ingress(Routes(store, clock, rules), Tunnels(logins.read), Shares())
    app.add_middleware(FrontDoor, names=names, places=PLACES)
    app.state.context = SimpleNamespace(
        hub=hub, store=store, clock=clock, settings=settings, names=names, ingress=ingress
    )
    config = uvicorn.Config(
        app,
        port=0,
        log_level="error",
        lifespan="off",
        ws=CountingProtocol,
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        ws_ping_interval=None,
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    working = asyncio.create_task(hub.run())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield Copy(name, f"http://127.0.0.1:{port}", store, signals, clock, hub, ingress, server)
    finally:
        await hub.close()
        await ingress.tunnels.close()
        server.should_exit = True
        await serving
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


async def token_for(url: str, account: LocalAccount) -> str:
    """Sign in."""
    async with httpx.AsyncClient(trust_env=False) as http:
        challenge = (await http.post(f"{url}/v1/agents/nonce")).json()
        answer = await http.post(f"{url}/v1/agents/login", json=signed(challenge, account))
        answer.raise_for_status()
        return str(answer.json()["token"])


def signed(challenge: dict[str, Any], account: LocalAccount) -> dict[str, Any]:
    """The body of a log-in."""
    nonce = challenge["nonce"]
    signature = sign_login(account, DOMAIN, Address(challenge["scheduler"]), nonce)
    return {"agent": account.address, "nonce": nonce, "signature": signature}


@dataclass
class Peer:
    """A scripted agent with an open link."""

    account: LocalAccount
    socket: ClientConnection
    welcome: Welcome

    async def say(self, message: Wire) -> None:
        """Send."""
        await self.socket.send(message.model_dump_json())

    async def hear(self, within_s: float = 10) -> SchedulerMessage:
        """The next message."""
        return scheduler_message.validate_json(await asyncio.wait_for(self.socket.recv(), within_s))

    async def ack(self) -> Ack:
        """The next word about log lines."""
        message = await self.hear()
        assert isinstance(message, Ack)
        return message

    async def offer(self) -> Offer:
        """The next offer."""
        message = await self.hear()
        assert isinstance(message, Offer)
        return message

    async def wake(self) -> Wake:
        """The next wake-up."""
        message = await self.hear()
        assert isinstance(message, Wake)
        return message

    async def beat(self, *runs: RunStatus) -> None:
        """A heartbeat that names these runs."""
        await self.say(beat_of(*runs))

    async def answer(self, job: JobId, phase: str, attempt: int = 1) -> None:
        """Answer an offer."""
        await self.say(RunUpdate(runs=[status(job, phase, attempt)]))

    async def log(self, job: JobId, lines: Sent, attempt: int = 1) -> None:
        """Send lines of one run."""
        part = RunLines(job_id=job, attempt=attempt, first=lines.first, body=lines.body)
        await self.say(LogLines(runs=[part]))

    async def close_code(self) -> int:
        """Wait until the scheduler ends the session; with which code."""
        async with asyncio.timeout(20):
            with contextlib.suppress(ConnectionClosed):
                while True:
                    await self.socket.recv()
        return self.socket.close_code or 0

    async def beat_until_closed(self) -> int:
        """Beat until the scheduler ends the session; with which code."""
        closing = asyncio.create_task(self.close_code())
        while not closing.done():
            with contextlib.suppress(ConnectionClosed):
                await self.beat()
            await asyncio.sleep(0.2)
        return closing.result()


def beat_of(*runs: RunStatus) -> Heartbeat:
    """A heartbeat."""
    return Heartbeat(
        at_ms=time.time_ns() // 1_000_000,
        capacity=ROOM,
        free=ROOM,
        cpu_percent=12.5,
        memory_used_mib=100,
        disk_free_mib=5000,
        runs=list(runs),
    )


def status(job: JobId, phase: str, attempt: int = 1) -> RunStatus:
    """Where a run stands."""
    return TypeAdapter(RunStatus).validate_python(
        {"job_id": job, "attempt": attempt, "phase": phase}
    )


@dataclass(frozen=True)
class Sent:
    """Packed lines, and the number of the first."""

    first: int
    body: str

    def of(self, agent: Address, run: RunId) -> Chunk:
        """As this agent's, of this run."""
        return Chunk(agent, run, self.first, self.body)


def lines(first: int, last: int, text: str = "x") -> Sent:
    """Lines with these numbers."""
    records = (record(i * 10**6, "stdout", f"{text}{i}") for i in range(first, last))
    return Sent(first, "".join(records))


@asynccontextmanager
async def linked(
    url: str, account: LocalAccount, *, runs: Iterable[str] = (), token: str | None = None
) -> AsyncIterator[Peer]:
    """An agent that signed in and said hello."""
    token = token or await token_for(url, account)
    headers = {"Authorization": f"Bearer {token}"}
    link = url.replace("http", "ws") + "/v1/agents/link"
    options = {"proxy": None, "compression": None, "close_timeout": 1}
    async with connect(link, additional_headers=headers, **options) as socket:  # type: ignore[arg-type]
        hello = Hello(capacity=ROOM, attributes={"region": "eu"}, runs=list(runs))
        await socket.send(hello.model_dump_json())
        welcome = scheduler_message.validate_json(await asyncio.wait_for(socket.recv(), 10))
        assert isinstance(welcome, Welcome)
        yield Peer(account, socket, welcome)


async def soon(look: Callable[[], Awaitable[Any]], within_s: float = 15) -> Any:
    """What it finds, once it finds something."""
    async with asyncio.timeout(within_s):
        while not (found := await look()):
            await asyncio.sleep(0.05)
        return found

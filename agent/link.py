"""The agent's one connection to its scheduler: outbound, signed in with the provider's key, and made again for ever.

Up go heartbeats, the runs' steps and their log lines; down come offers and wake-ups. Log lines are read from the
runs' spools, from wherever the scheduler says that it has them, so a connection that breaks loses none.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import structlog
from eth_account.signers.local import LocalAccount
from pydantic import ValidationError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from agent.probe import answer
from agent.run import Run
from agent.runs import Runs
from chain.convert import resources_body
from chain.errors import Conflict, DraasError, Unavailable
from chain.job import ZERO_ADDRESS, Address, JobId
from chain.messages import Domain, sign_login
from chain.wire import (
    Challenge,
    Heartbeat,
    Hello,
    LogLine,
    LogLines,
    Offer,
    Probe,
    ProbeAnswer,
    RunStatus,
    RunUpdate,
    Wake,
    Welcome,
    scheduler_message,
)

log = structlog.get_logger()

VERSION = "0.1.0"
MAX_MESSAGE = 4 * 1024 * 1024
MAX_LINES, MAX_LINES_BYTES = 500, 512 * 1024
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.3, 15.0
LOGIN_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Identity:
    """Who logs in, where, and what it offers."""

    url: str
    account: LocalAccount
    domain: Domain
    own_url: str
    home: Path


class Link:
    """The connection."""

    def __init__(self, who: Identity, runs: Runs, on_offer: Callable[[Offer], None]) -> None:
        self._who = who
        self._runs = runs
        self._on_offer = on_offer
        self._news = asyncio.Event()
        self._updates: deque[RunStatus] = deque(maxlen=1000)
        self._answers: deque[ProbeAnswer] = deque(maxlen=1000)
        self._answering: set[asyncio.Task[None]] = set()
        self._sent: dict[str, int] = {}
        self.scheduler: Address = ZERO_ADDRESS
        self.connected = False

    def tell(self, status: RunStatus) -> None:
        """Send a run's step, now or after the next login."""
        self._updates.append(status)
        self._news.set()

    def printed(self) -> None:
        """There are new log lines."""
        self._news.set()

    def told_all(self, run: Run) -> bool:
        """Whether the scheduler was sent everything about a run."""
        sent = self._sent.get(run.key.text, -1) + 1
        quiet = self.connected and not self._updates
        return quiet and (sent >= run.container.spool.length or bool(run.record.refused))

    async def work(self) -> None:
        """Connect, serve, and connect again, for ever."""
        pause = FIRST_PAUSE_S
        while True:
            began = time.monotonic()
            try:
                await self._serve()
            except (ConnectionClosed, InvalidHandshake, InvalidURI, OSError, TimeoutError) as error:
                log.info("link.lost", error=str(error)[:200] or type(error).__name__)
            except DraasError as error:
                log.error("link.refused", error=str(error))
            except Exception:
                log.exception("link.failed")
            self.connected = False
            pause = (
                FIRST_PAUSE_S if time.monotonic() - began > 30 else min(pause * 2, LONGEST_PAUSE_S)
            )
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - no secret

    async def _serve(self) -> None:
        options = {"max_size": MAX_MESSAGE, "open_timeout": LOGIN_SECONDS, "proxy": None}
        async with connect(self._who.url, **options) as socket:  # type: ignore[arg-type]
            welcome = await asyncio.wait_for(self._login(socket), LOGIN_SECONDS)
            self.connected = True
            self._sent = dict(welcome.cursors)
            log.info("link.connected", scheduler=self.scheduler)
            tasks = [
                asyncio.create_task(self._listen(socket)),
                asyncio.create_task(self._speak(socket, welcome.heartbeat_s)),
            ]
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _login(self, socket: ClientConnection) -> Welcome:
        challenge = _read(await socket.recv())
        if not isinstance(challenge, Challenge):
            raise Unavailable("The scheduler did not begin with a challenge.")
        domain = self._who.domain
        if (challenge.chain_id, challenge.escrow.lower()) != (
            domain.chain_id,
            domain.escrow.lower(),
        ):
            raise Conflict(
                f"The scheduler works for escrow {challenge.escrow} on chain {challenge.chain_id}, "
                f"we for {domain.escrow} on {domain.chain_id}.",
                "Set SCHEDULER_URL or RPC_URL to those of one market.",
            )
        account = self._who.account
        scheduler = Address(challenge.scheduler)
        hello = Hello(
            agent=account.address,
            signature=sign_login(account, domain, scheduler, challenge.nonce),
            url=self._who.own_url,
            version=VERSION,
            capacity=resources_body(self._runs.capacity),
        )
        await socket.send(hello.model_dump_json())
        welcome = _read(await socket.recv())
        if not isinstance(welcome, Welcome):
            raise Unavailable("The scheduler did not answer the login.")
        self.scheduler = scheduler
        return welcome

    async def _listen(self, socket: ClientConnection) -> None:
        async for text in socket:
            message = _read(text)
            match message:
                case Offer():
                    self._on_offer(message)
                case Wake():
                    self._runs.wake(JobId(message.job_id))
                case Probe():
                    task = asyncio.create_task(self._answer(message))
                    self._answering.add(task)
                    task.add_done_callback(self._answering.discard)
                case _:
                    log.warning("link.unexpected", kind=message.type)

    async def _answer(self, probe: Probe) -> None:
        self._answers.append(await answer(self._runs, probe))
        self._news.set()

    async def _speak(self, socket: ClientConnection, heartbeat_s: int) -> None:
        next_beat = 0.0
        while True:
            self._news.clear()
            while self._updates:
                await socket.send(RunUpdate(run=self._updates[0]).model_dump_json())
                self._updates.popleft()
            while self._answers:
                await socket.send(self._answers.popleft().model_dump_json())
            more = await self._send_logs(socket)
            if time.monotonic() >= next_beat:
                await socket.send((await self._heartbeat()).model_dump_json())
                next_beat = time.monotonic() + heartbeat_s
            if more:
                continue
            try:
                wait = max(0.05, next_beat - time.monotonic())
                await asyncio.wait_for(self._news.wait(), wait)
            except TimeoutError:
                continue

    async def _send_logs(self, socket: ClientConnection) -> bool:
        """One message a run; whether there is more to send at once."""
        more = False
        for run in self._runs.all():
            key, record = run.key.text, run.record
            after = self._sent.get(key, -1)
            lines = _within(run.container.spool.read(after, MAX_LINES))
            if not lines or record.claimed_at == 0:
                continue
            message = LogLines(job_id=record.job_id, attempt=record.attempt, lines=lines)
            await socket.send(message.model_dump_json())
            self._sent[key] = lines[-1].seq
            more = more or run.container.spool.length > lines[-1].seq + 1
        return more

    async def _heartbeat(self) -> Heartbeat:
        disk = await asyncio.to_thread(shutil.disk_usage, self._who.home)
        return Heartbeat(
            at_ms=time.time_ns() // 1_000_000,
            capacity=resources_body(self._runs.capacity),
            free=resources_body(self._runs.free()),
            cpu_percent=min(100.0, max(0.0, psutil.cpu_percent(interval=None))),
            memory_used_mib=psutil.virtual_memory().used // 1024**2,
            disk_free_mib=disk.free // 1024**2,
            runs=[run.status() for run in self._runs.all()],
        )


def _within(lines: list[LogLine]) -> list[LogLine]:
    """As many of the lines as fit into one message."""
    size, taken = 0, 0
    for line in lines:
        size += len(line.model_dump_json())
        if taken and size > MAX_LINES_BYTES:
            break
        taken += 1
    return lines[:taken]


def _read(text: str | bytes) -> Challenge | Welcome | Offer | Wake | Probe:
    try:
        return scheduler_message.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise Unavailable(f"The scheduler sent what we cannot read: {first['msg']}.") from None

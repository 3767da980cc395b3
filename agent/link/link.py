"""The agent's one connection to a scheduler: outbound, signed in with the provider's key, and made again for ever.

Up go heartbeats, the runs' steps and their log lines; down come offers and wake-ups. Log lines are read from the
runs' spools, from wherever the scheduler says that it has stored them, so a connection that breaks loses none.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import structlog
from eth_account.signers.local import LocalAccount
from pydantic import ValidationError
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from agent.link.machine import heartbeat
from agent.link.metering import Watched
from agent.link.outbound import DICE, OPEN_S, PING_S, first_of, outbound, pause_s
from agent.link.probe import answer
from agent.link.signin import Signed, sign_in
from agent.link.speak import Queues, Speaker
from agent.link.window import Window
from agent.runs.run import Run
from agent.runs.runs import Runs
from chain.convert import resources_body
from chain.errors import DraasError, TooMany, Unavailable
from chain.job import ZERO_ADDRESS, Address, JobId
from chain.link_messages import Metering, SchedulerMessage, scheduler_message
from chain.messages import Domain
from chain.wire import (
    Ack,
    Hello,
    Offer,
    Probe,
    ProbeAnswer,
    Renew,
    RunStatus,
    Wake,
    Welcome,
)

log = structlog.get_logger()

VERSION = "0.1.0"
MAX_MESSAGE = 4 * 1024 * 1024
RENEW_AT = 0.6  # of a token's life
UPDATES_MOST = 1000
HELLO_RUNS = 1000
SIGNED_OUT = 4401  # the close code of a session whose token has run out


@dataclass(frozen=True, slots=True)
class Identity:
    """Who logs in, where, and what it says of itself.

    Args:
        urls: of the schedulers, in the order in which they are tried.
        own_url: where this agent is reached; "" for nowhere.
    """

    urls: tuple[str, ...]
    account: LocalAccount
    domain: Domain
    own_url: str
    home: Path
    attributes: Mapping[str, str] = field(default_factory=dict)
    runtimes: Sequence[str] = ()


class Link:
    """The connection."""

    def __init__(self, who: Identity, runs: Runs, on_offer: Callable[[Offer], None]) -> None:
        self._who = who
        self._runs = runs
        self._on_offer = on_offer
        self._news = asyncio.Event()
        self._updates: deque[RunStatus] = deque(maxlen=UPDATES_MOST)
        self._answers: deque[ProbeAnswer] = deque(maxlen=UPDATES_MOST)
        self._watched = Watched()
        self._answering: set[asyncio.Task[None]] = set()
        self._window = Window({})
        self._signed: Signed | None = None
        self.connected = False
        self.url = who.urls[0]  # of the scheduler that it is or was connected to last

    @property
    def scheduler(self) -> Address:
        """Whose assignments are taken; the zero address before the first log-in."""
        return self._signed.scheduler if self._signed else ZERO_ADDRESS

    def tell(self, status: RunStatus) -> None:
        """Send a run's step, now or after the next login."""
        self._updates.append(status)
        self._news.set()

    def printed(self) -> None:
        """There are new log lines."""
        self._news.set()

    def told_all(self, run: Run) -> bool:
        """Whether the scheduler has stored everything about a run, or takes nothing of it."""
        if not self.connected or self._updates:
            return False
        stored = self._window.stored(run.key.text) + 1 >= run.container.spool.length
        return stored or bool(run.record.refused) or self._window.is_foreign(run.key.text)

    async def work(self) -> None:
        """Connect, serve, and connect again, for ever; to the next scheduler when one fails."""
        failures = 0
        while True:
            url = self._who.urls[failures % len(self._who.urls)]
            began, least = time.monotonic(), 0.0
            try:
                await self._serve(url)
            except InvalidStatus as error:
                self._expire(error.response.status_code in (401, 403))
                log.info("link.refused", scheduler=url, status=error.response.status_code)
            except ConnectionClosed as error:
                self._expire(error.rcvd is not None and error.rcvd.code == SIGNED_OUT)
                log.info("link.lost", scheduler=url, error=str(error)[:200])
            except (InvalidHandshake, InvalidURI, OSError, TimeoutError) as error:
                log.info("link.lost", scheduler=url, error=str(error)[:200] or type(error).__name__)
            except TooMany as error:
                least = error.wait_s
            except DraasError as error:
                log.error("link.refused", scheduler=url, error=str(error))
            except Exception:
                log.exception("link.failed")
            self.connected = False
            failures = 1 if time.monotonic() - began > 30 else failures + 1
            await asyncio.sleep(pause_s(failures, len(self._who.urls), least, DICE.random()))

    def _expire(self, refused: bool) -> None:
        """A token that was refused is not shown again; whose assignments count stays."""
        if refused and self._signed is not None:
            self._signed = Signed(self._signed.scheduler, "", 0.0)

    async def session(self, url: str, newer_than: Signed | None = None) -> Signed:
        """A token that still lasts; that of one copy of a scheduler opens the link at every other."""
        signed = self._signed
        old = signed is None or signed.ends - time.monotonic() < PING_S or signed == newer_than
        if signed is None or old:
            signed = self._signed = await sign_in(url, self._who.account, self._who.domain)
        return signed

    async def _serve(self, url: str) -> None:
        signed = await self.session(url)
        async with outbound(url, "link", signed.token, MAX_MESSAGE) as socket:
            welcome = await asyncio.wait_for(self._greet(socket), OPEN_S)
            self._window = Window(welcome.cursors)
            self.connected, self.url = True, url
            log.info("link.connected", url=url, scheduler=self.scheduler)
            queues = Queues(self._updates, self._answers, self._watched)
            speaker = Speaker(socket, self._runs, self._window, queues, self._news)
            beat = partial(heartbeat, self._runs, self._who.home)
            await first_of(
                self._listen(socket),
                speaker.speak(beat, welcome.heartbeat_s),
                self._renew(url, socket),
            )

    async def _greet(self, socket: ClientConnection) -> Welcome:
        hello = Hello(
            url=self._who.own_url or None,
            version=VERSION,
            capacity=resources_body(self._runs.capacity),
            attributes=dict(self._who.attributes),
            runtimes=list(self._who.runtimes),
            runs=[run.key.text for run in self._runs.all()][-HELLO_RUNS:],
            gpus=len(self._runs.gpus.ids),
            gpu_names=self._runs.gpus.names,
        )
        await socket.send(hello.model_dump_json())
        welcome = _read(await socket.recv())
        if not isinstance(welcome, Welcome):
            raise Unavailable("The scheduler did not begin with a welcome.")
        return welcome

    async def _renew(self, url: str, socket: ClientConnection) -> None:
        """Log in again before the token ends."""
        while True:
            left = self._signed.ends - time.monotonic() if self._signed else 0.0
            await asyncio.sleep(max(1.0, left * RENEW_AT))
            try:
                self._signed = await sign_in(url, self._who.account, self._who.domain)
            except DraasError as error:
                log.warning("link.renewal", error=str(error))  # tried again while the token lasts
                continue
            await socket.send(Renew(token=self._signed.token).model_dump_json())

    async def _listen(self, socket: ClientConnection) -> None:
        async for text in socket:
            message = _read(text)
            match message:
                case Offer():
                    self._on_offer(message)
                case Wake():
                    self._runs.wake(JobId(message.job_id))
                    self._window.wake(message.job_id)
                    self._news.set()
                case Ack():
                    self._window.take(message, time.monotonic())
                    self._news.set()
                case Metering():
                    self._watched.take(message, time.monotonic())
                    self._news.set()
                case Probe():
                    task = asyncio.create_task(self._answer(message))
                    self._answering.add(task)
                    task.add_done_callback(self._answering.discard)
                case _:
                    log.warning("link.unexpected", kind=message.type)

    async def _answer(self, probe: Probe) -> None:
        self._answers.append(await answer(self._runs, probe))
        self._news.set()


def _read(text: str | bytes) -> SchedulerMessage:
    try:
        return scheduler_message.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise Unavailable(f"The scheduler sent what we cannot read: {first['msg']}.") from None

"""A scheduler at its own address, and providers made of a key and a script: they say what the test has them say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import uvicorn
from eth_account.signers.local import LocalAccount
from websockets.asyncio.client import ClientConnection, connect

from agent.link.signin import sign_in
from chain.clock import unix_ms
from chain.convert import usage_body
from chain.job import JobId, Usage
from chain.link_messages import scheduler_message
from chain.wire import (
    Heartbeat,
    Hello,
    Probe,
    ProbeAnswer,
    ResourcesBody,
    RunPhase,
    RunStatus,
)
from scheduler.app import create_app
from tests.fixtures_chain import ChainMarket, free_port

ROOM = ResourcesBody(cpu_millis=2000, memory_mib=512)
Answers = Callable[["Liar", Probe], ProbeAnswer | None]


def honestly(liar: Liar, probe: Probe) -> ProbeAnswer | None:
    """As it claims in its heartbeats."""
    return ProbeAnswer(
        nonce=probe.nonce,
        at_ms=unix_ms(),
        running=liar.phase == "running",
        started_ms=liar.started_ms if liar.phase == "running" else 0,
        usage=usage_body(liar.metered),
    )


def not_at_all(liar: Liar, probe: Probe) -> ProbeAnswer | None:
    """Not at all."""
    return None


@dataclass
class Liar:
    """A provider's script.

    Args:
        names: the run that its heartbeats name; None for no run.
        phase, metered: what they say of it.
        answers: how it answers probes.
        evidence: the CID that it gives of its ledger.
        asked: the probes that came.
    """

    account: LocalAccount
    names: JobId | None = None
    phase: RunPhase = "running"
    metered: Usage = field(default_factory=Usage)
    answers: Answers = honestly
    asked: list[Probe] = field(default_factory=list)
    started_ms: int = field(default_factory=unix_ms)
    evidence: str = ""

    def heartbeat(self) -> Heartbeat:
        """Of this moment."""
        told = RunStatus(
            job_id=self.names or "0x" + "00" * 32,
            attempt=1,
            phase=self.phase,
            usage=usage_body(self.metered),
            evidence=self.evidence,
        )
        return Heartbeat(
            at_ms=unix_ms(),
            capacity=ROOM,
            free=ROOM,
            cpu_percent=1.0,
            memory_used_mib=1,
            disk_free_mib=1,
            runs=[told] if self.names else [],
        )


@asynccontextmanager
async def linked(url: str, market: ChainMarket, liar: Liar) -> AsyncIterator[None]:
    """The provider signed in and talking."""
    signed = await sign_in(url, liar.account, market.domain)
    bearer = {"Authorization": f"Bearer {signed.token}"}
    place = "ws" + url.removeprefix("http") + "/v1/agents/link"
    async with connect(place, additional_headers=bearer, proxy=None) as socket:
        await socket.send(Hello(capacity=ROOM).model_dump_json())
        await socket.recv()
        loops = [asyncio.create_task(loop) for loop in (_talk(socket, liar), _hear(socket, liar))]
        try:
            yield
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)


async def _talk(socket: ClientConnection, liar: Liar) -> None:
    while True:
        await socket.send(liar.heartbeat().model_dump_json())
        await asyncio.sleep(0.5)


async def _hear(socket: ClientConnection, liar: Liar) -> None:
    async for text in socket:
        message = scheduler_message.validate_json(text)
        if isinstance(message, Probe):
            liar.asked.append(message)
            answer = liar.answers(liar, message)
            if answer is not None:
                await socket.send(answer.model_dump_json())


@asynccontextmanager
async def a_scheduler(market: ChainMarket, home: Path, **more: str) -> AsyncIterator[str]:
    """The market's scheduler, in this process; its URL."""
    port = free_port()
    environ = {
        "DRAAS_HOME": str(home),
        "DRAAS_PRIVATE_KEY": market.scheduler.key.hex(),
        "RPC_URL": market.chain.rpc_url,
        "SCHEDULER_PORT": str(port),
    }
    market.book.save(home)
    app = create_app(environ | more)
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error")
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    serving = asyncio.create_task(server.serve())
    url = f"http://127.0.0.1:{port}"
    try:
        await _ready(url)
        yield url
    finally:
        server.should_exit = True
        await asyncio.wait_for(serving, 30)


async def _ready(url: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        for _ in range(300):
            with suppress(httpx.HTTPError):
                if (await http.get(f"{url}/readyz")).status_code == 200:
                    return
            await asyncio.sleep(0.1)
    raise AssertionError("the scheduler does not get ready")

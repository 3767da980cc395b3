"""A scheduler that is stopped at its nth step to the outside, and another that goes on; run by test_crash_points.py.

Reads one JSON object on its standard input: lanes, each with a chain of its own, and the settings that all share.
Everything is imported once; schedulers and the agent's double are children of this process, so that each begins as
a fresh program without the price of one.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import WebSocket
from sqlalchemy import Engine, event
from sqlalchemy.ext.asyncio import AsyncEngine
from web3 import HTTPProvider, Web3

from chain import ipfs
from chain.journal import Journal
from chain.outbox import Outbox
from scheduler.app import create_app
from scheduler.images import bundle_image
from tests.crash_steps import NEVER, Steps
from tests.fixtures_chain import free_port
from tests.integration.scheduler.agent_double import play

WITHIN_S = 120.0
PULSE_S = 2.0  # between empty blocks, by which time passes
KIND = 50  # letters of a statement that tell its kind
READS = ("SELECT", "PRAGMA", "BEGIN", "SET", "SHOW")

# Every write of a database, every transaction, every call of IPFS and of the Engine, every message to an agent.
STEPS: tuple[tuple[Any, str], ...] = (
    (Journal, "record"),
    (Journal, "mined"),
    (Outbox, "broadcast"),
    (ipfs, "fetch_folder"),
    (bundle_image, "build_image"),
    (WebSocket, "send_text"),
)


def watch_commits(steps: Steps) -> None:
    """A moment before and one after each commit of the rows: of each kind of transaction the first, since loops
    write the same again and again while they wait."""
    begin, seen = AsyncEngine.begin, set[tuple[str, ...]]()

    @event.listens_for(Engine, "before_cursor_execute")
    def note(connection: Any, _cursor: Any, text: str, *_: Any) -> None:
        if not text.lstrip().upper().startswith(READS):
            connection.info.setdefault("writes", []).append(text[:KIND])

    @asynccontextmanager
    async def counted(engine: AsyncEngine) -> Any:
        async with begin(engine) as tx:
            info = (await tx.get_raw_connection()).info
            info["writes"] = []
            yield tx
            kind = tuple(info["writes"])
            counts = bool(kind) and kind not in seen
            seen.add(kind)
            if counts:
                steps.tick()
        if counts:
            steps.tick()

    AsyncEngine.begin = counted  # type: ignore[method-assign,assignment]


async def serve(environ: dict[str, str]) -> None:
    """The scheduler, until it is killed."""
    config = uvicorn.Config(
        create_app(environ),
        host="127.0.0.1",
        port=int(environ["SCHEDULER_PORT"]),
        log_level="warning",
    )
    await uvicorn.Server(config).serve()


def forked(home: Path, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> int:
    """The process id of a child that does this and ends with 0, or with 1 and a trace in its log."""
    pid = os.fork()
    if pid:
        return pid
    try:
        log = os.open(home / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        asyncio.run(work())
        os._exit(0)
    finally:
        traceback.print_exc()
        os._exit(1)


def scheduler(home: Path, environ: dict[str, str], last: int) -> int:
    """A scheduler that is stopped at its last step."""

    async def work() -> None:
        steps = Steps(last)
        steps.watch(*STEPS)
        watch_commits(steps)
        steps.report_to(home / "steps")
        await serve(environ)

    return forked(home, "scheduler", work)


def ended(pid: int) -> int | None:
    """A child's exit code, once it has one."""
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def ask(url: str, method: str, *parameters: object) -> Any:
    """Ask a lane's chain."""
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
    return httpx.post(url, json=body, trust_env=False, timeout=30).json()["result"]


def lane(cases: list[dict[str, Any]]) -> None:
    """One case after the other, each on the chain as it was before the first. Blocks are mined here alone: Anvil mends
    nothing that is mined while it goes back, and its blocks are no chain from then on."""
    for given in cases:
        url = given["environ"]["RPC_URL"]
        before = ask(url, "evm_snapshot")
        ask(url, "evm_setTime", int(time.time()))
        sys.stdout.write(json.dumps(case(given)) + "\n")
        sys.stdout.flush()
        ask(url, "evm_revert", before)


def case(given: dict[str, Any]) -> dict[str, Any]:
    """One scheduler stopped at its step, another that goes on, until the agent's double has seen the end."""
    home = Path(given["home"])
    given["environ"]["SCHEDULER_PORT"] = str(free_port())  # no sooner: a free one is soon another's
    double = forked(home, "double", lambda: play(given))
    running, codes = scheduler(home, given["environ"], given["last"]), []
    until, end, mined = time.monotonic() + WITHIN_S, None, time.monotonic()
    while end is None and time.monotonic() < until:
        time.sleep(0.05)
        if time.monotonic() > mined + PULSE_S:
            mined = time.monotonic()
            ask(given["environ"]["RPC_URL"], "evm_mine")
        end = ended(double)
        code = ended(running)
        if code is not None:
            codes.append(code)
            running = scheduler(home, given["environ"], NEVER)
    for pid in (running, *([double] if end is None else [])):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return {"case": given["case"], "codes": codes, "end": end, "events": events_of(given)}


def events_of(given: dict[str, Any]) -> dict[str, list[str]]:
    """The names of each job's events, in order."""
    book = given["book"]
    w3 = Web3(HTTPProvider(given["environ"]["RPC_URL"]))
    place = w3.to_checksum_address(book["escrow"])
    escrow: Any = w3.eth.contract(address=place, abi=book["escrow_abi"])
    found: dict[str, list[Any]] = {name: [] for name in given["jobs"]}
    for told in escrow.events:
        if not any(one["name"] == "jobId" and one["indexed"] for one in told.abi["inputs"]):
            continue
        for name, job in given["jobs"].items():
            found[name] += told.get_logs(from_block=0, argument_filters={"jobId": job})
    for logs in found.values():
        logs.sort(key=lambda item: (item["blockNumber"], item["logIndex"]))
    return {name: [item["event"] for item in logs] for name, logs in found.items()}


def main() -> None:
    """All lanes at once, each with its cases one after the other."""
    given = json.load(sys.stdin)
    lanes = []
    for cases in given["lanes"]:
        pid = os.fork()
        if pid == 0:
            lane(cases)
            os._exit(0)
        lanes.append(pid)
    for pid in lanes:
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main()

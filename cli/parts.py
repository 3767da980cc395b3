"""The market's parts as data: what to start, with which settings, and how to tell that it is ready."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from chain.errors import DraasError, Unavailable

LOOPBACK = "127.0.0.1"
READY_WITHIN_S = 60.0
STOP_WITHIN_S = 15.0
_TOLD_LINES = 12
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Part:
    """One process of the market."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]  # added to ours
    url: str  # where it is reached
    ready_url: str  # answers 200 once the part works
    log: Path  # where its output goes


@dataclass(frozen=True, slots=True)
class Started:
    """A part that runs, in a process group of its own."""

    part: Part
    process: asyncio.subprocess.Process


def free_ports(count: int = 1) -> int:
    """The first of so many TCP ports in a row on which nobody listens at this moment."""
    while True:
        with socket.socket() as probe:
            probe.bind((LOOPBACK, 0))
            first: int = probe.getsockname()[1]
        if first + count <= 65536 and all(is_free(first + more) for more in range(count)):
            return first


def is_free(port: int) -> bool:
    """Whether nobody listens on this port of the loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def _die_with_parent() -> None:
    """In the child, before it becomes the part: a market that is killed leaves no parts behind."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


async def start(part: Part) -> Started:
    """Start a part and wait until it is ready.

    Raises:
        Unavailable: it ended, or is not ready in time; the message carries the end of its log.
    """
    part.log.parent.mkdir(parents=True, exist_ok=True)
    with part.log.open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *part.argv,
            env={**os.environ, **part.env},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )
    started = Started(part, process)
    try:
        await _until_ready(started)
    except BaseException:
        await stop(started)
        raise
    return started


async def _until_ready(started: Started) -> None:
    part, process = started.part, started.process
    ends = asyncio.get_running_loop().time() + READY_WITHIN_S
    async with httpx.AsyncClient(timeout=2.0, trust_env=False) as http:
        while asyncio.get_running_loop().time() < ends:
            if process.returncode is not None:
                raise Unavailable(
                    f"{part.name} ended by itself.{_last_words(part.log)}",
                    f"Its log is {part.log}.",
                )
            if await _answers(http, part.ready_url):
                return
            await asyncio.sleep(0.1)
    raise Unavailable(
        f"{part.name} was not ready in {READY_WITHIN_S:.0f} seconds.{_last_words(part.log)}",
        f"Its log is {part.log}.",
    )


async def _answers(http: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await http.get(url)).is_success
    except httpx.HTTPError:
        return False


def _last_words(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_TOLD_LINES:]
    return " It said last:\n  " + "\n  ".join(lines) if lines else ""


async def stop(started: Started) -> None:
    """End a part and all that it started: politely first, then for certain."""
    process = started.process
    _signal_group(process.pid, signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), STOP_WITHIN_S)
    except TimeoutError:
        _signal_group(process.pid, signal.SIGKILL)
        await process.wait()
    _signal_group(process.pid, signal.SIGKILL)


def _signal_group(group: int, what: signal.Signals) -> None:
    try:
        os.killpg(group, what)
    except (ProcessLookupError, PermissionError):
        return


async def first_end(
    parts: Sequence[Started], spare: str, told: Callable[[DraasError], None]
) -> None:
    """Until a part ends by itself.

    Args:
        spare: the part without which the others go on; its end is told.

    Raises:
        Unavailable: another one ended.
    """
    waits = {asyncio.create_task(started.process.wait()): started.part for started in parts}
    try:
        while True:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            part = waits.pop(done.pop())
            fault = Unavailable(f"{part.name} ended by itself.", f"Its log is {part.log}.")
            if part.name != spare:
                raise fault
            told(fault)
    finally:
        for task in waits:
            task.cancel()

"""Blocking calls of the Docker SDK as awaitable ones that can be given up.

Silence of the Engine is `Unavailable`. A call whose task is cancelled, or whose time is over, has its connection
cut, which makes the Engine stop what it does for it.
"""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import docker
import requests
from docker.errors import DockerException
from urllib3.exceptions import HTTPError

from chain.errors import DraasError, Unavailable

Result = TypeVar("Result")

ENGINE_FIX = "Start the Docker Engine, or let this user reach its socket."
QUIET_S = 60  # without a byte, where a call says nothing else
LEAVE_S = 5  # for which a call that was cut is waited for


class Late(Unavailable):
    """The call took longer than it may."""


@dataclass
class _Line:
    """The connection of one call, to cut it from another thread."""

    answers: list[requests.Response] = field(default_factory=list)
    is_cut: bool = False

    def begun(self, answer: requests.Response, **_: object) -> None:
        """An answer has begun; one that comes too late is cut as well."""
        self.answers.append(answer)
        if self.is_cut:
            self.cut()

    def cut(self) -> None:
        """End it; closing it alone would not wake the thread that reads from it."""
        self.is_cut = True
        for answer in self.answers:
            connection = answer.raw.connection
            if connection is not None and connection.sock is not None:
                with suppress(OSError):
                    connection.sock.shutdown(socket.SHUT_RDWR)


async def on_engine(
    work: Callable[[docker.DockerClient], Result], seconds: float, quiet_s: float = QUIET_S
) -> Result:
    """Run blocking work with a client of its own.

    Args:
        seconds: for all of it.
        quiet_s: after which an Engine that sends nothing is silent.

    Raises:
        Unavailable: the Engine did not answer; `Late`: not in time.
    """
    line = _Line()
    running = in_thread(lambda: _with_client(work, line, quiet_s))
    try:
        done, _ = await asyncio.wait({running}, timeout=seconds)
    except asyncio.CancelledError:
        line.cut()
        await asyncio.wait({running}, timeout=LEAVE_S)
        raise
    if done:
        return await running
    line.cut()
    await asyncio.wait({running}, timeout=LEAVE_S)
    raise Late(f"The Docker Engine took more than {seconds:g} s.", ENGINE_FIX)


def new_client(timeout_s: float) -> docker.DockerClient:
    """A client of the Engine that builds: `BUILD_DOCKER_HOST` where it is set, else the one of `DOCKER_HOST`."""
    host = os.environ.get("BUILD_DOCKER_HOST") or os.environ.get("DOCKER_HOST", "")
    environment = {**os.environ, "DOCKER_HOST": host}
    return docker.DockerClient.from_env(timeout=timeout_s, version="auto", environment=environment)


def _with_client(
    work: Callable[[docker.DockerClient], Result], line: _Line, quiet_s: float
) -> Result:
    try:
        client = new_client(quiet_s)
        client.api.hooks["response"].append(line.begun)
        try:
            return work(client)
        finally:
            client.close()
    except (DockerException, requests.RequestException, HTTPError, OSError) as error:
        raise Unavailable(f"The Docker Engine does not answer: {error}", ENGINE_FIX) from None


def in_thread(work: Callable[[], Result]) -> asyncio.Future[Result]:
    """Like a pool's, but a thread that the Engine keeps waiting does not keep the process from ending."""
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[Result] = loop.create_future()
    outcome.add_done_callback(lambda done: done.cancelled() or done.exception())

    def settle(end: Callable[[], None]) -> None:
        if not outcome.done():
            end()

    def run() -> None:
        fault = Unavailable("A call of the Docker Engine met a fault of ours.")
        end = partial(outcome.set_exception, fault)
        try:
            end = partial(outcome.set_result, work())
        except DraasError as raised:
            end = partial(outcome.set_exception, raised)
        finally:
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(settle, end)

    threading.Thread(target=run, name="engine", daemon=True).start()
    return outcome

"""A build's network, when it may have some: a loopback device on which our own proxy listens, and nothing else.

A container without a network holds the namespace, the build's containers join it, and this process listens inside: a
socket stays in the namespace in which it was made. So no bridge, route or firewall rule stands between a build and the
host, the neighbours or the cloud's metadata: there is no way there. It takes root (setns), and an Engine on this
machine whose containers share the kernel's network (not gVisor's own).
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import docker
from docker.errors import APIError
from docker.types import LogConfig

from chain.errors import Unavailable
from scheduler.images.build_log import BuildLog
from scheduler.images.classic import Order
from scheduler.images.dockerfile import base_images
from scheduler.images.engine import in_thread, on_engine
from scheduler.images.limits import STEP_LABEL
from scheduler.images.proxy import serving

ASK_S = 60
PORT = 3128
BACKLOG = 64
CLONE_NEWNET = 0x40000000  # linux/sched.h
LONG = "2147483647"  # seconds
NANO_CPUS = 10**8  # of a container that does nothing, if `sleep` is what it says
NO_WAY = "Builds have no network here: run the scheduler as root beside its Engine, or empty BUILD_ALLOW."


@asynccontextmanager
async def way_out(order: Order, step: str, log: BuildLog) -> AsyncIterator[Order]:
    """The order with a way to the allowed places; as it is when there are none.

    Raises:
        Unavailable: this scheduler cannot give the build what its operator allows.
    """
    if not order.limits.allow:
        yield order
        return
    dockerfile = (order.folder / order.dockerfile).read_text()
    hold = partial(_hold, bases=base_images(dockerfile), order=order, step=step)
    holder, pid = await on_engine(hold, ASK_S)
    if not holder:
        log.add("network: none, since no base image of this build has `sleep`\n")
        yield order
        return
    try:
        listener = await in_thread(partial(_listen_in, pid))
        async with serving(listener, order.limits.allow, log):
            proxy = f"http://127.0.0.1:{PORT}"
            yield replace(order, network=f"container:{holder}", proxy=proxy)
    finally:
        with suppress(Unavailable):  # the sweep finds it by its label
            await asyncio.shield(on_engine(partial(_let_go, holder=holder), ASK_S))


def _hold(
    engine: docker.DockerClient, bases: list[str], order: Order, step: str
) -> tuple[str, int]:
    """A container that does nothing, of the first of the build's own bases that can; its id and its process, or "" and
    0 when none can."""
    name, _, value = step.partition("=")
    for base in bases:
        held = engine.containers.create(
            base,
            entrypoint=["sleep", LONG],
            command=[],
            labels={name: value, STEP_LABEL: "1"},
            nano_cpus=NANO_CPUS,
            network_mode="none",
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            read_only=True,
            mem_limit="32m",
            pids_limit=16,
            cgroup_parent=order.group or None,
            healthcheck={"test": ["NONE"]},
            log_config=LogConfig(type="none"),
        )
        try:
            held.start()
            held.reload()
            if pid := int(held.attrs["State"]["Pid"]):
                return str(held.id), pid
        except APIError:
            pass  # it has no `sleep`
        held.remove(force=True, v=True)
    return "", 0


def _let_go(engine: docker.DockerClient, holder: str) -> None:
    with suppress(APIError):
        engine.api.remove_container(holder, force=True, v=True)


def _listen_in(pid: int) -> socket.socket:
    """A socket that listens on the loopback device of that process's network. For a thread of its own, which it takes
    there for good.

    Raises:
        Unavailable: this process may not go there.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        with Path(f"/proc/{pid}/ns/net").open() as there:
            if libc.setns(there.fileno(), CLONE_NEWNET) != 0:
                number = ctypes.get_errno()
                raise OSError(number, os.strerror(number))
        listener = socket.create_server(("127.0.0.1", PORT), backlog=BACKLOG)
    except OSError as error:
        raise Unavailable(f"{NO_WAY} ({error.strerror})") from None
    listener.setblocking(False)
    return listener

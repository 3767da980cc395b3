"""The embedded content store as a child process, which never outlives whoever started it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from chain.errors import Unavailable

_READY_S = 30.0
_STOP_S = 6.0
_NOT_ITS = ("IPFS_", "DRAAS_")  # its settings are its arguments, and it needs nobody's keys
_ITS = "IPFS_MAX_MIB"


@dataclass(frozen=True, slots=True)
class StoreProcess:
    """A running store."""

    api: str  # multiaddr of its RPC
    gateway: str | None  # URL of its gateway
    process: asyncio.subprocess.Process

    async def stop(self) -> None:
        """End it, and wait until it has ended."""
        if self.process.stdin is not None:
            self.process.stdin.close()  # it stops when its standard input ends
        with suppress(ProcessLookupError):
            self.process.terminate()
        try:
            await asyncio.wait_for(self.process.wait(), _STOP_S)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


async def start_store(
    data: Path,
    *,
    port: int = 0,
    gateway_port: int | None = None,
    gateway_host: str = "127.0.0.1",
    peers: Sequence[str] = (),
) -> StoreProcess:
    """Start a store and wait until it answers.

    Args:
        data: its folder; one process at a time.
        port: of its RPC on loopback; 0 picks a free one.
        gateway_port: of its gateway, which is off without one; 0 picks a free one.
        peers: URLs of gateways to ask for what it does not have.

    Raises:
        Unavailable: it ended, or did not answer in time.
    """
    argv = ["-m", "chain.kubo", "--while-stdin", f"--port={port}", f"--data={data}"]
    if gateway_port is not None:
        argv += [f"--gateway-port={gateway_port}", f"--gateway-host={gateway_host}"]
    argv += [f"--peer={peer}" for peer in peers]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *argv,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,  # a Ctrl-C is for the parent to pass on
        env={
            name: value
            for name, value in os.environ.items()
            if name == _ITS or not name.startswith(_NOT_ITS)
        },
    )
    try:
        said = await asyncio.wait_for(_first_lines(process), _READY_S)
    except (TimeoutError, ValueError) as error:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        raise Unavailable(
            "The content store did not start.", f"Check that port {port} and {data} are free."
        ) from error
    return StoreProcess(said["listening"], said.get("gateway"), process)


async def ipfs_api(environ: Mapping[str, str], data: Path) -> tuple[str, StoreProcess | None]:
    """The node that `IPFS_API` names, or a store of our own.

    Such a store asks the gateway that `IPFS_GATEWAY` names, if any, for what it does not have.

    Returns:
        the address of its RPC, and the store to stop where one was started.

    Raises:
        Unavailable: the store did not start.
    """
    if environ.get("IPFS_API"):
        return environ["IPFS_API"], None
    store = await start_store(data, peers=environ.get("IPFS_GATEWAY", "").split())
    return store.api, store


async def _first_lines(process: asyncio.subprocess.Process) -> dict[str, str]:
    """What the store says until it is ready, by the first word of each line."""
    said: dict[str, str] = {}
    while process.stdout is not None and "ready" not in said:
        line = (await process.stdout.readline()).decode()
        if not line:
            raise ValueError("it ended")
        word, _, rest = line.strip().partition(" ")
        said[word] = rest
    return said

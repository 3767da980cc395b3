"""The RPC of an IPFS node, called in threads and until a deadline, whatever the node does."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

import ipfshttpclient
import requests
from ipfshttpclient import exceptions as failures

from chain.car import WrongBytes
from chain.errors import DraasError, NotFound, Unavailable
from chain.folder import MIB, Gate
from chain.ipfs_address import multiaddr_of
from chain.job import Cid

T = TypeVar("T")

_CONNECT_S = 5.0
# Its own threads: fetches of what nobody has must not hold up other blocking work of the process.
_THREADS = ThreadPoolExecutor(16, thread_name_prefix="ipfs")
# What ipfshttpclient says of itself at every call; urllib3 3, where it matters, is excluded.
warnings.filterwarnings("ignore", category=FutureWarning, module="urllib3.poolmanager")


async def version(api: str, *, deadline_s: float = 5) -> str:
    """What the node says it is; the check that it answers.

    Raises:
        Unavailable: it does not.
    """
    return await call_node(api, deadline_s, lambda client: str(client.version()["Version"]))


async def fetch_by(
    api: str, cid: Cid, work: Callable[[Any], T], deadline_s: float, gate: Gate
) -> T:
    """Call a node for what it may not have; `work` reads with `while_wanted`.

    Raises:
        NotFound, Unavailable, WrongBytes: as `chain.ipfs.fetch_folder`.
    """
    try:
        return await call_node(api, deadline_s, work, gate)
    except WrongBytes:
        raise
    except (Unavailable, NotFound) as error:
        raise await absent_or_silent(api, cid, deadline_s, error) from error


def while_wanted(chunks: Iterator[bytes], gate: Gate) -> Iterator[bytes]:
    """The chunks of an answer, until somebody gives up."""
    for chunk in chunks:
        if gate.closed:
            raise Unavailable("The fetch was given up.", "Try again.")
        yield chunk


async def absent_or_silent(api: str, cid: Cid, deadline_s: float, error: DraasError) -> DraasError:
    """What a failed fetch means: a node that answers had nothing; one that does not says nothing."""
    try:
        await version(api)
    except Unavailable as silent:
        return silent
    return NotFound(
        f"Nobody had all of {cid} within {deadline_s:g} s: {error.message}",
        "Check that the content was added and that whoever has it is on line, then try again.",
    )


async def call_node(
    api: str, deadline_s: float, work: Callable[[Any], T], gate: Gate | None = None
) -> T:
    """Run blocking work on the node in a thread, and give up on it at the deadline."""
    address, gate = multiaddr_of(api), gate or Gate()
    loop = asyncio.get_running_loop()
    running = loop.run_in_executor(_THREADS, _with_client, address, deadline_s, work)
    running.add_done_callback(_note_outcome)
    try:
        await asyncio.wait({running}, timeout=deadline_s)
    except asyncio.CancelledError:
        gate.close()
        raise
    if running.done() or not gate.close():
        return await running
    raise Unavailable(
        f"The IPFS node at {api} took longer than {deadline_s:g} s.",
        "Check that it runs and is not overloaded.",
    )


def _note_outcome(running: asyncio.Future[T]) -> None:
    if not running.cancelled():
        running.exception()  # or one that nobody waits for any more is reported as forgotten


def _with_client(address: str, deadline_s: float, work: Callable[[Any], T]) -> T:
    with _opened(address, deadline_s) as client:
        return work(client)


def open_client(api: str, silent_s: float) -> AbstractContextManager[Any]:
    """A client of a node, whose calls block.

    Args:
        silent_s: for which the node may say nothing.

    Raises:
        Unavailable: from whatever is done with it: the node does not answer, or refuses.
    """
    return _opened(multiaddr_of(api), silent_s)


@contextmanager
def _opened(address: str, silent_s: float) -> Iterator[Any]:
    with _told_plainly(address):
        timeout = (min(silent_s, _CONNECT_S), silent_s)
        client = ipfshttpclient.Client(address, timeout=timeout, chunk_size=MIB)
        try:
            yield client
        finally:
            client.close()


@contextmanager
def _told_plainly(address: str) -> Iterator[None]:
    try:
        yield
    except failures.ErrorResponse as error:
        raise Unavailable(
            f"The IPFS node refused: {str(error)[:300]}", "Look at its log."
        ) from error
    except (failures.Error, requests.RequestException) as error:
        raise Unavailable(
            f"The IPFS node at {address} does not answer as one ({type(error).__name__}).",
            "Check IPFS_API and that the node runs.",
        ) from error

"""Folders and bytes to and from IPFS, through the RPC of a Kubo node or of the embedded store.

CIDs are computed here, and every block that comes back is checked here, so the node is not trusted
with anything but to answer. All calls end by their deadline, whatever the node does.
"""

from __future__ import annotations

import asyncio
import io
import tempfile
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import ipfshttpclient
import requests
from ipfshttpclient import exceptions as failures

from chain.bundle import add_blocks
from chain.car import WrongBytes, header, received, section, unpack
from chain.cid import CidBytes, cid_bytes, cid_text, parse_cid
from chain.errors import DraasError, NotFound, TooLarge, Unavailable
from chain.folder import DEFAULT_LIMITS, MIB, Gate, Limits
from chain.ipfs_address import multiaddr_of
from chain.job import Cid
from chain.unixfs import Put, add_file

__all__ = ["add_bytes", "add_folder", "fetch_bytes", "fetch_folder", "parse_cid", "pin", "unpin"]

T = TypeVar("T")

_CONNECT_S = 5.0
# Its own threads: fetches of what nobody has must not hold up other blocking work of the process.
_THREADS = ThreadPoolExecutor(16, thread_name_prefix="ipfs")
# What ipfshttpclient says of itself at every call; urllib3 3, where it matters, is excluded.
warnings.filterwarnings("ignore", category=FutureWarning, module="urllib3.poolmanager")
_PIECE_BYTES = MIB


async def version(api: str, *, deadline_s: float = 5) -> str:
    """What the node says it is; the check that it answers.

    Raises:
        Unavailable: it does not.
    """
    return await _call(api, deadline_s, lambda client: str(client.version()["Version"]))


async def add_folder(
    api: str, folder: Path, *, limits: Limits = DEFAULT_LIMITS, deadline_s: float = 120
) -> Cid:
    """Put a folder on the node and pin it; `.git` is left out.

    Raises:
        InvalidInput, TooLarge: as `bundle.pack`.
        Unavailable: the node does not answer, or refuses.
    """
    return await _add(api, lambda put: add_blocks(folder, put, limits), deadline_s)


async def add_bytes(api: str, data: bytes, *, deadline_s: float = 60) -> Cid:
    """Put one file on the node and pin it.

    Raises:
        Unavailable: the node does not answer, or refuses.
    """
    return await _add(api, lambda put: add_file(io.BytesIO(data), put).cid, deadline_s)


async def fetch_folder(
    api: str, cid: Cid, dest: Path, *, limits: Limits = DEFAULT_LIMITS, deadline_s: float = 60
) -> None:
    """Write a folder of IPFS to a new folder, whole or not at all.

    Raises:
        NotFound: the node answers, but nobody had all of it within `deadline_s`.
        Unavailable: the node does not answer; `WrongBytes`: it sent something else.
        InvalidInput, TooLarge: the content is hostile, not a folder, or over a limit.
        Conflict: `dest` exists.
    """
    root, gate = cid_bytes(cid), Gate()

    def work(client: Any) -> None:
        with client.dag.export(cid_text(root), stream=True) as answer:
            unpack(_while_wanted(answer, gate), root, dest, limits, gate)

    await _fetch(api, cid, work, deadline_s, gate)


async def fetch_bytes(api: str, cid: Cid, *, max_bytes: int, deadline_s: float = 30) -> bytes:
    """One file of IPFS.

    Raises:
        NotFound, Unavailable, InvalidInput: as `fetch_folder`.
        TooLarge: over `max_bytes`.
    """
    root, gate, limits = cid_bytes(cid), Gate(), Limits(max_bytes, max_file_bytes=max_bytes)
    data = bytearray()

    def work(client: Any) -> None:
        with (
            client.dag.export(cid_text(root), stream=True) as answer,
            received(_while_wanted(answer, gate), root, limits) as walk,
        ):
            for chunk in walk.file(walk.node(root)):
                data.extend(chunk)
                if len(data) > max_bytes:
                    raise TooLarge(f"{cid} is over {max_bytes} bytes.", "Name a smaller file.")

    await _fetch(api, cid, work, deadline_s, gate)
    return bytes(data)


async def pin(api: str, cid: Cid, *, deadline_s: float = 60) -> None:
    """Have the node get and keep something.

    Raises:
        NotFound: nobody had all of it within `deadline_s`.
        Unavailable: the node does not answer.
    """
    name = cid_text(cid_bytes(cid))
    try:
        await _call(api, deadline_s, lambda client: client.pin.add(name))
    except (Unavailable, NotFound) as error:
        raise await _absent_or_silent(api, cid, deadline_s, error) from error


async def unpin(api: str, cid: Cid, *, deadline_s: float = 60) -> None:
    """Let the node drop something; nothing happens when it was not pinned.

    Raises:
        Unavailable: the node does not answer.
    """
    name = cid_text(cid_bytes(cid))

    def drop(client: Any) -> None:
        try:
            client.pin.rm(name)
        except failures.ErrorResponse:
            if name in client.pin.ls(type="recursive")["Keys"]:
                raise

    await _call(api, deadline_s, drop)


async def _add(api: str, cut: Callable[[Put], CidBytes], deadline_s: float) -> Cid:
    return cid_text(await _call(api, deadline_s, lambda client: _upload(client, cut)))


def _upload(client: Any, cut: Callable[[Put], CidBytes]) -> CidBytes:
    """Cut into blocks here and send them as a CAR: so no setting of the node can change the CID."""
    with tempfile.TemporaryFile() as file:
        blocks = _Nameless(file)
        root = cut(lambda cid, block: blocks.write(section(cid, block)))
        with tempfile.TemporaryFile() as car:
            car.write(header(root))
            file.seek(0)
            while piece := file.read(_PIECE_BYTES):
                car.write(piece)
            car.seek(0)
            answer = client.dag.imprt(_Nameless(car))["Root"]
    if answer["Cid"]["/"] != cid_text(root) or answer.get("PinErrorMsg"):
        raise Unavailable(
            f"The store did not keep {cid_text(root)}: {str(answer)[:200]}.", "Look at its log."
        )
    return root


class _Nameless:
    """A file without the name that `ipfshttpclient` would send along."""

    def __init__(self, file: BinaryIO) -> None:
        self.read, self.write = file.read, file.write


async def _fetch(
    api: str, cid: Cid, work: Callable[[Any], None], deadline_s: float, gate: Gate
) -> None:
    try:
        await _call(api, deadline_s, work, gate)
    except WrongBytes:
        raise
    except (Unavailable, NotFound) as error:
        raise await _absent_or_silent(api, cid, deadline_s, error) from error


def _while_wanted(chunks: Iterator[bytes], gate: Gate) -> Iterator[bytes]:
    for chunk in chunks:
        if gate.closed:
            raise Unavailable("The fetch was given up.", "Try again.")
        yield chunk


async def _absent_or_silent(api: str, cid: Cid, deadline_s: float, error: DraasError) -> DraasError:
    """What a failed fetch means: a node that answers had nothing; one that does not says nothing."""
    try:
        await version(api)
    except Unavailable as silent:
        return silent
    return NotFound(
        f"Nobody had all of {cid} within {deadline_s:g} s: {error.message}",
        "Check that the content was added and that whoever has it is on line, then try again.",
    )


async def _call(
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
        client = ipfshttpclient.Client(address, timeout=timeout, chunk_size=_PIECE_BYTES)
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

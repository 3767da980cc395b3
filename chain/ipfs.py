"""Folders and bytes to and from IPFS, through the RPC of a Kubo node or of the embedded store.

CIDs are computed here, and every block that comes back is checked here, so the node is not trusted
with anything but to answer. All calls end by their deadline, whatever the node does.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from chain.bundle import add_blocks
from chain.car import header, received, section, unpack
from chain.cid import CidBytes, cid_bytes, cid_text, parse_cid
from chain.errors import TooLarge, Unavailable
from chain.folder import DEFAULT_LIMITS, MIB, Gate, Limits
from chain.ipfs_node import call_node, fetch_by, version, while_wanted
from chain.ipfs_pins import has_pin, is_pinned, pin, pin_within, pins, unpin
from chain.job import Cid
from chain.unixfs import Put, add_file

__all__ = [
    "add_bytes", "add_folder", "fetch_bytes", "fetch_folder", "is_pinned", "parse_cid", "pin", "pin_within", "pins",
    "unpin", "version",
]  # fmt: skip

Noted = Callable[[Cid], object]

_PIECE_BYTES = MIB


async def add_folder(
    api: str,
    folder: Path,
    *,
    limits: Limits = DEFAULT_LIMITS,
    deadline_s: float = 120,
    noted: Noted | None = None,
) -> Cid:
    """Put a folder on the node and pin it; `.git` is left out.

    Args:
        noted: told of the CID before it is pinned, in a thread; not of one that somebody has pinned already.

    Raises:
        InvalidInput, TooLarge: as `bundle.pack`.
        Unavailable: the node does not answer, or refuses.
    """
    return await _add(api, lambda put: add_blocks(folder, put, limits), deadline_s, noted)


async def add_bytes(
    api: str, data: bytes, *, deadline_s: float = 60, noted: Noted | None = None
) -> Cid:
    """Put one file on the node and pin it.

    Args:
        noted: as for `add_folder`.

    Raises:
        Unavailable: the node does not answer, or refuses.
    """
    return await _add(api, lambda put: add_file(io.BytesIO(data), put).cid, deadline_s, noted)


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
            unpack(while_wanted(answer, gate), root, dest, limits, gate)

    await fetch_by(api, cid, work, deadline_s, gate)


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
            received(while_wanted(answer, gate), root, limits) as walk,
        ):
            for chunk in walk.file(walk.node(root)):
                data.extend(chunk)
                if len(data) > max_bytes:
                    raise TooLarge(f"{cid} is over {max_bytes} bytes.", "Name a smaller file.")

    await fetch_by(api, cid, work, deadline_s, gate)
    return bytes(data)


async def _add(
    api: str, cut: Callable[[Put], CidBytes], deadline_s: float, noted: Noted | None
) -> Cid:
    return cid_text(await call_node(api, deadline_s, lambda client: _upload(client, cut, noted)))


def _upload(client: Any, cut: Callable[[Put], CidBytes], noted: Noted | None) -> CidBytes:
    """Cut into blocks here and send them as a CAR: so no setting of the node can change the CID."""
    with tempfile.TemporaryFile() as file:
        blocks = _Nameless(file)
        root = cut(lambda cid, block: blocks.write(section(cid, block)))
        if noted is not None and not has_pin(client, cid_text(root)):
            noted(cid_text(root))
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

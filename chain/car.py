"""CAR version 1 as it comes from strangers.

Nothing is believed: a block must hash to its CID and be linked from one that came before it. See
the CARv1 specification of IPLD.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from chain.cid import (
    CidBytes,
    Codec,
    Multihash,
    cid_prefix,
    cid_text,
    codec_of,
    holds,
    multihash_of,
)
from chain.dag import Walk
from chain.errors import InvalidInput, NotFound, TooLarge, Unavailable
from chain.folder import MIB, FolderWriter, Gate, Limits
from chain.protobuf import varint
from chain.unixfs import MAX_BLOCK_BYTES, decode

_MAX_HEADER_BYTES = 1024
_OVERHEAD_PER_FILE = 400


_OTHER = "The store or gateway is broken or lies: use another."


class WrongBytes(Unavailable):
    """What came is not what its CID says. Tells nothing about the content itself."""


def header(root: CidBytes) -> bytes:
    """How a CAR of one root begins; DAG-CBOR has one way to write it."""
    tagged = b"\xd8\x2a\x58" + bytes((len(root) + 1, 0)) + root
    body = b"\xa2\x65roots\x81" + tagged + b"\x67version\x01"
    return varint(len(body)) + body


def section(cid: CidBytes, block: bytes) -> bytes:
    """One block in a CAR."""
    return varint(len(cid) + len(block)) + cid + block


class CarReader:
    """Takes a CAR apart while it comes.

    Args:
        chunks: its bytes, cut anywhere.
        max_bytes: of all of it.
    """

    def __init__(self, chunks: Iterable[bytes], max_bytes: int) -> None:
        self._chunks = iter(chunks)
        self._buffer = bytearray()
        self._left = max_bytes
        self._max_bytes = max_bytes

    def root(self) -> CidBytes:
        """The one root; must be asked first.

        Raises:
            InvalidInput: not a CARv1 of one root.
        """
        body = self._body(_MAX_HEADER_BYTES)
        start = len(b"\xa2\x65roots\x81\xd8\x2a\x58\x00\x00")
        root = cid_prefix(bytes(body[start:])) if len(body) > start else None
        if root is None or varint(len(body)) + body != header(root):
            raise InvalidInput("This is not a CAR of one root.", "Export it as CARv1.")
        return root

    def blocks(self) -> Iterator[tuple[CidBytes, bytes]]:
        """Each block, checked against its CID.

        Raises:
            InvalidInput: malformed, or a block over 2 MiB.
            WrongBytes: a block that is not what its CID says.
            TooLarge: more bytes than allowed.
            Unavailable: cut off.
        """
        while body := self._body(MAX_BLOCK_BYTES + 64):
            cid = cid_prefix(body)
            block = body[len(cid) :]
            if not holds(cid, block):
                raise WrongBytes(
                    f"A block that came for {cid_text(cid)} is something else.", _OTHER
                )
            yield cid, block

    def _body(self, most: int) -> bytes:
        """The next length and what it counts; empty at the end."""
        length = 0
        for shift in range(0, 28, 7):
            byte = self._take(1)
            if not byte and not shift:
                return b""
            length |= (byte[0] & 0x7F if byte else 0) << shift
            if byte and byte[0] < 0x80:
                break
        if not 0 < length <= most:
            raise InvalidInput(f"A part of {length} bytes, where {most} are allowed.")
        body = self._take(length)
        if len(body) != length:
            raise Unavailable("The CAR is cut off.", "Fetch it again.")
        return body

    def _take(self, size: int) -> bytes:
        while len(self._buffer) < size and (chunk := next(self._chunks, None)) is not None:
            self._left -= len(chunk)
            if self._left < 0:
                raise TooLarge(f"A CAR over {self._max_bytes // MIB} MiB.", "Leave out something.")
            self._buffer += chunk
        with memoryview(self._buffer) as whole:
            data = bytes(whole[:size])
        del self._buffer[:size]
        return data


def car_bytes(limits: Limits) -> int:
    """How long the CAR of a folder within these limits can be."""
    return (
        limits.max_bytes + limits.max_bytes // 500 + limits.max_files * _OVERHEAD_PER_FILE + 2 * MIB
    )


class Spool:
    """Checked blocks of one DAG in a temporary file; only what is linked is taken in, up to `max_bytes` and to blocks
    that are `max_links` in all, come or not."""

    def __init__(self, root: CidBytes, max_bytes: int, max_links: int) -> None:
        self._left = max_bytes
        self._max_bytes = max_bytes
        self._file: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        self._max_links = max_links
        self._places: dict[Multihash, tuple[int, int]] = {}
        self._wanted = {multihash_of(root)}

    def take(self, cid: CidBytes, block: bytes) -> None:
        """Keep a block.

        Raises:
            WrongBytes: nothing that came before links to it.
            TooLarge: the DAG has more bytes than allowed.
        """
        key = multihash_of(cid)
        if key not in self._wanted:
            raise WrongBytes(f"A block that nobody asked for came: {cid_text(cid)}.", _OTHER)
        if key in self._places:
            return
        self._left -= len(block)
        if self._left < 0:
            raise TooLarge(f"More than {self._max_bytes // MIB} MiB.", "Leave out something.")
        self._places[key] = (self._file.seek(0, 2), len(block))
        self._file.write(block)
        if codec_of(cid) is Codec.DAG_PB:
            self._wanted |= {multihash_of(link.cid) for link in decode(block).links}
            if len(self._wanted) > self._max_links:
                raise TooLarge(f"More than {self._max_links} blocks.", "Use fewer files.")

    def get(self, cid: CidBytes) -> bytes:
        """A block that came.

        Raises:
            NotFound: it did not.
        """
        place = self._places.get(multihash_of(cid))
        if place is None:
            raise NotFound(f"The block {cid_text(cid)} did not come.", "Try again later.")
        self._file.seek(place[0])
        return self._file.read(place[1])

    def close(self) -> None:
        """Free the space."""
        self._file.close()


@contextmanager
def received(chunks: Iterable[bytes], root: CidBytes, limits: Limits) -> Iterator[Walk]:
    """Receive the CAR of a DAG and check it; what is yielded reads it.

    Raises:
        InvalidInput, TooLarge: the DAG itself is hostile or over a limit.
        WrongBytes: what came is not a CAR of it; another source may do better.
        Unavailable: cut off.
    """
    spool = Spool(root, car_bytes(limits), limits.max_blocks)
    try:
        for cid, block in _sent(chunks, root, 2 * car_bytes(limits)):
            spool.take(cid, block)
        yield Walk(spool.get, limits)
    finally:
        spool.close()


def _sent(
    chunks: Iterable[bytes], root: CidBytes, max_bytes: int
) -> Iterator[tuple[CidBytes, bytes]]:
    """The blocks as they come. A page of HTML, an endless or a damaged CAR is the sender's fault, not the DAG's."""
    reader = CarReader(chunks, max_bytes)
    try:
        if reader.root() != root:
            raise WrongBytes(f"Something else than {cid_text(root)} came.", _OTHER)
        yield from reader.blocks()
    except InvalidInput as error:
        told = f"What came for {cid_text(root)} is not its CAR: {error.message}"
        raise WrongBytes(told, _OTHER) from None


def unpack(
    chunks: Iterable[bytes], root: CidBytes, dest: Path, limits: Limits, gate: Gate | None = None
) -> None:
    """Write the folder of a CAR to a new folder, whole or not at all.

    Args:
        gate: nothing appears once it is closed.

    Raises:
        InvalidInput, WrongBytes, TooLarge, Unavailable: as `received` and `Walk`.
        NotFound: a block did not come.
        Conflict: `dest` exists.
    """
    with received(chunks, root, limits) as walk, FolderWriter(dest, limits) as writer:
        walk.folder(walk.node(root), writer)
        writer.commit(gate)

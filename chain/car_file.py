"""One file out of a CAR while it comes: checked block by block, and written once.

Blocks must come depth first, as every exporter of a DAG sends them (`order=dfs` of the Trustless Gateway
specification). A block that the file holds several times need come only once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO

from chain.car import CarReader, WrongBytes
from chain.cid import CidBytes, Codec, Multihash, cid_text, codec_of, multihash_of
from chain.errors import InvalidInput, TooLarge, Unavailable
from chain.folder import MIB
from chain.unixfs import DIRECTORY, Node, decode

_FIX = "Use another gateway."
_MOST_LINKS = 8192  # of one node; 174 is what everybody writes
_LEAST_BLOCK = 1024  # bytes that a block holds on average, at the very least
_Key = tuple[Codec, Multihash]


def write_file(chunks: Iterable[bytes], root: CidBytes, out: BinaryIO, max_bytes: int) -> int:
    """Write the file that `root` names to `out`, which is empty and can be read, too; its size in bytes.

    Args:
        chunks: the CAR, cut anywhere.

    Raises:
        WrongBytes: what came is not this file's CAR; another source may do better.
        TooLarge: the file has more bytes than allowed.
        Unavailable: cut off.
    """
    writing = _Writing(root, out, max_bytes)
    reader = CarReader(chunks, max_bytes + max_bytes // 8 + 2 * MIB)
    try:
        if reader.root() != root:
            raise WrongBytes(f"Something else than {cid_text(root)} came.", _FIX)
        for cid, block in reader.blocks():
            writing.take(cid, block)
    except TooLarge:
        raise
    except InvalidInput as error:
        told = f"What came for {cid_text(root)} is not its CAR: {error.message}"
        raise WrongBytes(told, _FIX) from None
    return writing.end()


class _Writing:
    """A file half-written."""

    def __init__(self, root: CidBytes, out: BinaryIO, max_bytes: int) -> None:
        self._root = root
        self._out = out
        self._max_bytes = max_bytes
        self._size = 0
        self._visits = 2 * (max_bytes // _LEAST_BLOCK + 1000)  # each link is met, and then written
        self._ahead = [root]
        self._leaves: dict[_Key, tuple[int, int]] = {}  # where in the file each stands
        self._nodes: dict[_Key, Node] = {}

    def take(self, cid: CidBytes, block: bytes) -> None:
        """The next block."""
        self._repeat()
        key = _key(cid)
        if key in self._leaves or key in self._nodes:
            return  # sent again
        if not self._ahead or _key(self._ahead.pop()) != key:
            raise WrongBytes(f"A block that is not next in line came: {cid_text(cid)}.", _FIX)
        if codec_of(cid) is Codec.RAW:
            self._leaves[key] = (self._size, len(block))
            self._write(block)
            return
        node = decode(block)
        if node.kind == DIRECTORY:
            raise InvalidInput("It is a folder, not a file.", "Name the CID of a file.")
        if len(node.links) > _MOST_LINKS:
            raise InvalidInput(f"A node of {len(node.links)} links.", "Add the file again.")
        self._nodes[key] = node
        self._enter(node)

    def end(self) -> int:
        """All has come; the size."""
        self._repeat()
        if self._ahead:
            raise Unavailable(f"Only part of {cid_text(self._root)} came.", "Fetch it again.")
        return self._size

    def _repeat(self) -> None:
        """Write what is next in line and was there before."""
        while self._ahead:
            key = _key(self._ahead[-1])
            if key in self._nodes:
                self._ahead.pop()
                self._enter(self._nodes[key])
            elif key in self._leaves:
                self._ahead.pop()
                start, length = self._leaves[key]
                self._out.seek(start)
                self._write(self._out.read(length))
            else:
                return

    def _enter(self, node: Node) -> None:
        self._write(node.data)
        self._visits -= len(node.links)
        self._ahead.extend(link.cid for link in reversed(node.links))

    def _write(self, data: bytes) -> None:
        self._visits -= 1
        if self._size + len(data) > self._max_bytes or self._visits < 0:
            raise TooLarge(f"More than {self._max_bytes} bytes.", "Make the image smaller.")
        self._out.seek(self._size)
        self._out.write(data)
        self._size += len(data)


def _key(cid: CidBytes) -> _Key:
    """What a CID is of, and how that is to be read, whatever its version."""
    return codec_of(cid), multihash_of(cid)

"""Blocks and pins in a folder: each block a file named by its hash, each pin by its CID.

A block is checked whenever it is read, so a damaged file counts as absent. Writes are atomic.
"""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from chain.car import header, section
from chain.cid import CidBytes, Codec, Multihash, cid_bytes, cid_text, codec_of, holds, multihash_of
from chain.errors import InvalidInput, NotFound
from chain.unixfs import CHUNK_BYTES, MAX_BLOCK_BYTES, decode

_STAGING = ".new-"


class Blocks:
    """A store of blocks under one folder; one process at a time writes to it."""

    def __init__(self, root: Path) -> None:
        self._blocks = root / "blocks"
        self._pins = root / "pins"
        self._blocks.mkdir(parents=True, exist_ok=True)
        self._pins.mkdir(exist_ok=True)
        for left in self._blocks.glob(f"*/{_STAGING}*"):
            left.unlink()
        self._lock = threading.Lock()  # nothing is pinned while it is looked for what no pin holds
        self._most = 0  # bytes that may be here: as last counted, and what came since
        self._counted = False

    def put(self, cid: CidBytes, block: bytes, at_once: bool = True) -> None:
        """Keep a block.

        Args:
            at_once: wait until the disk has it. One that a power failure may take is noticed, and counts as absent.

        Raises:
            InvalidInput: it is not what its CID says, or over 2 MiB.
        """
        if len(block) > MAX_BLOCK_BYTES or not holds(cid, block):
            raise InvalidInput(f"Not the block of {cid_text(cid)}.")
        place = self._place(multihash_of(cid))
        if self._read(cid) is None:
            self._most += len(block)
            _write(place, block, at_once)
        else:
            os.utime(place)  # as young as what is new

    def get(self, cid: CidBytes) -> bytes:
        """A block.

        Raises:
            NotFound: not here, or damaged.
        """
        block = self._read(cid)
        if block is None:
            raise NotFound(f"block was not found locally (offline): {cid_text(cid)}")
        return block

    def has(self, cid: CidBytes) -> bool:
        """Whether a block is here, unread."""
        return self._place(multihash_of(cid)).is_file()

    def missing(self, root: CidBytes) -> CidBytes | None:
        """The first block of a DAG that is not here; None when it is whole."""
        return next((cid for cid in self.cids(root) if not self.has(cid)), None)

    def cids(self, root: CidBytes) -> Iterator[CidBytes]:
        """Every CID of a DAG once, a parent before its children, depth first."""
        seen, ahead = {multihash_of(root)}, [root]
        while ahead:
            cid = ahead.pop()
            yield cid
            if codec_of(cid) is not Codec.DAG_PB:
                continue
            for link in reversed(decode(self.get(cid)).links):
                if multihash_of(link.cid) not in seen:
                    seen.add(multihash_of(link.cid))
                    ahead.append(link.cid)

    def car(self, root: CidBytes) -> Iterator[bytes]:
        """A DAG as CARv1, in pieces of about a chunk: each costs the server a turn."""
        piece = bytearray(header(root))
        for cid in self.cids(root):
            piece += section(cid, self.get(cid))
            if len(piece) >= CHUNK_BYTES:
                yield bytes(piece)
                piece.clear()
        yield bytes(piece)

    def pin(self, cid: CidBytes) -> None:
        """Note that a DAG is wanted; survives a restart."""
        with self._lock:
            _write(self._pins / cid_text(cid), b"")

    def unpin(self, cid: CidBytes) -> bool:
        """Note that it no longer is; False when it never was."""
        place = self._pins / cid_text(cid)
        known = place.is_file()
        place.unlink(missing_ok=True)
        return known

    def pins(self) -> list[CidBytes]:
        """What is pinned."""
        return [cid_bytes(path.name) for path in self._pins.iterdir() if path.name[0] != "."]

    def collect(self, max_bytes: int, before: float) -> int:
        """While there is more here than wanted, remove what no pin holds, the oldest first; how many blocks went.

        Args:
            before: Unix seconds; what came later stays, since it may be about to be pinned.
        """
        if self._counted and self._most <= max_bytes:
            return 0
        with self._lock:
            found = [(path, path.stat()) for path in self._blocks.glob("*/[!.]*")]
            self._most, self._counted = sum(facts.st_size for _, facts in found), True
            if self._most <= max_bytes:
                return 0
            held, removed = self._held(), 0
            for path, facts in sorted(found, key=lambda one: one[1].st_mtime):
                if self._most <= max_bytes or facts.st_mtime >= before:
                    break
                if path.name not in held:
                    path.unlink(missing_ok=True)
                    self._most, removed = self._most - facts.st_size, removed + 1
            return removed

    def _held(self) -> set[str]:
        """The names of all blocks that a pin holds, as far as they are here."""
        held: set[str] = set()
        ahead = self.pins()
        while ahead:
            cid = ahead.pop()
            name = self._place(multihash_of(cid)).name
            if name in held:
                continue
            held.add(name)
            block = self._read(cid) if codec_of(cid) is Codec.DAG_PB else None
            with suppress(InvalidInput):
                ahead += [link.cid for link in decode(block).links] if block else []
        return held

    def count(self) -> tuple[int, int]:
        """How many blocks, and their bytes."""
        sizes = [path.stat().st_size for path in self._blocks.glob("*/[!.]*")]
        return len(sizes), sum(sizes)

    def _place(self, multihash: Multihash) -> Path:
        name = multihash[2:].hex()
        return self._blocks / name[:2] / name

    def _read(self, cid: CidBytes) -> bytes | None:
        try:
            block = self._place(multihash_of(cid)).read_bytes()
        except FileNotFoundError:
            return None
        return block if holds(cid, block) else None


def _write(place: Path, data: bytes, at_once: bool = True) -> None:
    place.parent.mkdir(exist_ok=True)
    staged = place.parent / f"{_STAGING}{secrets.token_hex(8)}"
    with staged.open("xb") as file:
        file.write(data)
        if at_once:
            file.flush()
            os.fsync(file.fileno())
    staged.rename(place)

"""The content store itself: what the RPC and the gateway both ask."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import httpx

from chain.car import CarReader, WrongBytes
from chain.cid import CidBytes, Codec, cid_bytes, cid_text, codec_of, multihash_of
from chain.content.blocks import Blocks
from chain.dag import Walk
from chain.errors import DraasError, NotFound
from chain.folder import MIB, Limits
from chain.unixfs import DIRECTORY, Node, decode

_UNLIMITED = Limits(max_blocks=10**9)
_ANSWER_S = 10.0


@dataclass(frozen=True, slots=True)
class Store:
    """Blocks on disk, and gateways that may be asked for what is not there.

    Args:
        peers: addresses of trustless gateways, asked in order; every block is checked.
        max_bytes: of one upload, and of one fetch from a peer.
        fetch_s: how long peers are asked for one thing.
    """

    blocks: Blocks
    peers: tuple[str, ...] = ()
    max_bytes: int = 1024 * MIB
    fetch_s: float = 60.0

    def ensure(self, root: CidBytes) -> None:
        """Have all of a DAG here.

        Raises:
            NotFound: neither here nor at a peer; told at once when there are no peers.
        """
        until = time.monotonic() + self.fetch_s
        why = ""
        for peer in (None, *self.peers):
            try:
                if peer:
                    self._fetch(peer, root, until)
                missing = self.blocks.missing(root)
            except (DraasError, httpx.HTTPError) as error:
                why = f" {error}"
                continue
            if missing is None:
                return
            why = f" {cid_text(missing)} is missing."
        raise NotFound(f"block was not found: {cid_text(root)}.{why}")

    def import_car(
        self, chunks: Iterable[bytes], wanted: CidBytes | None = None, at_once: bool = True
    ) -> CidBytes:
        """Keep the blocks of a CAR.

        Args:
            wanted: take only blocks of this DAG.
            at_once: as `Blocks.put`.

        Returns:
            its root.

        Raises:
            InvalidInput, TooLarge: what `CarReader` refuses.
            WrongBytes: a block that is not what its CID says, or was not asked for.
        """
        reader = CarReader(chunks, self.max_bytes)
        root = reader.root()
        ahead = {multihash_of(wanted)} if wanted else set()
        for cid, block in reader.blocks():
            if wanted and multihash_of(cid) not in ahead:
                raise WrongBytes(f"A block that was not asked for: {cid_text(cid)}.")
            self.blocks.put(cid, block, at_once)
            if wanted and codec_of(cid) is Codec.DAG_PB:
                ahead |= {multihash_of(link.cid) for link in decode(block).links}
        return root

    def resolve(self, path: str) -> tuple[CidBytes, Node]:
        """What `CID/a/b` or `/ipfs/CID/a/b` names.

        Raises:
            NotFound: nothing.
        """
        root, *names = path.removeprefix("/ipfs/").strip("/").split("/")
        cid = cid_bytes(root)
        self.ensure(cid)
        node = self.walk().node(cid)
        for name in names:
            link = next((link for link in node.links if link.name == name), None)
            if node.kind != DIRECTORY or link is None:
                raise NotFound(f'no link named "{name}" under {cid_text(cid)}')
            cid = link.cid
            node = self.walk().node(cid)
        return cid, node

    def walk(self) -> Walk:
        """A reader of what is here."""
        return Walk(self.blocks.get, _UNLIMITED)

    def _fetch(self, peer: str, root: CidBytes, until: float) -> None:
        url = f"{peer.rstrip('/')}/ipfs/{cid_text(root)}"
        left = until - time.monotonic()
        if left <= 0:
            raise NotFound(f"no peer had it within {self.fetch_s:.0f} s")
        with (
            httpx.Client(timeout=min(left, _ANSWER_S), follow_redirects=False) as client,
            client.stream("GET", url, params={"format": "car"}) as answer,
        ):
            if answer.status_code != 200:
                raise NotFound(f"{peer} answered {answer.status_code}")
            self.import_car(_until(answer.iter_bytes(), until), wanted=root)


def _until(chunks: Iterator[bytes], until: float) -> Iterator[bytes]:
    for chunk in chunks:
        if time.monotonic() > until:
            raise NotFound("the peer was too slow")
        yield chunk


def read_chunks(file: BinaryIO) -> Iterator[bytes]:
    """A file in pieces of 1 MiB."""
    while chunk := file.read(MIB):
        yield chunk

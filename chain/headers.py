"""Block headers as a node gives them, and what a header's bloom filter rules out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_utils.crypto import keccak
from web3 import AsyncWeb3

from chain.errors import Unavailable
from chain.rpc import request

AT_ONCE = 16  # requests
_BLOOM_BITS = 2048


@dataclass(frozen=True, slots=True)
class Header:
    """A block without its transactions."""

    number: int
    hash: str
    parent: str  # hash of the block before
    time: int  # seconds
    bloom: int  # of the addresses and topics of its logs (2048 bits)
    empty: bool  # it has no transactions

    def may_hold(self, *items: bytes) -> bool:
        """Whether logs with these addresses or topics can be in it. Some chains leave the filter blank."""
        if not self.bloom:
            return not self.empty
        return all(self.bloom & bits == bits for bits in map(bloom_bits, items))


def bloom_bits(item: bytes) -> int:
    """The three bits that an address or a topic sets in a block's filter (Yellow Paper, 4.3.1)."""
    digest = keccak(item)
    bits = 0
    for at in (0, 2, 4):
        bits |= 1 << int.from_bytes(digest[at : at + 2]) % _BLOOM_BITS
    return bits


async def header_at(w3: AsyncWeb3[Any], place: int | str) -> Header | None:
    """The block at a height, of a tag like "latest", or with a hash; None when the node has none.

    Raises:
        Unavailable: the node does not answer, or makes no sense.
        NodeRefused: it refuses.
    """
    if isinstance(place, str) and len(place) == 66:
        block = await request(w3, "eth_getBlockByHash", place, False)
    else:
        named = hex(place) if isinstance(place, int) else place
        block = await request(w3, "eth_getBlockByNumber", named, False)
    if block is None:
        return None
    try:
        header = _header(block)
    except (KeyError, TypeError, ValueError):
        raise nonsense("a block") from None
    if place not in (header.number, header.hash, "latest"):
        raise nonsense("a block")
    return header


async def headers_at(w3: AsyncWeb3[Any], numbers: Sequence[int]) -> list[Header | None]:
    """The blocks at these heights, some requests at a time; raises as `header_at`."""
    found: list[Header | None] = []
    for at in range(0, len(numbers), AT_ONCE):
        part = numbers[at : at + AT_ONCE]
        found += await asyncio.gather(*(header_at(w3, number) for number in part))
    return found


async def hash_at(w3: AsyncWeb3[Any], number: int) -> str | None:
    """Hash of the block at a height; None when the node has none."""
    header = await header_at(w3, number)
    return None if header is None else header.hash


async def identity_of(w3: AsyncWeb3[Any]) -> tuple[int, str]:
    """The chain's id, and its first block's hash, which tells apart chains that share an id.

    Raises:
        Unavailable: the node does not answer, makes no sense, or has no first block yet.
    """
    told = await request(w3, "eth_chainId")
    try:
        chain_id = int(told, 16)
    except (TypeError, ValueError):
        raise nonsense("its chain") from None
    first = await hash_at(w3, 0)
    if first is None:
        raise nonsense("its first block")
    return chain_id, first


def nonsense(what: str) -> Unavailable:
    """An answer that is none is worth as much as silence."""
    return Unavailable(f"The node's answer about {what} makes no sense.", "Use another node.")


def _header(block: Mapping[str, Any]) -> Header:
    return Header(
        number=int(block["number"], 16),
        hash=str(block["hash"]),
        parent=str(block["parentHash"]),
        time=int(block["timestamp"], 16),
        bloom=int(block.get("logsBloom") or "0x0", 16),
        empty=not block["transactions"],
    )

"""A contract's raw logs, by range of blocks, by block, or by topic, each checked against what was asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from web3 import AsyncWeb3

from chain.headers import AT_ONCE, Header, headers_at, nonsense
from chain.rpc import NodeRefused, request

Log = dict[str, Any]  # as JSON-RPC has it
Topics = Sequence[str | None]


class Moved(Exception):
    """The chain changed while it was read."""


async def logs_between(
    w3: AsyncWeb3[Any], address: str, start: int, end: int, topics: Topics = ()
) -> list[Log]:
    """Logs of the blocks from `start` to `end`. Nodes refuse ranges with too many blocks or logs: halves are asked
    for then.

    Raises:
        NodeRefused: even a single block.
        Unavailable: the node does not answer, or with logs that were not asked for.
    """
    wanted = {"address": address, "topics": list(topics)}
    try:
        found = await request(
            w3, "eth_getLogs", {**wanted, "fromBlock": hex(start), "toBlock": hex(end)}
        )
    except NodeRefused:
        if start == end:
            raise
        middle = (start + end) // 2
        return [
            *await logs_between(w3, address, start, middle, topics),
            *await logs_between(w3, address, middle + 1, end, topics),
        ]
    return _checked(found, address, range(start, end + 1))


async def logs_of_blocks(
    w3: AsyncWeb3[Any],
    address: str,
    topics: Sequence[bytes],
    headers: Sequence[Header],
    other: AsyncWeb3[Any] | None = None,
) -> list[Log]:
    """Logs of these very blocks, by their hashes.

    Args:
        w3: the node.
        address: of the contract.
        topics: first topics of its events.
        headers: the blocks.
        other: whom to ask once more about a block that should have such a log by its filter, but has none.
    """
    whose = bytes.fromhex(address[2:])
    asked = [
        one
        for one in headers
        if one.may_hold(whose) and any(one.may_hold(topic) for topic in topics)
    ]
    found: list[Log] = []
    for at in range(0, len(asked), AT_ONCE):
        part = asked[at : at + AT_ONCE]
        for logs in await asyncio.gather(*(_of_block(w3, address, one, other) for one in part)):
            found += logs
    return found


async def _of_block(
    w3: AsyncWeb3[Any], address: str, header: Header, other: AsyncWeb3[Any] | None
) -> list[Log]:
    """A filter may be wrong about what is there, and a node about what is not: then another one is asked, and at last
    the receipts of all transactions of the block."""
    wanted = {"address": address, "blockHash": header.hash}
    for node in (w3, other or w3):
        logs = _checked(await request(node, "eth_getLogs", wanted), address, header)
        if logs:
            return logs
    try:
        receipts = await request(w3, "eth_getBlockReceipts", hex(header.number))
    except NodeRefused:
        return []  # not every node tells them
    logs = [log for receipt in receipts or () for log in receipt["logs"]]
    mine = [log for log in logs if log["address"].lower() == address.lower()]
    if any(log["blockHash"] != header.hash for log in mine):
        raise Moved
    return mine


async def times_of(w3: AsyncWeb3[Any], logs: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Timestamps by block hash.

    Raises:
        Moved: a log's block is not the chain's.
    """
    places = sorted({(int(log["blockNumber"], 16), str(log["blockHash"])) for log in logs})
    headers = await headers_at(w3, [number for number, _ in places])
    times: dict[str, int] = {}
    for (_, wanted), header in zip(places, headers, strict=True):
        if header is None or header.hash != wanted:
            raise Moved
        times[wanted] = header.time
    return times


def _checked(found: object, address: str, where: Header | range) -> list[Log]:
    """The logs once each, in their order.

    Raises:
        Moved: of another block of that height, or taken back.
        Unavailable: of another contract or another range.
    """
    if not isinstance(found, list):
        raise nonsense("logs")
    logs: dict[tuple[str, int], Log] = {}
    for log in found:
        number = int(log["blockNumber"], 16)
        heights = where if isinstance(where, range) else (where.number,)
        if log["address"].lower() != address.lower() or number not in heights:
            raise nonsense("logs")
        if log.get("removed") or (isinstance(where, Header) and log["blockHash"] != where.hash):
            raise Moved
        logs[log["blockHash"], int(log["logIndex"], 16)] = log
    return sorted(logs.values(), key=place_of)


def place_of(log: Mapping[str, Any]) -> tuple[int, int]:
    """Number of its block, and its own in it."""
    return int(log["blockNumber"], 16), int(log["logIndex"], 16)

"""The escrow's events, range by range, with reorganisations told.

A node whose head is merely lower is behind, not reorganised: only a competing block at a known height makes
anything be rolled back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from web3 import AsyncWeb3

from chain.errors import Conflict, Unavailable
from chain.escrow import Escrow
from chain.events import Event
from chain.job import JobId
from chain.logs import decode
from chain.rpc import NodeRefused, request

_TRIES = 3
_AT_ONCE = 16
_FIX = "Wait until the node has settled, or use another one."


@dataclass(frozen=True, slots=True)
class Cursor:
    """A block up to which, itself included, everything has been read."""

    number: int
    hash: str


@dataclass(frozen=True, slots=True)
class Batch:
    """The next events, and where the reader stands after them."""

    events: tuple[Event, ...]
    cursor: Cursor | None  # None: nothing read yet, or all of it rolled back
    rolled_back: bool  # drop all above `cursor`, then read on; comes without events
    head: int  # number of the node's newest block
    head_time: int  # its timestamp
    lagging: bool = False  # the node has not got as far as the cursor


class _Moved(Exception):
    """The chain changed while it was read."""


async def next_batch(
    w3: AsyncWeb3[Any],
    escrow: Escrow,
    cursor: Cursor | None,
    from_block: int,
    confirmations: int,
    max_range: int = 2000,
    known: Sequence[Cursor] = (),
) -> Batch:
    """Read on from the cursor.

    Args:
        w3: the node.
        escrow: whose events.
        cursor: of the last batch applied; None to begin at `from_block`.
        from_block: the block of the escrow's deployment.
        confirmations: how many blocks to stay behind the head.
        max_range: most blocks to read at once.
        known: earlier cursors, in any order, to find back to after a reorganisation.

    Raises:
        Conflict: a reorganisation deeper than every known block.
        Unavailable: the node does not answer, or its chain changes faster than it can be read.
    """
    for _ in range(_TRIES):
        head = await _block(w3, "latest")
        if head is None:
            raise Unavailable("The node has no blocks yet.", _FIX)
        number, time = int(head["number"], 16), int(head["timestamp"], 16)
        if cursor is not None:
            if number < cursor.number:
                return Batch((), cursor, False, number, time, lagging=True)
            if await _hash_at(w3, cursor.number) != cursor.hash:
                ancestor = await _ancestor(w3, cursor, known)
                return Batch((), ancestor, True, number, time)
        start = from_block if cursor is None else cursor.number + 1
        end = min(number - confirmations, start + max_range - 1)
        if end < start:
            return Batch((), cursor, False, number, time)
        try:
            events, reached = await _read(w3, escrow, cursor, start, end)
        except _Moved:
            continue
        return Batch(events, reached, False, number, time)
    raise Unavailable("The chain changes while it is read.", _FIX)


async def _ancestor(w3: AsyncWeb3[Any], cursor: Cursor, known: Sequence[Cursor]) -> Cursor:
    earlier = [one for one in known if one.number < cursor.number]
    for one in sorted(earlier, key=lambda one: -one.number):
        if await _hash_at(w3, one.number) == one.hash:
            return one
    raise Conflict(
        f"The chain was reorganised below block {cursor.number}, deeper than what is known of it.",
        "Check that the node is on the right chain; if so, start from an empty database.",
    )


async def _read(
    w3: AsyncWeb3[Any], escrow: Escrow, cursor: Cursor | None, start: int, end: int
) -> tuple[tuple[Event, ...], Cursor]:
    """Events of the range. The last block is looked at before and after, the first one joined to the cursor,
    and each log to its block, so that all are of one chain."""
    reached = Cursor(end, await _hash_at(w3, end) or "")
    first = await _block(w3, hex(start))
    if first is None or (cursor is not None and first["parentHash"] != cursor.hash):
        raise _Moved
    logs = await _logs(w3, escrow, start, end)
    times = await _times(w3, logs)
    if await _hash_at(w3, end) != reached.hash:
        raise _Moved
    return tuple(_decoded(escrow, logs, times)), reached


async def _logs(
    w3: AsyncWeb3[Any],
    escrow: Escrow,
    start: int,
    end: int,
    topics: Sequence[str | None] = (),
) -> list[dict[str, Any]]:
    """Nodes refuse ranges with too many blocks or logs: ask for halves then."""
    wanted: dict[str, Any] = {"address": escrow.address, "topics": list(topics)}
    wanted |= {"fromBlock": hex(start), "toBlock": hex(end)}
    try:
        return list(await request(w3, "eth_getLogs", wanted))
    except NodeRefused:
        if start == end:
            raise
    middle = (start + end) // 2
    return [
        *await _logs(w3, escrow, start, middle, topics),
        *await _logs(w3, escrow, middle + 1, end, topics),
    ]


async def _times(w3: AsyncWeb3[Any], logs: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Timestamps by block hash."""
    places = sorted({(log["blockNumber"], log["blockHash"]) for log in logs})
    times: dict[str, int] = {}
    for at in range(0, len(places), _AT_ONCE):
        part = places[at : at + _AT_ONCE]
        blocks = await asyncio.gather(*(_block(w3, number) for number, _ in part))
        for (_, wanted), block in zip(part, blocks, strict=True):
            if block is None or block["hash"] != wanted:
                raise _Moved
            times[wanted] = int(block["timestamp"], 16)
    return times


async def events_of_transaction(w3: AsyncWeb3[Any], escrow: Escrow, tx_hash: str) -> list[Event]:
    """What one mined transaction made the escrow tell; empty when it is not mined."""
    receipt = await request(w3, "eth_getTransactionReceipt", tx_hash)
    if receipt is None:
        return []
    ours = [log for log in receipt["logs"] if log["address"].lower() == escrow.address.lower()]
    times = await _times(w3, ours)
    return _decoded(escrow, ours, times)


async def events_of_job(
    w3: AsyncWeb3[Any], escrow: Escrow, job_id: JobId, from_block: int
) -> list[Event]:
    """What the escrow has told of one job, in order, by the chain as it is now: for a look, not for following."""
    head = int(await request(w3, "eth_blockNumber"), 16)
    logs = await _logs(w3, escrow, from_block, head, (None, job_id))
    try:
        times = await _times(w3, logs)
    except _Moved:
        raise Unavailable("The chain changes while it is read.", _FIX) from None
    return _decoded(escrow, logs, times)


def _decoded(escrow: Escrow, logs: list[dict[str, Any]], times: Mapping[str, int]) -> list[Event]:
    logs.sort(key=lambda log: (int(log["blockNumber"], 16), int(log["logIndex"], 16)))
    events = (decode(escrow.interface, log, times[log["blockHash"]]) for log in logs)
    return [event for event in events if event is not None]


async def _hash_at(w3: AsyncWeb3[Any], number: int) -> str | None:
    block = await _block(w3, hex(number))
    return None if block is None else str(block["hash"])


async def _block(w3: AsyncWeb3[Any], number: str) -> dict[str, Any] | None:
    block = await request(w3, "eth_getBlockByNumber", number, False)
    return None if block is None else dict(block)

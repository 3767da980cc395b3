"""The escrow's events, range by range, with reorganisations told.

A node whose head is merely lower is behind, not reorganised: only a competing block at a known height, with its
parents down to a block that is known, makes anything be rolled back. Near the head every block is looked at; what lies
deeper is read in long ranges, whose ends are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from web3 import AsyncWeb3

from chain.errors import Conflict, Unavailable
from chain.escrow import Escrow
from chain.events import CLASSES, Event, JobDisputed
from chain.headers import Header, hash_at, header_at, headers_at, nonsense
from chain.job import JobId
from chain.logs import decode
from chain.ranges import Log, Moved, logs_between, logs_of_blocks, place_of, times_of
from chain.rpc import request

TAIL = 32  # most blocks of a range of which each one is looked at
_TRIES = 3
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
    cursor: Cursor | None  # None: nothing read yet
    rolled_back: bool  # drop all above `cursor`, then read on; comes without events
    head: int  # number of the node's newest block
    head_hash: str
    head_time: int  # its timestamp
    lagging: bool = False  # the node has not got as far as the cursor


async def next_batch(
    w3: AsyncWeb3[Any],
    escrow: Escrow,
    cursor: Cursor | None,
    from_block: int,
    confirmations: int,
    max_range: int = 2000,
    known: Sequence[Cursor] = (),
    other: AsyncWeb3[Any] | None = None,
) -> Batch:
    """Read on from the cursor.

    Args:
        w3: the node; all is read from this one.
        escrow: whose events.
        cursor: of the last batch applied; None to begin at `from_block`.
        from_block: the block of the escrow's deployment.
        confirmations: how many blocks to stay behind the head.
        max_range: most blocks to read at once; up to `TAIL`, each of them is checked.
        known: earlier cursors, in any order, to find back to after a reorganisation.
        other: a second node, to ask about a block whose logs this one seems to have lost.

    Raises:
        Conflict: a reorganisation deeper than every known block.
        Unavailable: the node does not answer, makes no sense, or its chain changes faster than it can be read.
    """
    for _ in range(_TRIES):
        try:
            return await _next(w3, escrow, cursor, from_block, confirmations, max_range, known, other)  # fmt: skip
        except Moved:
            continue
        except (KeyError, TypeError, ValueError, AttributeError):
            raise nonsense("the chain") from None
    raise Unavailable("The chain changes while it is read.", _FIX)


async def _next(
    w3: AsyncWeb3[Any],
    escrow: Escrow,
    cursor: Cursor | None,
    from_block: int,
    confirmations: int,
    max_range: int,
    known: Sequence[Cursor],
    other: AsyncWeb3[Any] | None,
) -> Batch:
    head = await header_at(w3, "latest")
    if head is None:
        raise Unavailable("The node has no blocks yet.", _FIX)
    if cursor is not None:
        if head.number < cursor.number:
            return Batch((), cursor, False, head.number, head.hash, head.time, lagging=True)
        if await _known_hash(w3, cursor.number) != cursor.hash:
            ancestor = await _ancestor(w3, cursor, known)
            return Batch((), ancestor, True, head.number, head.hash, head.time)
    start = from_block if cursor is None else cursor.number + 1
    end = min(head.number - confirmations, start + max_range - 1)
    if end < start:
        return Batch((), cursor, False, head.number, head.hash, head.time)
    if end - start < TAIL:
        events, reached = await _read_blocks(w3, escrow, cursor, range(start, end + 1), other)
    else:
        events, reached = await _read_range(w3, escrow, cursor, start, end)
    return Batch(events, reached, False, head.number, head.hash, head.time)


async def _ancestor(w3: AsyncWeb3[Any], cursor: Cursor, known: Sequence[Cursor]) -> Cursor:
    """The highest known block that the node's chain has too, shown by the competing block's own parents."""
    low = min((one.number for one in known), default=cursor.number)
    hashes = {one.number: one.hash for one in known if one.number < cursor.number}
    block = await header_at(w3, cursor.number)
    if block is not None and block.hash == cursor.hash:
        raise Moved
    while block is not None and block.number > low:
        number, parent = block.number - 1, block.parent
        if hashes.get(number) == parent:
            return Cursor(number, parent)
        block = await header_at(w3, parent)
        if block is not None and block.number != number:
            raise nonsense("a block")
    if block is None:
        raise Moved
    raise Conflict(
        f"The chain was reorganised below block {cursor.number}, deeper than what is known of it.",
        "Check that the node is on the right chain; if so, start from an empty database.",
    )


async def _read_blocks(
    w3: AsyncWeb3[Any],
    escrow: Escrow,
    cursor: Cursor | None,
    numbers: range,
    other: AsyncWeb3[Any] | None,
) -> tuple[tuple[Event, ...], Cursor]:
    """Events of these blocks: each is its predecessor's child, the first one the cursor's, and logs are asked for by
    the blocks' hashes, so that all are of one chain."""
    parent = cursor.hash if cursor is not None else None
    chain: list[Header] = []
    for header in await headers_at(w3, numbers):
        if header is None or (parent is not None and header.parent != parent):
            raise Moved
        chain.append(header)
        parent = header.hash
    topics = [topic for topic, one in escrow.interface.events.items() if one.name in CLASSES]
    logs = await logs_of_blocks(w3, escrow.address, topics, chain, other)
    times = {header.hash: header.time for header in chain}
    return tuple(_decoded(escrow, logs, times)), Cursor(chain[-1].number, chain[-1].hash)


async def _read_range(
    w3: AsyncWeb3[Any], escrow: Escrow, cursor: Cursor | None, start: int, end: int
) -> tuple[tuple[Event, ...], Cursor]:
    """Events of the range. The last block is looked at before and after, the first one joined to the cursor,
    and each log to its block, so that all are of one chain."""
    first, last = await headers_at(w3, (start, end))
    if first is None or last is None or (cursor is not None and first.parent != cursor.hash):
        raise Moved
    logs = await logs_between(w3, escrow.address, start, end)
    times = await times_of(w3, logs)
    if await hash_at(w3, end) != last.hash:
        raise Moved
    return tuple(_decoded(escrow, logs, times)), Cursor(end, last.hash)


async def events_of_transaction(w3: AsyncWeb3[Any], escrow: Escrow, tx_hash: str) -> list[Event]:
    """What one mined transaction made the escrow tell; empty when it is not mined."""
    receipt = await request(w3, "eth_getTransactionReceipt", tx_hash)
    if receipt is None:
        return []
    ours = [log for log in receipt["logs"] if log["address"].lower() == escrow.address.lower()]
    try:
        return _decoded(escrow, ours, await times_of(w3, ours))
    except Moved:
        raise Unavailable("The chain changes while it is read.", _FIX) from None


async def events_of_job(
    w3: AsyncWeb3[Any], escrow: Escrow, job_id: JobId, from_block: int
) -> list[Event]:
    """What the escrow has told of one job, in order, by the chain as it is now: for a look, not for following."""
    head = int(await request(w3, "eth_blockNumber"), 16)
    return await _look(w3, escrow, from_block, head, None, job_id)


async def history_of_job(
    w3: AsyncWeb3[Any], escrow: Escrow, job_id: JobId, from_block: int, upto: Cursor
) -> list[Event]:
    """All events that concern one job up to a block, those of its disputes and of its provider's bond among them.

    Raises:
        Unavailable: the node does not answer, makes no sense, or is on another chain than the block by now.
    """
    names = {one.name: "0x" + topic.hex() for topic, one in escrow.interface.events.items()}
    span = (from_block, upto.number)
    try:
        events = await _look(w3, escrow, *span, None, job_id)
        numbers = [event.dispute_id for event in events if isinstance(event, JobDisputed)]
        events += await _look(w3, escrow, *span, names["BondSlashed"], None, job_id)
        for number in numbers:
            for name in ("Ruling", "Evidence"):
                topic = "0x" + number.to_bytes(32).hex()
                events += await _look(w3, escrow, *span, names[name], None, topic)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise nonsense("a job's events") from None
    if await hash_at(w3, upto.number) != upto.hash:
        raise Unavailable("The chain changes while it is read.", _FIX)
    return sorted(events, key=lambda event: (event.at.block_number, event.at.log_index))


async def _look(
    w3: AsyncWeb3[Any], escrow: Escrow, start: int, end: int, *topics: str | None
) -> list[Event]:
    """Events by their topics, by the chain as it is now."""
    try:
        logs = await logs_between(w3, escrow.address, start, end, topics)
        return _decoded(escrow, logs, await times_of(w3, logs))
    except Moved:
        raise Unavailable("The chain changes while it is read.", _FIX) from None


def _decoded(escrow: Escrow, logs: list[Log], times: Mapping[str, int]) -> list[Event]:
    logs.sort(key=place_of)
    events = (decode(escrow.interface, log, times[log["blockHash"]]) for log in logs)
    return [event for event in events if event is not None]


async def _known_hash(w3: AsyncWeb3[Any], number: int) -> str:
    """A block below the head, which the node therefore has.

    Raises:
        Moved: it has not, after all.
    """
    found = await hash_at(w3, number)
    if found is None:
        raise Moved
    return found

"""A log as a node gives it, as one of the escrow's events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from functools import cache
from typing import Any, get_type_hints

from eth_abi.exceptions import DecodingError

from chain.events import CLASSES, Event, EventPlace, ReportSkipped
from chain.interface import CODEC, Interface, Signature, from_abi, types_of
from chain.job import TxHash


def decode(interface: Interface, log: Mapping[str, Any], timestamp: int) -> Event | None:
    """A log of the escrow, as its node gave it (JSON), as an event; None when it is none of these.

    Args:
        interface: the escrow's.
        log: with `topics`, `data` and its place, all hexadecimal text.
        timestamp: of the log's block.
    """
    topics = [bytes.fromhex(topic[2:]) for topic in log["topics"]]
    known = interface.events.get(topics[0]) if topics else None
    if known is None or known.name not in CLASSES:
        return None
    kind = CLASSES[known.name]
    try:
        values = _values(known, topics[1:], bytes.fromhex(log["data"][2:]))
    except DecodingError:
        return None  # the same name and types, indexed otherwise: another contract's
    typed = [from_abi(hint, value) for hint, value in zip(_hints(kind), values, strict=True)]
    event: Event = kind(*typed, at=_place(log, timestamp))
    return _with_reason(event, interface)


def _values(known: Signature, topics: list[bytes], data: bytes) -> list[Any]:
    """Arguments in the order of the event's declaration; some stand in topics, the others in the data."""
    indexed = [one for one in known.inputs if one["indexed"]]
    plain = [one for one in known.inputs if not one["indexed"]]
    if len(topics) != len(indexed):
        raise DecodingError("another number of topics")
    from_topics = iter(
        [
            CODEC.decode(types_of([one]), topic)[0]
            for one, topic in zip(indexed, topics, strict=True)
        ]
    )
    from_data = iter(CODEC.decode(types_of(plain), data))
    return [next(from_topics if one["indexed"] else from_data) for one in known.inputs]


def _place(log: Mapping[str, Any], timestamp: int) -> EventPlace:
    return EventPlace(
        block_number=int(log["blockNumber"], 16),
        block_hash=log["blockHash"],
        log_index=int(log["logIndex"], 16),
        tx_hash=TxHash(log["transactionHash"]),
        timestamp=timestamp,
    )


def _with_reason(event: Event, interface: Interface) -> Event:
    if not isinstance(event, ReportSkipped):
        return event
    error = interface.errors.get(bytes.fromhex(event.reason.removeprefix("0x")))
    return replace(event, reason=error.name) if error else event


@cache
def _hints(kind: type) -> tuple[Any, ...]:
    hints = get_type_hints(kind)
    return tuple(hints[field.name] for field in fields(kind)[:-1])

"""The frames of an agent's tunnel: many streams of bytes in one WebSocket. Pure.

A frame is its kind (1 byte), its stream (4 bytes, big-endian) and a payload. The scheduler opens streams, numbered
upwards; each leads to one port of one run. Either side may have `WINDOW` bytes of a stream under way; credit says
how many were taken since, so a reader that is slow holds up its own stream alone.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated

from pydantic import Field, ValidationError

from chain.errors import InvalidInput
from chain.wire import HashText, Whole, Wire

WINDOW = 256 * 1024  # bytes of one stream, each way
MAX_DATA = 64 * 1024  # bytes in a frame
MAX_STREAM = 2**32 - 1
MAX_FRAME = MAX_DATA + 5
_HEAD = struct.Struct("!BI")
_CREDIT = struct.Struct("!I")


class Kind(IntEnum):
    """What a frame says."""

    OPEN = 1  # to which port of which run: `Open`
    OPENED = 2  # the port has answered
    DATA = 3
    END = 4  # no more data from this side
    RESET = 5  # the stream is over for both: `Reset`
    CREDIT = 6  # so many bytes more may be sent


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame."""

    kind: Kind
    stream: int
    payload: bytes = b""


class Open(Wire):
    """Where a stream is to lead."""

    job_id: HashText
    attempt: Whole
    port: Annotated[int, Field(ge=1, le=65535)]


class Reset(Wire):
    """Why a stream is over: as an HTTP status, and in words; 0 when nothing is wrong."""

    status: Annotated[int, Field(ge=0, le=599)] = 0
    why: Annotated[str, Field(max_length=500)] = ""


def encode(frame: Frame) -> bytes:
    """As it is sent."""
    return _HEAD.pack(frame.kind, frame.stream) + frame.payload


def decode(data: bytes) -> Frame:
    """What a message says.

    Raises:
        InvalidInput: it is no frame.
    """
    if not _HEAD.size <= len(data) <= MAX_FRAME:
        raise InvalidInput(f"A frame has {len(data)} bytes.")
    number, stream = _HEAD.unpack_from(data)
    if number not in set(Kind):
        raise InvalidInput(f"There is no frame of kind {number}.")
    return Frame(Kind(number), stream, data[_HEAD.size :])


def credit(stream: int, amount: int) -> Frame:
    """So many bytes more of this stream are taken."""
    return Frame(Kind.CREDIT, stream, _CREDIT.pack(amount))


def credit_of(frame: Frame) -> int:
    """How many bytes more.

    Raises:
        InvalidInput: it does not say.
    """
    if len(frame.payload) != _CREDIT.size:
        raise InvalidInput("A credit is a number of four bytes.")
    return int(_CREDIT.unpack(frame.payload)[0])


def open_of(frame: Frame) -> Open:
    """Where the stream is to lead.

    Raises:
        InvalidInput: it does not say.
    """
    try:
        return Open.model_validate_json(frame.payload)
    except ValidationError:
        raise InvalidInput("A stream is opened to nowhere.") from None


def reset_of(frame: Frame) -> Reset:
    """Why the stream is over; words that cannot be read count as none."""
    try:
        return Reset.model_validate_json(frame.payload or b"{}")
    except ValidationError:
        return Reset(status=502)

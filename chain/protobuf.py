"""The little of protobuf that dag-pb needs, and varints, which CAR shares."""

from __future__ import annotations

from collections.abc import Iterator

from chain.errors import InvalidInput

VARINT, BYTES = 0, 2
_MAX_VARINT_BYTES = 10


def varint(number: int) -> bytes:
    """An unsigned LEB128 number."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """A number and the place after it.

    Raises:
        InvalidInput: cut off, or longer than 64 bits.
    """
    number = 0
    for offset, byte in enumerate(data[at : at + _MAX_VARINT_BYTES]):
        number |= (byte & 0x7F) << (7 * offset)
        if byte < 0x80 and number < 2**64:
            return number, at + offset + 1
    raise InvalidInput("A length in the content is malformed.")


def field(number: int, value: int | bytes) -> bytes:
    """One field with its key."""
    if isinstance(value, int):
        return varint(number << 3 | VARINT) + varint(value)
    return varint(number << 3 | BYTES) + varint(len(value)) + value


def fields(data: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    """Each field's number, wire type and value.

    Raises:
        InvalidInput: cut off, or a wire type other than varint and bytes.
    """
    at = 0
    while at < len(data):
        key, at = read_varint(data, at)
        value, at = read_varint(data, at)
        if key & 7 == VARINT:
            yield key >> 3, VARINT, value
            continue
        if key & 7 != BYTES or at + value > len(data):
            raise InvalidInput("A block of the content is malformed.")
        yield key >> 3, BYTES, data[at : at + value]
        at += value

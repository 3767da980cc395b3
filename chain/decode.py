"""Why a call was refused: revert data to a custom error's name and arguments.

Nodes carry the data in different places of their answer, so all of these are looked at; texts are not.
"""

from __future__ import annotations

from collections.abc import Iterator

from eth_abi.exceptions import DecodingError

from chain.errors import Reverted
from chain.interface import CODEC, Errors, types_of

_MESSAGE = bytes.fromhex("08c379a0")  # Error(string)
_PANIC = bytes.fromhex("4e487b71")  # Panic(uint256)
_REVERTED = 3  # the code by which most nodes say so
_PLACES = ("data", "result", "return", "originalError")


def revert_of(fault: object, errors: Errors) -> Reverted | None:
    """The revert that a node's JSON-RPC error tells of, or None when it is about something else."""
    for text in _hex_texts(fault):
        return decode_revert(bytes.fromhex(text[2:]), errors)
    if isinstance(fault, dict) and fault.get("code") == _REVERTED:
        return decode_revert(b"", errors)
    return None


def _hex_texts(fault: object) -> Iterator[str]:
    """Geth and Anvil: `data`. Ganache: `data` of a call, `data.result` of an estimate; older ones:
    `data[transaction hash].return`."""
    if not isinstance(fault, dict):
        return
    for place in _PLACES:
        value = fault.get(place)
        if isinstance(value, str) and _is_revert_data(value):
            yield value
        elif isinstance(value, dict):
            yield from _hex_texts(value)
            for inner in value.values():
                yield from _hex_texts(inner)


def _is_revert_data(text: str) -> bool:
    if not text.startswith("0x"):
        return False
    try:
        return (len(bytes.fromhex(text[2:])) - 4) % 32 == 0 or text == "0x"
    except ValueError:
        return False


def decode_revert(data: bytes, errors: Errors) -> Reverted:
    """Revert data as a named error. `Revert` when it carries nothing, `Unknown` when nobody knows its name."""
    if not data:
        return Reverted("Revert")
    selector, rest = data[:4], data[4:]
    try:
        if selector == _MESSAGE:
            return Reverted("Error", {"message": CODEC.decode(["string"], rest)[0]})
        if selector == _PANIC:
            return Reverted("Panic", {"code": CODEC.decode(["uint256"], rest)[0]})
        if selector in errors:
            known = errors[selector]
            values = CODEC.decode(types_of(known.inputs), rest)
            names = [one["name"] or str(i) for i, one in enumerate(known.inputs)]
            return Reverted(known.name, dict(zip(names, map(_shown, values), strict=True)))
    except DecodingError:
        pass  # a name that is known, with arguments that do not fit: told as it is
    return Reverted("Unknown", {"data": "0x" + data.hex()})


def _shown(value: object) -> object:
    return "0x" + value.hex() if isinstance(value, bytes) else value

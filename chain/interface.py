"""A contract's ABI, and its values as our own types: one generic way for every call, event and error.

An ABI tuple becomes the dataclass asked for, field by field in the ABI's order; 32 bytes become a 0x-prefixed
text, or a `Digest` where that is the type; an address becomes a checksummed `Address`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from enum import IntEnum
from functools import cache
from types import MappingProxyType
from typing import Any, get_args, get_type_hints

from eth_abi import decoding, encoding
from eth_abi.codec import ABICodec
from eth_abi.exceptions import DecodingError, EncodingError
from eth_abi.registry import BaseEquals, registry
from eth_utils.abi import abi_to_signature, collapse_if_tuple
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from chain.errors import Conflict, InvalidInput
from chain.job import Address, Digest

AbiEntry = dict[str, Any]  # one element of a JSON ABI
Abi = list[AbiEntry]
DIGEST_PREFIX = "sha256:"


class _AnyText(decoding.StringDecoder):
    """Text that a stranger put on-chain may be no UTF-8; that must not stop a reader of events."""

    def __init__(self) -> None:
        super().__init__("replace")  # type: ignore[no-untyped-call]


def _codec() -> ABICodec:
    forgiving = registry.copy()  # type: ignore[no-untyped-call]
    forgiving.unregister("string")
    forgiving.register(
        BaseEquals("string"),  # type: ignore[no-untyped-call]
        encoding.TextStringEncoder,
        _AnyText,
        label="string",
    )
    return ABICodec(forgiving)


CODEC = _codec()


@dataclass(frozen=True, slots=True)
class Signature:
    """One function, event or error of an ABI, ready to encode and decode."""

    name: str
    inputs: tuple[AbiEntry, ...]
    outputs: tuple[AbiEntry, ...]
    hash: bytes  # keccak of the canonical signature; its first 4 bytes are the selector

    @property
    def selector(self) -> bytes:
        """What calldata and revert data begin with."""
        return self.hash[:4]


Errors = Mapping[bytes, Signature]  # by selector
NO_ERRORS: Errors = MappingProxyType({})


class Interface:
    """The functions, events and errors of one contract."""

    def __init__(self, abi: Sequence[AbiEntry]) -> None:
        self.functions = {one.name: one for one in _of_kind(abi, "function")}
        self.events = {one.hash: one for one in _of_kind(abi, "event")}
        self.errors: Errors = MappingProxyType(
            {one.selector: one for one in _of_kind(abi, "error")}
        )

    def encode(self, name: str, *values: object) -> bytes:
        """Calldata of a call.

        Raises:
            InvalidInput: a value does not fit its ABI type.
        """
        function = self._function(name)
        plain = [to_abi(value, given) for value, given in zip(values, function.inputs, strict=True)]
        try:
            return function.selector + CODEC.encode(types_of(function.inputs), plain)
        except (EncodingError, OverflowError) as error:
            raise InvalidInput(
                f"{name} cannot take this: {error}", "Give a value in range."
            ) from None

    def decode_result(self, name: str, data: bytes) -> tuple[Any, ...]:
        """The values a call returned, as the ABI has them.

        Raises:
            Conflict: the answer is not of this shape, so the contract is another than thought.
        """
        try:
            return tuple(CODEC.decode(types_of(self._function(name).outputs), data))
        except DecodingError:
            raise Conflict(
                f"The contract's answer to {name} is not of the expected shape.",
                "Renew the address book: this address holds another contract, or none.",
            ) from None

    def _function(self, name: str) -> Signature:
        try:
            return self.functions[name]
        except KeyError:
            raise Conflict(
                f"The contract's ABI has no function {name}.",
                "Renew the address book: it was written by another version.",
            ) from None


def _of_kind(abi: Sequence[AbiEntry], kind: str) -> list[Signature]:
    return [
        Signature(
            entry["name"],
            tuple(entry.get("inputs", ())),
            tuple(entry.get("outputs", ())),
            keccak(text=abi_to_signature(entry)),  # type: ignore[arg-type]
        )
        for entry in abi
        if entry["type"] == kind
    ]


def types_of(parameters: Sequence[AbiEntry]) -> list[str]:
    """The canonical types of parameters, as the codec wants them."""
    return [collapse_if_tuple(parameter) for parameter in parameters]


def to_abi(value: object, parameter: AbiEntry) -> object:
    """One of our values as the codec wants it."""
    kind: str = parameter["type"]
    if kind.endswith("[]"):
        element = {**parameter, "type": kind.removesuffix("[]")}
        return [to_abi(item, element) for item in _items(value)]
    if kind == "tuple":
        return tuple(
            to_abi(item, part)
            for item, part in zip(_items(value), parameter["components"], strict=True)
        )
    if kind.startswith("bytes") and isinstance(value, str):
        return hex_bytes(value)
    return value


def _items(value: object) -> Sequence[object]:
    if is_dataclass(value):
        return [getattr(value, field.name) for field in fields(value)]
    if isinstance(value, list | tuple):
        return value
    raise InvalidInput(f"{value!r} is not a list of values.")


def camel(name: str) -> str:
    """One of our names as Solidity writes it."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def hex_bytes(text: str) -> bytes:
    """The bytes of a 0x-prefixed text, or of a digest.

    Raises:
        InvalidInput: it is neither.
    """
    for prefix in ("0x", DIGEST_PREFIX):
        if text.startswith(prefix):
            try:
                return bytes.fromhex(text.removeprefix(prefix))
            except ValueError:
                break
    raise InvalidInput(f"{text!r} is not hexadecimal.", "Write it as 0x and hexadecimal digits.")


def from_abi(hint: Any, value: Any) -> Any:
    """A decoded value as the type asked for."""
    if isinstance(hint, type) and is_dataclass(hint):
        hints = _hints(hint)
        return hint(*(from_abi(kind, item) for kind, item in zip(hints, value, strict=True)))
    if isinstance(hint, type) and issubclass(hint, IntEnum):
        return hint(value)
    if hint is Address:
        return Address(to_checksum_address(value))
    if isinstance(value, bytes):
        return (DIGEST_PREFIX if hint is Digest else "0x") + value.hex()
    if get_args(hint):  # list[X]
        return [from_abi(get_args(hint)[0], item) for item in value]
    return value


@cache
def _hints(kind: type) -> tuple[Any, ...]:
    hints = get_type_hints(kind)
    return tuple(hints[field.name] for field in fields(kind))

"""Content identifiers: what names a block, and the only kinds that are accepted.

sha2-256 of raw or dag-pb blocks, as CIDv1 in base32 (what we write), or CIDv0 in base58 (older
content). In binary they are 36 or 34 bytes. See the CID specification of multiformats.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from enum import IntEnum
from typing import NewType

from chain.errors import InvalidInput
from chain.job import Cid

CidBytes = NewType("CidBytes", bytes)
Multihash = NewType("Multihash", bytes)  # 0x12 0x20 and the 32 bytes

SHA2_256 = b"\x12\x20"
V0_BYTES = 34
V1_BYTES = 36
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


class Codec(IntEnum):
    """How a block's bytes are to be read."""

    RAW = 0x55
    DAG_PB = 0x70


def cid_of(data: bytes, codec: Codec, version: int = 1) -> CidBytes:
    """The CID of a block; version 0 is for dag-pb alone."""
    multihash = SHA2_256 + hashlib.sha256(data).digest()
    return CidBytes(multihash if version == 0 else bytes((1, codec)) + multihash)


def codec_of(cid: CidBytes) -> Codec:
    """How to read the block of this CID."""
    return Codec.DAG_PB if len(cid) == V0_BYTES else Codec(cid[1])


def multihash_of(cid: CidBytes) -> Multihash:
    """The hash in a CID, by which blocks are kept."""
    return Multihash(cid[-V0_BYTES:])


def holds(cid: CidBytes, data: bytes) -> bool:
    """Whether these bytes are the block of this CID."""
    return hashlib.sha256(data).digest() == cid[-32:]


def checked(data: bytes) -> CidBytes:
    """A CID in binary form.

    Raises:
        InvalidInput: not a CID, or not sha2-256 of a raw or dag-pb block.
    """
    v0 = len(data) == V0_BYTES and data[:2] == SHA2_256
    v1 = len(data) == V1_BYTES and data[0] == 1 and data[2:4] == SHA2_256
    if not v0 and not (v1 and data[1] in (Codec.RAW, Codec.DAG_PB)):
        raise InvalidInput(f"{data.hex()[:80]} is not a CID of the kind in use.", _FIX)
    return CidBytes(data)


def cid_prefix(data: bytes) -> CidBytes:
    """The CID that a CAR section begins with."""
    return checked(data[: V0_BYTES if data[:2] == SHA2_256 else V1_BYTES])


def cid_text(cid: CidBytes) -> Cid:
    """Base32 for version 1, base58 for version 0."""
    if len(cid) == V0_BYTES:
        return Cid(_to_base58(cid))
    return Cid("b" + base64.b32encode(cid).decode().rstrip("=").lower())


def cid_bytes(text: str) -> CidBytes:
    """Read a CID.

    Raises:
        InvalidInput: not a CID, or not sha2-256 of a raw or dag-pb block.
    """
    try:
        if text.startswith("Qm") and len(text) == 46:
            return checked(_of_base58(text))
        if text.startswith("b") and len(text) == 59 and text == text.lower():
            raw = base64.b32decode(text[1:].upper() + "=" * (-(len(text) - 1) % 8))
            if cid_text(CidBytes(raw)) == text:
                return checked(raw)
    except (ValueError, OverflowError, binascii.Error):
        pass
    raise InvalidInput(f"{text[:80]!r} is not a CID of the kind in use.", _FIX)


def parse_cid(text: str) -> Cid:
    """A CIDv1 as a job names it.

    Raises:
        InvalidInput: anything else.
    """
    if len(cid_bytes(text.strip())) != V1_BYTES:
        raise InvalidInput(f"{text.strip()} is a CIDv0.", "Add the content with cid-version=1.")
    return Cid(text.strip())


_FIX = "Use a CIDv1 in base32 (bafy… or bafk…) with sha2-256."


def _to_base58(data: bytes) -> str:
    number, digits = int.from_bytes(data), ""
    while number:
        number, rest = divmod(number, 58)
        digits = _BASE58[rest] + digits
    return digits


def _of_base58(text: str) -> bytes:
    number = 0
    for letter in text:
        number = number * 58 + _BASE58.index(letter)
    return number.to_bytes(V0_BYTES)

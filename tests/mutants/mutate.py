"""Damage, by a seed: the same seed damages the same way. Pure."""

from __future__ import annotations

import random
from collections.abc import Sequence

NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1)
WORDS = (
    b"..", b"/", b"../", b"\\", b"\0", b"\xff", b"\xef\xbb\xbf", b"\n", b"\r\n", b"\t", b"-", b"- ", b": ", b"{", b"}",
    b"[", b"]", b"&a ", b"*a", b"<<: ", b"!!int ", b"!!binary ", b"!x ", b"? ", b"'", b'"', b"|", b">", b"%", b"#",
    b"null", b"~", b"true", b".nan", b".inf", b"-0", b"1e400", b"0x", b"0b", b"9" * 30, b"1:59:59", b"2001-99-99",
    b"\\ud800", b"\xe2\x80\xae", b"\xcc\x81", b"\xc2\xb2", b"\xd9\xa1", b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06",
    b"\x1f\x8b\x08", b"ustar", b"path=", b"size=", b"FROM ", b"ONBUILD ", b"ADD ", b"$A", b"--from=", b"\\\n",
)  # fmt: skip
MAX_BYTES = 8_192


def mutant(seeds: Sequence[bytes], dice: random.Random) -> bytes:
    """One of the inputs, damaged in one to six places."""
    data = bytearray(dice.choice(seeds))
    for _ in range(dice.choice((1, 1, 1, 2, 3, 6))):
        _damage(data, seeds, dice)
    return bytes(data[:MAX_BYTES])


def _damage(data: bytearray, seeds: Sequence[bytes], dice: random.Random) -> None:
    at = dice.randrange(len(data) + 1)
    size = dice.choice((1, 1, 2, 4, 8, 32, 512))
    match dice.randrange(9):
        case 0:  # a bit
            if at < len(data):
                data[at] ^= 1 << dice.randrange(8)
        case 1:  # a number in another's place
            number = dice.choice(NUMBERS) & (2 ** (8 * (width := dice.choice((1, 2, 4, 8)))) - 1)
            order = dice.choice(("little", "big"))
            data[at : at + width] = number.to_bytes(width, "little" if order == "little" else "big")
        case 2:  # a word
            data[at:at] = dice.choice(WORDS)
        case 3:  # a word in another's place
            word = dice.choice(WORDS)
            data[at : at + len(word)] = word
        case 4:  # gone
            del data[at : at + size]
        case 5:  # twice, or many times
            data[at:at] = data[at : at + size] * dice.choice((1, 2, 50))
        case 6:  # cut off
            del data[at:]
        case 7:  # the other half of another
            other = dice.choice(seeds)
            data[at:] = other[dice.randrange(len(other) + 1) :]
        case _:  # moved
            piece = data[at : at + size]
            del data[at : at + size]
            to = dice.randrange(len(data) + 1)
            data[to:to] = piece


def tar_sums(data: bytes, dice: random.Random) -> bytes:
    """Mostly with header checksums that fit again, so that the damage is looked at."""
    if dice.random() < 0.2:
        return data
    fixed = bytearray(data)
    for at in range(0, len(fixed) - 511, 512):
        if fixed[at + 257 : at + 262] == b"ustar":
            fixed[at + 148 : at + 156] = b" " * 8
            fixed[at + 148 : at + 156] = b"%06o\0 " % sum(fixed[at : at + 512])
    return bytes(fixed)

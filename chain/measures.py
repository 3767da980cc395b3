"""Sizes, times and numbers as people write them in `draas.yaml`: 256M, 90s, 0.5."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import ROUND_CEILING, Decimal

from pydantic import AfterValidator

_SIZE = re.compile(r"^([0-9]{1,12}(?:\.[0-9]{1,3})?)\s*([kmg]?)i?b?$", re.IGNORECASE)
_SIZE_BYTES = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
_TIME = re.compile(r"^(?:[0-9]{1,9}|(?:[0-9]{1,9}[dhms]){1,4})$", re.IGNORECASE)
_TIME_PART = re.compile(r"([0-9]+)([dhms]?)")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]{1,20}\.?[0-9]{0,40}|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,3})?")
_TIME_S = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def _size_bytes(value: str) -> Decimal:
    match = _SIZE.match(value.strip())
    if match is None:
        raise ValueError(f"{value!r} is not a size; write it like 256M or 2G")
    return Decimal(match[1]) * _SIZE_BYTES[match[2].lower()]


def mib(value: str) -> int:
    """A size as whole MiB, rounded up."""
    return int((_size_bytes(value) / 1024**2).to_integral_value(ROUND_CEILING))


def kib(value: str) -> int:
    """A size as whole KiB, rounded up."""
    return int((_size_bytes(value) / 1024).to_integral_value(ROUND_CEILING))


def seconds(value: str) -> int:
    """A time as whole seconds."""
    plain = value.strip().lower()
    if _TIME.match(plain) is None:
        raise ValueError(f"{value!r} is not a time; write it like 90s, 1h30m or 2d")
    return sum(int(part[1]) * _TIME_S[part[2]] for part in _TIME_PART.finditer(plain))


def text_of(value: object) -> object:
    """YAML reads `10` as a number where `10m` is text; both are written the same way."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def decimal_of(value: object) -> Decimal:
    """A number below 10^12, exactly as written."""
    plain = str(value).strip()
    if _DECIMAL.fullmatch(plain) is None:  # Python's own reading takes more, and at any length
        raise ValueError(f"{plain[:40]!r} is not a number")
    number = Decimal(plain)
    if not 0 <= number < 10**12:
        raise ValueError(f"{value!r} is out of range")
    return number


def measure(read: Callable[[str], int], least: int, most: int) -> AfterValidator:
    """Keep the text as written, once it is known to read as a number within bounds."""

    def check(value: str) -> str:
        if not least <= read(value) <= most:
            raise ValueError(f"{value!r} is out of range")
        return value

    return AfterValidator(check)

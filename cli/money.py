"""Token amounts as people read them, and text of strangers as a terminal may show it."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

TOKEN_DECIMALS = 18
SYMBOL = "DRT"

_ANSI = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor, erasing
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?"  # OSC, DCS and other strings: titles, links, clipboard
    r"|\x1b[@-Z\\-_]?"
    r"|\x9b[0-?]*[ -/]*[@-~]"
)
_ACTING = (
    "Cc",
    "Cf",
    "Cs",
    "Co",
    "Zl",
    "Zp",
)  # categories of characters that are not shown as they are


def tokens(amount: int, places: int = 6) -> str:
    """Base units as tokens, rounded towards zero to so many places; an amount too small for them says so."""
    whole = Decimal(amount) / 10**TOKEN_DECIMALS
    step = Decimal(1).scaleb(-places)
    if amount and abs(whole) < step:
        return f"<{step:f} {SYMBOL}"
    return f"{whole.quantize(step, rounding='ROUND_DOWN'):,f} {SYMBOL}"


def printable(text: str) -> str:
    """A stranger's line without what could move the cursor, colour the screen or set a title.

    Tabs stay; every other control, format or lone surrogate character goes.
    """
    if text.isascii() and text.isprintable():
        return text
    bare = _ANSI.sub("", text)
    return "".join(c for c in bare if c == "\t" or unicodedata.category(c) not in _ACTING)


def short(value: str) -> str:
    """The ends of a long hash or identifier."""
    return value if len(value) <= 16 else f"{value[:8]}…{value[-6:]}"


def lasting(seconds: float) -> str:
    """A span of time in its largest two units."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02d}m"

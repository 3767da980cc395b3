"""Figures as the consumer reads them."""

from __future__ import annotations

import time
from decimal import Decimal

from chain.job import Rates, Resources, max_cost
from chain.manifest import TOKEN_DECIMALS


def tokens(amount: int) -> str:
    """Base units as tokens, to four significant digits."""
    whole = Decimal(amount).scaleb(-TOKEN_DECIMALS)
    digits = max(0, 3 - whole.adjusted()) if amount else 0
    text = f"{whole:.{min(digits, TOKEN_DECIMALS)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def hourly(resources: Resources, rates: Rates) -> str:
    """What these resources cost at most in an hour, in tokens."""
    return tokens(max_cost(resources, rates, 3600))


def cores(millis: int) -> str:
    """Thousandths of a core as cores."""
    return f"{millis / 1000:g} CPU"


def clock_time(at: int) -> str:
    """A chain second as the time of day, UTC."""
    return time.strftime("%H:%M:%S UTC", time.gmtime(at))

"""A provider's four prices in tokens, and the rates on-chain that they stand for."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from chain.errors import InvalidInput
from chain.job import Rates
from chain.manifest import Manifest, MarketSpec

# The setting of an agent → the price's name in a manifest's market section, and its default in tokens.
PRICES: Mapping[str, tuple[str, Decimal]] = {
    "AGENT_RATES_CPU_HOUR": ("cpu_hour", Decimal("0.05")),  # of one core
    "AGENT_RATES_MEMORY_GIB_HOUR": ("memory_gib_hour", Decimal("0.01")),
    "AGENT_RATES_EGRESS_GIB": ("egress_gib", Decimal("0.02")),
    "AGENT_RATES_HOUR": ("hour", Decimal("0.01")),  # of the machine
}
NO_PRICE, MOST_PRICE = Decimal(0), Decimal(10**9)


def price_of(name: str, text: str) -> Decimal:
    """A price in tokens.

    Raises:
        InvalidInput: it is none.
    """
    try:
        price = Decimal(text.strip())
    except InvalidOperation:
        price = Decimal("NaN")
    if not (price.is_finite() and NO_PRICE <= price <= MOST_PRICE):
        raise InvalidInput(
            f"The price {name} is {text[:40]!r}, not a number from {NO_PRICE} to {MOST_PRICE}.",
            "Write it like 0.05.",
        )
    return price


def rates_of_prices(prices: Mapping[str, Decimal]) -> Rates:
    """Base units for one unit of each metric, rounded down.

    Args:
        prices: by their names in a manifest's market section.

    Raises:
        InvalidInput: a price is too high to be told on-chain.
    """
    return Manifest(market=MarketSpec(**prices)).max_rates()

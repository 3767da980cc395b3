"""What an agent may send into its tunnel without anybody waiting for it."""

from __future__ import annotations

import pytest

from chain.errors import InvalidInput
from scheduler.ingress.tunnels import EMPTY_PER_S, RENEWAL, Spent


def spend(times: int, size: int, *, carries: bool) -> None:
    spent = Spent()
    for _ in range(times):
        spent.spend(size, carries)


def test_what_visitors_take_is_not_counted() -> None:
    spend(20 * int(EMPTY_PER_S), 60_000, carries=True)


@pytest.mark.parametrize(
    ("size", "carries"), [(5, True), (5, False), (60_000, False), (RENEWAL, False)]
)
def test_a_flood_of_what_nobody_takes_ends_the_tunnel(size: int, carries: bool) -> None:
    spend(100, size, carries=carries)
    with pytest.raises(InvalidInput, match="carry nothing"):
        spend(20 * int(EMPTY_PER_S), size, carries=carries)

"""Amounts are shown so that the difference between two prices can be seen."""

from __future__ import annotations

import pytest

from chain.job import Rates, Resources
from scheduler.decide.words import clock_time, cores, hourly, tokens


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (0, "0"),
        (10**18, "1"),
        (12_345_678 * 10**11, "1.235"),
        (12_346 * 10**12, "0.01235"),
        (123_456 * 10**18, "123456"),
        (1, "0.000000000000000001"),
    ],
)
def test_an_amount_is_shown_to_four_digits(amount: int, shown: str) -> None:
    assert tokens(amount) == shown


def test_an_hours_price_is_that_of_all_that_is_reserved() -> None:
    assert hourly(Resources(1000, 0), Rates(10**9, 0, 0, 0)) == "0.0036"


def test_cores_and_times_are_as_people_write_them() -> None:
    assert cores(1500) == "1.5 CPU"
    assert clock_time(3600) == "01:00:00 UTC"

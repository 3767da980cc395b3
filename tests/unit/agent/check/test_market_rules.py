"""What a provider is told of its key's money, the schedulers, the clock, its place and its prices."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agent.check.market import offset_of
from agent.check.market_rules import (
    ChainFound,
    PlaceFound,
    SchedulerFound,
    chain_lines,
    clock_line,
    hourly,
    place_lines,
    price_line,
    scheduler_lines,
)
from chain.job import Rates, Resources
from chain.prices import PRICES, price_of, rates_of_prices

OFFERED = Resources(2000, 1024, 0)
GOOD = ChainFound(
    chain_id=1,
    escrow="0x" + "11" * 20,
    gas=10**18,
    tokens=0,
    bonded=3024,
    leaving=False,
    bond_per_unit=10**15,
    faucet=False,
    ahead_s=-500.0,  # a chain that makes no blocks without transactions
)


def levels(**changes: Any) -> dict[str, str]:
    return {line.name: line.level for line in chain_lines(replace(GOOD, **changes), OFFERED)}


def test_a_provider_that_has_all_is_well() -> None:
    assert levels() == dict.fromkeys(("chain", "gas", "bond", "clock"), "ok")


@pytest.mark.parametrize(
    ("changes", "name", "level"),
    [
        ({"gas": 0}, "gas", "fail"),
        ({"gas": 1}, "gas", "warn"),
        ({"bonded": 0}, "bond", "fail"),
        ({"bonded": 0, "tokens": 3024 * 10**15}, "bond", "ok"),
        ({"bonded": 0, "tokens": 3024 * 10**15 - 1}, "bond", "fail"),
        ({"bonded": 0, "faucet": True}, "bond", "warn"),
        ({"leaving": True}, "bond", "fail"),
        ({"ahead_s": 6.0}, "clock", "warn"),
        ({"ahead_s": 31.0}, "clock", "fail"),
    ],
)
def test_what_is_missing_on_chain_is_told(changes: dict[str, Any], name: str, level: str) -> None:
    assert levels(**changes) == levels() | {name: level}


@pytest.mark.parametrize(("off", "level"), [(0.4, "ok"), (-6, "warn"), (6, "warn"), (-40, "fail")])
def test_a_clock_that_is_off_is_told_either_way(off: float, level: str) -> None:
    assert clock_line("the scheduler", off).level == level


def test_one_scheduler_that_works_is_enough() -> None:
    good, bad = SchedulerFound("http://a", offset_s=0.0), SchedulerFound("http://b", "it is down")
    assert [line.level for line in scheduler_lines([good, bad])] == ["ok", "ok", "warn"]
    (line,) = scheduler_lines([bad])
    assert (line.level, bool(line.fix)) == ("fail", True)


def test_a_date_header_is_held_against_the_clock_by_its_whole_seconds() -> None:
    date = "Thu, 01 Jan 1970 00:01:40 GMT"
    assert offset_of(date, 100.9) == 0.0
    assert offset_of(date, 90.5) == 10.0
    assert offset_of("yesterday", 0) is None


PLACE = PlaceFound("127.0.0.1", 5100, free=True, ours=False, local=True)


@pytest.mark.parametrize(
    ("changes", "level"),
    [
        ({}, "ok"),
        ({"free": False}, "fail"),
        ({"free": False, "ours": True}, "ok"),
        ({"ip": "203.0.113.1", "local": False, "free": False}, "fail"),
    ],
)
def test_the_port_must_be_free_unless_the_agent_itself_is_there(
    changes: dict[str, Any], level: str
) -> None:
    assert place_lines(replace(PLACE, **changes), ["http://127.0.0.1:5000"])[0].level == level


def test_a_hint_on_direct_connections_is_for_those_whose_scheduler_is_elsewhere() -> None:
    assert place_lines(PLACE, ["http://127.0.0.1:5000"])[1].fix == ""
    assert "AGENT_IP" in place_lines(PLACE, ["https://market.example"])[1].fix


def test_prices_far_above_the_others_are_told() -> None:
    mine = Rates(300, 300, 1, 300)
    cheap, near = Rates(100, 100, 1, 100), Rates(200, 200, 1, 200)
    assert price_line(mine, []).level == "ok"
    assert price_line(mine, [near]).level == "ok"
    assert price_line(mine, [cheap, cheap, near]).level == "warn"
    assert "3 others" in price_line(mine, [cheap, cheap, near]).told


def test_an_hours_price_is_that_of_a_core_and_a_gib() -> None:
    rates = rates_of_prices(dict(PRICES.values()))
    assert (
        abs(hourly(rates) - 7 * 10**16) < 10**12
    )  # 0.05 + 0.01 + 0.01 tokens, rounded down a unit


@pytest.mark.parametrize("text", ["", "x", "-1", "NaN", "inf", "1e30"])
def test_what_is_no_price_is_refused(text: str) -> None:
    with pytest.raises(Exception, match="not a number from 0"):
        price_of("hour", text)

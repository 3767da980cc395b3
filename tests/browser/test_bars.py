"""Spending as it is drawn: along time and by name, whatever there is of it."""

from __future__ import annotations

import time
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.looks import SHOTS, SIZES, faults_in_each_look
from tests.browser.people import Person

PHONE_PX = SIZES["phone"][0]
DAY_S = 24 * 3600
MOST = 2**72 - 1  # base units; a deposit is no larger
MANY = [
    (day * DAY_S, f"job {day % 12}" + " with a name that goes on" * (day % 2), (day + 1) * 10**18)
    for day in range(90)
]
SPENT = {
    "nothing": [(0, "idle", 0)],
    "one": [(0, "burn", 15 * 10**17)],
    "tiny": [(0, "burn", 1)],
    "huge": [(0, "burn", MOST), (DAY_S, "rest", 1)],
    "many": MANY,
}


def _report(now: float, ago_s: int, name: str, earned: int) -> dict[str, Any]:
    """As GET /v1/spending has it."""
    number = f"{abs(hash(name)) % 16**8:08x}"
    return {
        "job_id": f"0x{number * 8}",
        "name": name,
        "attempt": 1,
        "consumer": f"0x{'11' * 20}",
        "provider": f"0x{number * 5}",
        "at": int(now) - ago_s,
        "block": 7,
        "tx_hash": f"0x{ago_s:064x}",
        "earned": str(earned),
        "usage": {"cpu_ms": 1, "memory_mib_s": 1, "egress_kib": 0, "wall_s": 1},
    }


def _shown(person: Person, spent: list[tuple[int, str, int]]) -> Page:
    """The page of somebody who has spent this in the last 90 days."""
    now = time.time()
    items = [_report(now, *one) for one in spent]
    person.page.route(
        "**/v1/spending?*",
        lambda route: route.fulfill(
            json={"items": items, "next": None},
            headers={
                "access-control-allow-origin": person.site,
                "access-control-allow-credentials": "true",
            },
        ),
    )
    page = person.open("/usage")
    person.connect()
    page.get_by_label("Range").select_option("90 days")
    expect(page.locator(".uplot canvas")).to_be_visible()
    return page


@pytest.mark.parametrize("what", SPENT)
def test_any_spending_is_drawn_in_each_look(person: Person, what: str) -> None:
    page = _shown(person, SPENT[what])
    assert faults_in_each_look(page, f"usage-{what}") == {}
    page.unroute_all()


def test_an_amount_is_told_exactly_under_the_pointer_and_by_the_arrow_keys(person: Person) -> None:
    page = _shown(person, MANY)
    chart = page.get_by_role("slider", name="Over time: tokens")
    chosen = page.locator("[data-chosen]")
    box = chart.locator(".u-over").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] - 3, box["y"] + 100)
    expect(chosen).to_contain_text("1 tokens")
    page.mouse.move(0, 0)
    expect(chosen).to_have_count(0)
    page.get_by_role("button", name="Download as CSV").focus()
    page.keyboard.press("Tab")
    expect(chart).to_be_focused()
    expect(chosen).to_contain_text("1 tokens")
    page.keyboard.press("ArrowLeft")
    expect(chosen).to_contain_text("2 tokens")
    expect(chart).to_have_attribute("aria-valuenow", "88")
    page.set_viewport_size({"width": PHONE_PX, "height": 844})
    for key, amount in (("Home", "90 tokens"), ("End", "1 tokens")):
        page.keyboard.press(key)
        expect(chosen).to_contain_text(amount)
        page.screenshot(path=SHOTS / f"usage-chosen-{key.lower()}.png")
        told = chosen.bounding_box()
        assert told is not None
        assert told["x"] >= 0
        assert told["x"] + told["width"] <= PHONE_PX
    page.keyboard.press("Tab")
    expect(chosen).to_have_count(0)
    page.unroute_all()


def test_the_largest_come_by_name_and_the_rest_together(person: Person) -> None:
    page = _shown(person, MANY)
    rows = page.get_by_role("list").filter(has_text="others").first.get_by_role("listitem")
    expect(rows).to_have_count(10)
    expect(rows.last).to_contain_text("3 others")
    amounts = [float(each) for each in rows.locator("[data-fact=amount]").all_inner_texts()]
    assert sum(amounts) == sum(range(1, 91))
    assert amounts[:-1] == sorted(amounts[:-1], reverse=True)
    page.unroute_all()

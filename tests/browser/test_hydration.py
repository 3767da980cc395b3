"""A page comes in parts, any of which may be the last: what the server drew is taken over, and never drawn anew."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Page, Route, expect

LATE_S = 1.0  # by then the rest of the page waits for it, also on a busy machine


def _late(route: Route) -> None:
    time.sleep(LATE_S)
    route.continue_()


@pytest.mark.parametrize("path", ["/", "/nowhere"])
def test_whichever_script_is_late_the_page_stays_as_it_was_served(
    page: Page, site: str, path: str
) -> None:
    """A page that is drawn anew says so as an error, and none may have one."""
    asked: dict[str, None] = {}  # in order
    page.on(
        "request",
        lambda one: asked.setdefault(one.url) if one.resource_type == "script" else None,
    )
    page.goto(site + path, wait_until="load")
    scripts = list(asked)
    assert any("/app/error-" in script for script in scripts)  # what the layout alone waits for
    for number, script in enumerate(scripts):
        theme = ("dark", "light")[number % 2]
        page.evaluate("(theme) => localStorage.setItem('theme', theme)", theme)
        page.route(script, _late)
        page.goto(site + path)
        expect(page.get_by_label("Colours")).to_have_value(theme)  # read once it is taken over
        page.unroute(script)

"""A page comes in parts, any of which may be late: what the server drew is taken over, and never drawn anew.

A page that is drawn anew says so as an error, and none may have one. It is when a script comes between two of React's
slices of work that it can go wrong, so that here is time between them.
"""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Page, Route, expect

TAKEN_OVER = "dark"  # a theme that was chosen is read then
IN_SLICES = f"""{{
  localStorage.setItem('theme', '{TAKEN_OVER}');
  const post = MessagePort.prototype.postMessage;
  MessagePort.prototype.postMessage = function (...what) {{ setTimeout(() => post.apply(this, what), 100) }};
}}"""


def _loaded(page: Page, url: str, script: str, late_s: float) -> None:
    """With one of its scripts late."""

    def late(route: Route) -> None:
        time.sleep(late_s)
        route.continue_()

    page.route(script, late)
    page.goto(url)
    expect(page.get_by_label("Colours")).to_have_value(TAKEN_OVER)
    page.unroute(script)


def test_whichever_script_is_late_the_page_stays_as_it_was_served(page: Page, site: str) -> None:
    asked: dict[str, None] = {}  # in order
    page.on(
        "request",
        lambda one: asked.setdefault(one.url) if one.resource_type == "script" else None,
    )
    page.add_init_script(IN_SLICES)
    page.goto(site)
    assert len(asked) > 5
    for script in list(asked):
        _loaded(page, site, script, 0.6)


@pytest.mark.parametrize("path", ["/", "/nowhere"])
def test_a_page_does_not_wait_for_what_shows_its_faults(page: Page, site: str, path: str) -> None:
    """The error boundary's script is asked for by the layout, and waited for in the midst of taking over."""
    page.add_init_script(IN_SLICES)
    with page.expect_request("**/app/error-*.js"):
        page.goto(site + path)
    for tenths in range(15):
        _loaded(page, site + path, "**/app/error-*.js", tenths / 10)

"""By the keyboard alone; where one is can be seen all the way."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.browser.jobs import Running
from tests.browser.people import Person
from tests.browser.wallet import NAME

MOST_STOPS = 40
SEEN = """(element) => {
  const {outlineStyle, outlineWidth} = getComputedStyle(element);
  return element.matches(':focus-visible') && outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2;
}"""


def test_a_deployment_is_reached_and_its_dialog_left_by_the_keyboard(
    owner: Person, chatty: Running
) -> None:
    page = owner.open("/")
    keys = page.keyboard
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    keys.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    _to(page, page.get_by_label("Colours"))
    keys.type("Dark")
    expect(page.locator("html[data-theme=dark]")).to_be_attached()
    _to(page, page.get_by_role("button", name="Connect a wallet"))
    keys.press("Enter")
    wallet = page.get_by_role("dialog").get_by_role("button", name=NAME)
    _to(page, wallet)
    owner.wallet.confirm("Connect", lambda: keys.press("Enter"))
    expect(owner.wallet_button()).to_be_focused()
    _to(page, page.get_by_role("link", name="My deployments"), "Shift+Tab")
    keys.press("Enter")
    row = page.get_by_role("link", name="chatty")
    expect(row).to_be_visible()
    _to(page, row)
    keys.press("Enter")
    page.wait_for_url(f"**{chatty.path}")
    _goes_through_the_tabs(page)
    cancel = page.get_by_role("button", name="Cancel the job")
    _to(page, cancel, "Shift+Tab")
    keys.press("Enter")
    dialog = page.get_by_role("dialog")
    _to(page, dialog.get_by_role("button", name="Cancel the job"))
    keys.press("Escape")
    expect(dialog).to_be_hidden()
    expect(cancel).to_be_focused()
    assert owner.market.state(chatty.job_id) == "Running"


def _goes_through_the_tabs(page: Page) -> None:
    """Arrows turn them, as in any list of tabs."""
    overview = page.get_by_role("tab", name="Overview")
    expect(overview).to_be_visible()
    _to(page, overview)
    for name in ("Logs", "Build", "Charts", "Results"):
        page.keyboard.press("ArrowRight")
        tab = page.get_by_role("tab", name=name)
        expect(tab).to_be_focused()
        expect(tab).to_have_attribute("aria-selected", "true")
        assert tab.evaluate(SEEN), name
    page.keyboard.press("Home")
    expect(overview).to_be_focused()


def _to(page: Page, wanted: Locator, key: str = "Tab") -> None:
    """Step until it has the focus; each stop on the way is marked."""
    for _ in range(MOST_STOPS):
        page.keyboard.press(key)
        stop = page.locator(":focus")
        if stop.count():
            assert stop.evaluate(SEEN), stop.evaluate("(element) => element.outerHTML")[:300]
        if wanted.evaluate("(element) => element === document.activeElement"):
            return
    raise AssertionError(f"{wanted} is not reached")

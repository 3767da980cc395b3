"""Each page as it is served: for everybody to use, small, under a strict policy. Its pictures are kept."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.jobs import Running
from tests.browser.looks import faults_in_each_look
from tests.browser.people import Person
from tests.browser.weight import MOST, Scripts

PATHS = ("/", "/post", "/deployments", "/usage", "/provider", "/juror", "deployment")


def _path(path: str, chatty: Running) -> str:
    return chatty.path if path == "deployment" else path


def _settled(page: Page) -> None:
    """Headed, and no longer loading."""
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_text("Loading…")).to_have_count(0)


@pytest.mark.parametrize("path", PATHS)
def test_axe_finds_nothing_serious_at_any_size_or_colour(
    owner: Person, chatty: Running, path: str
) -> None:
    page = owner.open(_path(path, chatty))
    owner.connect()
    _settled(page)
    name = path.strip("/") or "market"
    assert faults_in_each_look(page, name) == {}


@pytest.mark.parametrize("tab", ["Logs", "Build", "Charts", "Results"])
def test_axe_finds_nothing_serious_in_a_deployments_tabs(
    owner: Person, chatty: Running, tab: str
) -> None:
    page = owner.open(chatty.path)
    owner.connect()
    page.get_by_role("tab", name=tab).click()
    if tab in ("Logs", "Build"):
        owner.sign_in()
    page.wait_for_timeout(1500)  # for charts to have points
    assert faults_in_each_look(page, f"deployment-{tab.lower()}") == {}


@pytest.mark.parametrize("path", PATHS)
def test_a_page_loads_less_than_250_kb_of_script_under_a_policy_that_allows_no_others(
    owner: Person, chatty: Running, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    page = owner.page
    scripts = Scripts(page)
    answer = page.goto(owner.site + _path(path, chatty))
    assert answer is not None
    _settled(page)
    size = scripts.bytes()
    with capsys.disabled():
        print(f"\n{path}: {len(scripts.urls)} scripts, {size} bytes compressed")
    assert size < MOST
    policy = answer.headers["content-security-policy"]
    directives = dict(part.strip().partition(" ")[::2] for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert "'unsafe" not in directives["script-src"]
    assert (
        directives["object-src"]
        == directives["base-uri"]
        == directives["frame-ancestors"]
        == "'none'"
    )

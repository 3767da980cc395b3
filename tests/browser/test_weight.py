"""How much script a page loads from its opening until all that it has to show is shown."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from eth_account import Account
from playwright.sync_api import Page, expect

from chain.ganache import funded_accounts
from tests.browser.jobs import Running
from tests.browser.people import Person, an_agent, holder, send
from tests.browser.weight import MOST, Scripts
from tests.e2e.market import TestMarket

BOND = 10**18  # base units, for a dispute
FEE = 10**15  # wei, for its juror


Show = Callable[[Page], None]
Holds = Callable[[Person, str, Show], None]


@pytest.fixture
def holds(capsys: pytest.CaptureFixture[str]) -> Holds:
    """Opens a page for somebody whose wallet it knows, shows all of it, and weighs its scripts."""

    def weighed(who: Person, path: str, show: Show) -> None:
        who.open(path)
        who.connect()
        page = who.page.context.new_page()
        scripts = Scripts(page)
        page.goto(who.site + path)
        show(page)
        expect(page.get_by_text("Loading…")).to_have_count(0)
        size = scripts.bytes()
        with capsys.disabled():
            told = f"{len(scripts.urls)} scripts, {size} bytes compressed"
            print(f"\n{path[:26]}{path[80:]}, with all that it shows: {told}")
        assert size < MOST

    return weighed


def _charts(page: Page) -> None:
    expect(page.locator(".uplot canvas").first).to_be_visible(timeout=30_000)


def test_offers_are_light(holds: Holds, owner: Person) -> None:
    def show(page: Page) -> None:
        expect(page.get_by_text("1 of 1 provider").first).to_be_visible()

    holds(owner, "/", show)


def test_what_was_spent_is_light(holds: Holds, owner: Person, chatty: Running) -> None:
    holds(owner, "/usage", _charts)


def test_what_was_earned_is_light(holds: Holds, person: Person, left: Running) -> None:
    def show(page: Page) -> None:
        expect(page.get_by_text("takes jobs")).to_be_visible()
        expect(page.get_by_role("link", name="leaves")).to_be_visible()
        _charts(page)

    holds(an_agent(person), "/provider", show)


def test_a_deployment_is_light_with_its_charts(
    holds: Holds, owner: Person, chatty: Running
) -> None:
    holds(owner, f"{chatty.path}?tab=charts", _charts)


def test_a_deployment_is_light_with_its_log(holds: Holds, owner: Person, chatty: Running) -> None:
    def show(page: Page) -> None:
        sign_in = page.get_by_role("button", name="Sign in", exact=True)
        owner.wallet.confirm("Sign in", sign_in.click)
        expect(page.get_by_role("log")).to_contain_text("at 1")

    holds(owner, f"{chatty.path}?tab=logs", show)


def test_a_deployment_is_light_with_its_files(holds: Holds, owner: Person, left: Running) -> None:
    def show(page: Page) -> None:
        page.get_by_role("button", name="Fetch and check").click()
        expect(page.locator("[data-file]").first).to_be_visible()

    holds(owner, f"{left.path}?tab=results", show)


def test_a_case_is_light_with_its_evidence(holds: Holds, person: Person, disputed: Running) -> None:
    _brought(person.market, disputed)
    market, site, wallet = person.market, person.site, person.wallet
    juror = holder(market, site, wallet, person.page, funded_accounts()[0])

    def show(page: Page) -> None:
        card = page.locator("[data-case]").filter(has_text=disputed.job_id[:8])
        card.get_by_text("Evidence", exact=True).click()
        expect(card.locator("[data-document] pre").first).to_be_visible()

    holds(juror, "/juror", show)


@pytest.mark.parametrize("event", ["JobPosted", "UsageReported"])
def test_a_transaction_is_light(holds: Holds, owner: Person, chatty: Running, event: str) -> None:
    of_it = next(one for one in owner.market.events(chatty.job_id) if one["event"] == event)
    path = f"/tx/0x{of_it['transactionHash'].hex().removeprefix('0x')}"
    item = f"li[data-event={event}]"
    holds(owner, path, lambda page: expect(page.locator(item).first).to_be_visible())


def _brought(market: TestMarket, job: Running) -> None:
    """There is a case over this job; its bundle is evidence enough."""
    events = market.events(job.job_id)
    if any(one["event"] == "JobDisputed" for one in events):
        return
    posted = next(one["args"] for one in events if one["event"] == "JobPosted")
    claimed = next(one["args"] for one in events if one["event"] == "JobClaimed")
    market.until("it has reported", lambda: "UsageReported" in market.names(job.job_id))
    account = Account.from_key(job.consumer.key)
    send(market, account, market.token.functions.approve(market.escrow.address, BOND))
    terms, evidence = posted["terms"], f"/ipfs/{posted['terms']['cid']}"
    call = market.escrow.functions.dispute(terms, 1, claimed["provider"], evidence)
    send(market, account, call, value=FEE)

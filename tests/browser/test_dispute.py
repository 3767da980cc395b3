"""A run is disputed by its consumer, judged by a juror in a browser of their own, and parted as ruled."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from eth_account import Account
from playwright.sync_api import Page, Playwright, expect

from chain.ganache import funded_accounts
from tests.browser.jobs import HOSTILE, Running
from tests.browser.people import Person, holder
from tests.browser.test_strangers import is_unharmed
from tests.browser.wallet import Wallet, a_wallet
from tests.e2e.market import TestMarket


@dataclass
class Case:
    """What the tests below hand on to each other."""

    job_id: str = ""
    judged_at: float = 0.0


@pytest.fixture(scope="module")
def case() -> Case:
    return Case()


@pytest.fixture(scope="module")
def second_browser(
    playwright: Playwright, wallet_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Wallet]:
    """Another person's browser."""
    with a_wallet(playwright, tmp_path_factory.mktemp("second"), wallet_folder) as running:
        yield running


@pytest.fixture
def juror(market: TestMarket, site: str, second_browser: Wallet) -> Iterator[Person]:
    """The juror that `draas up` stakes for: the chain's first account."""
    page = second_browser.context.new_page()
    yield holder(market, site, second_browser, page, funded_accounts()[0])
    page.close()


@pytest.fixture
def plaintiff(
    market: TestMarket, site: str, wallet: Wallet, page: Page, disputed: Running
) -> Person:
    return holder(market, site, wallet, page, Account.from_key(disputed.consumer.key))


def test_a_consumer_disputes_a_run_with_evidence(
    plaintiff: Person, disputed: Running, case: Case
) -> None:
    page = plaintiff.open(disputed.path)
    plaintiff.connect()
    expect(page.locator("li[data-event=UsageReported]").first).to_be_visible()
    page.get_by_role("button", name="Dispute this run").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("What is wrong?").fill(f"It prints {HOSTILE}")
    plaintiff.wallet.refuse("Send", dialog.get_by_role("button", name="Dispute this run").click)
    expect(dialog.get_by_role("alert")).to_contain_text("You said no in the wallet.")
    plaintiff.wallet.confirm("Send", dialog.get_by_role("button", name="Dispute this run").click)
    plaintiff.wallet.confirm("Send", lambda: None)  # the bond is allowed; now the dispute itself
    expect(page.locator("li[data-event=JobDisputed]")).to_be_visible()
    assert plaintiff.market.state(disputed.job_id) == "Disputed"
    plaintiff.reload()
    evidence = page.locator("[data-document]")  # and, soon after, what its provider answers
    expect(evidence.first).to_contain_text(HOSTILE)
    assert is_unharmed(page)
    case.job_id = disputed.job_id


def test_a_juror_reads_the_evidence_commits_and_reveals(juror: Person, case: Case) -> None:
    assert case.job_id, "there is no dispute"
    page = juror.open("/juror")
    juror.connect()
    card = page.locator("[data-case]").filter(has_text=case.job_id[:8])
    draw = card.get_by_role("button", name="Draw jurors")
    expect(draw.or_(card.get_by_role("button", name="Commit"))).to_be_enabled(timeout=30_000)
    if draw.is_visible():
        juror.wallet.confirm("Send", draw.click)
    expect(card.get_by_role("button", name="Commit")).to_be_visible(timeout=30_000)
    card.get_by_text("Evidence", exact=True).click()
    expect(card).to_contain_text(HOSTILE)
    assert is_unharmed(page)
    juror.reload()
    card.get_by_label("Share for the provider (%)").fill("25")
    commit = card.get_by_role("button", name="Commit")
    juror.wallet.refuse("Send", commit.click)
    expect(card.get_by_role("alert")).to_contain_text("You said no in the wallet.")
    with page.expect_download() as saved:
        juror.reload()
        card.get_by_label("Share for the provider (%)").fill("25")
        juror.wallet.confirm("Send", commit.click)
    assert saved.value.suggested_filename.endswith(".json")
    reveal = card.get_by_role("button", name="Reveal")
    expect(reveal).to_be_visible(timeout=30_000)
    juror.reload()
    juror.wallet.confirm("Send", reveal.click)
    count = card.get_by_role("button", name="Count the votes")
    expect(count).to_be_visible(timeout=30_000)
    juror.wallet.confirm("Send", count.click)
    expect(card).to_have_attribute("data-phase", "Appealable", timeout=30_000)
    case.judged_at = time.time()


def test_the_ruling_parts_what_was_frozen(
    juror: Person, plaintiff: Person, disputed: Running, case: Case
) -> None:
    assert case.judged_at, "nobody has judged"
    page = juror.open("/juror")
    juror.connect()
    card = page.locator("[data-case]").filter(has_text=case.job_id[:8])
    execute = card.get_by_role("button", name="Carry out the ruling")
    done = page.locator("[data-phase=Executed]")
    expect(execute.or_(done).first).to_be_visible(timeout=90_000)  # a minute to appeal
    if execute.is_visible():
        juror.wallet.confirm("Send", execute.click)
    consumers = plaintiff.open(disputed.path)
    expect(consumers.get_by_text("25 % for the provider.")).to_be_visible(timeout=30_000)
    (ruled,) = juror.market.escrow.events.DisputeRuled().get_logs(from_block=0)
    assert ruled["args"]["share"] == 2500

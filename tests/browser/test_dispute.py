"""A run is disputed by its consumer, judged by a juror in a browser of their own, appealed, and parted as ruled."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_account import Account
from eth_utils.abi import event_abi_to_log_topic
from playwright.sync_api import Locator, Page, Playwright, Route, expect
from web3 import Web3

from chain.ganache import funded_accounts
from chain.meta_evidence import DOCUMENT
from tests.browser.jobs import HOSTILE, Running
from tests.browser.looks import faults_in_each_look
from tests.browser.people import REJECTED, Person, empty_page, holder
from tests.browser.slow import reloads_before_its_block
from tests.browser.test_strangers import is_unharmed
from tests.browser.wallet import Wallet, a_wallet
from tests.e2e.market import TestMarket

BOND = 10**18  # in base units, as `draas up` has it
FEE = 10**15  # wei, for each juror
FIRST, SECOND = 2500, 3000  # what is voted, in basis points for the provider


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
    with empty_page(second_browser, site) as page:
        yield holder(market, site, second_browser, page, funded_accounts()[0])


@pytest.fixture
def plaintiff(
    market: TestMarket, site: str, wallet: Wallet, page: Page, disputed: Running
) -> Person:
    return holder(market, site, wallet, page, Account.from_key(disputed.consumer.key))


def _case(person: Person, disputed: Running) -> Locator:
    """The case's card on the page of the court."""
    person.open("/juror")
    person.connect()
    return person.page.locator("[data-case]").filter(has_text=disputed.job_id[:8])


def _is(card: Locator, phase: str) -> None:
    expect(card).to_have_attribute("data-phase", phase, timeout=30_000)


def _draws(juror: Person, card: Locator) -> None:
    """Anybody may call it, some blocks after the case came."""
    draw = card.get_by_role("button", name="Draw jurors")
    expect(draw).to_be_enabled(timeout=30_000)
    juror.wallet.confirm("Send", draw.click)
    _is(card, "Committing")


def _counts(juror: Person, card: Locator) -> None:
    count = card.get_by_role("button", name="Count the votes")
    expect(count).to_be_visible(timeout=30_000)
    juror.wallet.confirm("Send", count.click)


def _told(juror: Person, name: str) -> Locator:
    return juror.page.locator(f"[data-fact={name}]")


def test_a_consumer_disputes_a_run_with_evidence(plaintiff: Person, disputed: Running) -> None:
    page = plaintiff.open(disputed.path)
    plaintiff.connect()
    expect(page.locator("li[data-event=UsageReported]").first).to_be_visible()
    page.get_by_role("button", name="Dispute this run").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("What is wrong?").fill(f"It prints {HOSTILE}")
    sure = dialog.get_by_role("button", name="Dispute this run")
    plaintiff.wallet.refuse("Send", sure.click)
    expect(dialog.get_by_role("alert")).to_contain_text(REJECTED)
    plaintiff.wallet.confirm("Send", sure.click)  # the bond is allowed; then the dispute itself
    reloads_before_its_block(plaintiff, "Dispute", lambda: None)
    expect(page.locator("li[data-event=JobDisputed]")).to_be_visible()
    assert plaintiff.market.state(disputed.job_id) == "Disputed"
    evidence = page.locator("[data-document]")  # and, soon after, what its provider answers
    expect(evidence.first).to_contain_text(HOSTILE)
    assert is_unharmed(page)


def test_a_case_says_what_is_to_be_judged_by_the_markets_document(
    juror: Person, disputed: Running
) -> None:
    card = _case(juror, disputed)
    card.get_by_text("Evidence", exact=True).click()
    rules = card.locator("[data-rules]")
    about = json.loads(DOCUMENT.read_text())
    expect(rules.get_by_role("heading", name=about["title"])).to_be_visible()
    expect(rules).to_contain_text(about["question"])
    _names_a_hostile_document(juror)
    juror.reload()
    card.get_by_text("Evidence", exact=True).click()
    expect(rules).to_contain_text(HOSTILE)
    assert is_unharmed(juror.page)
    juror.page.unroute_all()


def _names_a_hostile_document(juror: Person) -> None:
    """The chain tells the page that the market was made with what a party has brought."""
    meta = juror.market.escrow.events.MetaEvidence
    topic = Web3.to_hex(event_abi_to_log_topic(meta.abi))
    (brought, *_) = juror.market.escrow.events.Evidence().get_logs(from_block=0)
    named = Web3.to_hex(encode(["string"], [brought["args"]["evidence"]]))

    def answered(route: Route) -> None:
        told = route.fetch()
        answers = told.json()
        for answer in answers if isinstance(answers, list) else [answers]:
            logs = answer.get("result")
            for log in logs if isinstance(logs, list) else []:
                if topic in log.get("topics", []):
                    log["data"] = named
        route.fulfill(response=told, json=answers)

    juror.page.route(str(juror.market.facts["rpc_url"]) + "**", answered)


def test_a_juror_whose_browser_keeps_no_vote_reveals_it_from_the_file(
    juror: Person, disputed: Running, tmp_path: Path
) -> None:
    page = juror.page
    card = _case(juror, disputed)
    _draws(juror, card)
    expect(_told(juror, "locked")).to_have_text("10")
    expect(page.get_by_text("0 tokens can be taken out now.")).to_be_visible()
    card.get_by_text("Evidence", exact=True).click()
    expect(card).to_contain_text(HOSTILE)
    assert is_unharmed(page)
    assert faults_in_each_look(page, "juror-case") == {}
    commit = card.get_by_role("button", name="Commit")
    share = card.get_by_label("Share for the provider (%)")
    share.fill("101")
    expect(card.get_by_text("A share is 0 to 100")).to_be_visible()
    expect(commit).to_be_disabled()
    share.fill("25")
    room = page.context.new_cdp_session(page)
    room.send("Storage.overrideQuotaForOrigin", {"origin": juror.site, "quotaSize": 1})
    with page.expect_download() as saved:
        commit.click()
    expect(card.get_by_role("alert")).to_contain_text("This browser cannot keep your vote")
    juror.wallet.refuse("Send", commit.click)
    expect(card.get_by_role("alert")).to_contain_text(REJECTED)
    juror.wallet.confirm("Send", commit.click)
    room.detach()
    reveal = card.get_by_role("button", name="Reveal")
    expect(card.get_by_text("This browser has not kept your vote.")).to_be_visible(timeout=30_000)
    juror.reload()
    expect(reveal).to_be_disabled()
    vote = tmp_path / saved.value.suggested_filename
    saved.value.save_as(vote)
    kept = json.loads(vote.read_text())
    assert kept["share"] == FIRST
    other = tmp_path / "other.json"
    other.write_text(json.dumps(kept | {"share": FIRST + 1}))
    given = card.get_by_label("The vote that you committed (the file)")
    given.set_input_files(other)
    expect(card.get_by_role("alert")).to_be_visible()
    given.set_input_files(vote)
    expect(card.get_by_text("Your vote: 25 % for the provider.")).to_be_visible()
    juror.wallet.confirm("Send", reveal.click)
    _counts(juror, card)
    _is(card, "Appealable")


def test_a_party_appeals(plaintiff: Person, disputed: Running) -> None:
    card = _case(plaintiff, disputed)
    expect(card.locator("[data-fact=ruling]")).to_have_text("25 % for the provider")
    expect(card.get_by_text("0.003 ETH")).to_be_visible()
    appeal = card.get_by_role("button", name="Appeal")
    plaintiff.wallet.refuse("Send", appeal.click)
    expect(card.get_by_role("alert")).to_contain_text(REJECTED)
    reloads_before_its_block(plaintiff, "Appeal", appeal.click)
    _is(card, "Drawing")


def test_a_vote_outlives_a_reload_and_is_revealed_in_another_tab(
    juror: Person, disputed: Running
) -> None:
    card = _case(juror, disputed)
    _draws(juror, card)
    expect(card).to_contain_text("Panel 2")
    card.get_by_label("Share for the provider (%)").fill("30")
    commit = card.get_by_role("button", name="Commit")
    reloads_before_its_block(juror, "Commit", commit.click)
    _is(card, "Revealing")
    first, juror.page = juror.page, juror.page.context.new_page()
    first.close()
    page = juror.open("/juror")
    card = page.locator("[data-case]").filter(has_text=disputed.job_id[:8])
    expect(card.get_by_text("Your vote: 30 % for the provider.")).to_be_visible()
    reveal = card.get_by_role("button", name="Reveal")
    reloads_before_its_block(juror, "Reveal", reveal.click)
    _counts(juror, card)
    execute = card.get_by_role("button", name="Carry out the ruling")  # there is no second appeal
    expect(execute).to_be_visible(timeout=30_000)
    juror.wallet.confirm("Send", execute.click)
    _is(card, "Executed")
    expect(_told(juror, "locked")).to_have_text("0")
    expect(_told(juror, "staked")).to_have_text("10")
    expect(_told(juror, "fees")).to_have_text("0.004")
    before = juror.market.w3.eth.get_balance(juror.account.address)
    juror.wallet.confirm("Send", page.get_by_role("button", name="Withdraw fees").click)
    expect(_told(juror, "fees")).to_have_text("0")
    assert before < juror.market.w3.eth.get_balance(juror.account.address) < before + 4 * FEE


def test_what_was_frozen_is_parted_to_the_unit(plaintiff: Person, disputed: Running) -> None:
    market, page = plaintiff.market, plaintiff.page
    (opened,) = _events(market, "JobDisputed", disputed.job_id)
    (ruled,) = _events(market, "DisputeRuled", disputed.job_id)
    (slashed,) = _events(market, "BondSlashed", disputed.job_id)
    frozen, told = opened["args"]["frozen"], ruled["args"]
    assert told["share"] == SECOND
    assert told["toProvider"] == frozen * SECOND // 10_000 > 0
    assert told["toConsumer"] == frozen - told["toProvider"]
    assert told["costs"] == 0  # the provider lost
    credit_of = market.escrow.functions.creditOf(plaintiff.address)
    at = ruled["blockNumber"]
    credit = credit_of.call(block_identifier=at) - credit_of.call(block_identifier=at - 1)
    assert credit == told["toConsumer"] + BOND + min(BOND, slashed["args"]["amount"])
    plaintiff.open(disputed.path)
    expect(page.get_by_text("30 % for the provider.")).to_be_visible(timeout=30_000)
    plaintiff.open("/usage")
    plaintiff.connect()
    expect(page.locator("[data-fact=credit]")).to_be_visible()
    before, credit = plaintiff.tokens(), credit_of.call()
    reloads_before_its_block(
        plaintiff, "Withdraw", page.get_by_role("button", name="Withdraw", exact=True).click
    )
    assert plaintiff.tokens() == before + credit
    expect(page.locator("[data-fact=credit]")).to_be_hidden()


def _events(market: TestMarket, name: str, job_id: str) -> list[Any]:
    return [one for one in market.events(job_id) if one["event"] == name]

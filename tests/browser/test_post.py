"""From a folder to a running job, by way of every word that a wallet can say; and its end."""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.people import ELSEWHERE, REJECTED, Person, drop_folder, with_coins
from tests.browser.slow import reloads_before_its_block
from tests.e2e.checks import GRANT
from tests.e2e.folders import a_script

TICKS = "while true; do echo tick; sleep 1; done"


def test_a_folder_is_posted_watched_and_cancelled(person: Person, tmp_path: Path) -> None:
    person.account = with_coins(person.market, tokens=False)
    person.hold()
    folder = a_script(tmp_path / "ticks", TICKS, duration="5m")
    _drops(person, folder)
    _gets_tokens(person)
    _posts(person)
    job_id = _watches(person)
    _reads_the_log(person)
    _cancels(person, job_id)
    page = person.page
    page.get_by_role("link", name="My deployments").click()
    row = page.get_by_role("row").filter(has_text="ticks")
    expect(row).to_contain_text("cancelled")
    page.reload()
    expect(row).to_contain_text("cancelled")


def _says_no(person: Person) -> None:
    told = person.page.get_by_role("alert").filter(has_text=REJECTED)
    expect(told).to_be_visible()


def _drops(person: Person, folder: Path) -> None:
    """A zip first, then the folder, and something that no manifest can say."""
    page = person.open("/post")
    drop_folder(
        page, Path(shutil.make_archive(str(folder.with_name("old")), "zip", folder, "run.sh"))
    )
    expect(page.get_by_text("1 file,")).to_be_visible()
    page.get_by_role("button", name="Choose another").click()
    (folder / ".git").mkdir()
    (folder / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    drop_folder(page, folder)
    expect(page.get_by_text("3 files")).to_be_visible()
    memory = page.get_by_label("Memory", exact=True)
    expect(memory).to_have_value("32M")
    memory.fill("a lot")
    fault = page.get_by_role("alert").filter(has_text="memory")
    expect(fault).to_be_visible()
    expect(memory).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("button", name="Sign and post")).to_be_hidden()
    page.reload()
    expect(page.get_by_text("What you had begun is still here.")).to_be_visible()
    expect(memory).to_have_value("a lot")
    expect(fault).to_be_visible()
    memory.fill("48M")
    expect(fault).to_be_hidden()
    expect(memory).not_to_have_attribute("aria-invalid", "true")


def _gets_tokens(person: Person) -> None:
    page = person.page
    expect(page.get_by_text("Connect a wallet to post.")).to_be_visible()
    person.connect()
    faucet = page.get_by_role("button", name="Get test tokens")
    person.wallet.refuse("Send", faucet.click)
    _says_no(person)
    reloads_before_its_block(person, "Faucet", faucet.click)
    expect(page.get_by_role("button", name="Sign and post")).to_be_visible()
    assert person.tokens() == GRANT


def _posts(person: Person) -> None:
    """One signature, one transaction; a no to either loses nothing, and a reload neither."""
    page, wallet = person.page, person.wallet
    submit = page.get_by_role("button", name="Sign and post")
    wallet.refuse("Sign typed data", submit.click)
    _says_no(person)
    person.reload()
    expect(page.get_by_text("What you had begun is still here.")).to_be_visible()
    expect(page.get_by_label("Memory", exact=True)).to_have_value("48M")
    told = wallet.confirm("Sign typed data", submit.click)
    assert told["Type"] == "Permit"
    wallet.refuse("Send", lambda: None)  # it asks by itself once the permit is there
    _says_no(person)
    wallet.confirm("Sign typed data", submit.click)
    wallet.confirm("Send", lambda: None)


def _watches(person: Person) -> str:
    """The job's id, once its provider is seen to be paid."""
    page = person.page
    page.wait_for_url("**/deployments/0x*")
    job_id = page.url.split("/")[-1].split("?")[0]
    timeline = page.locator("li[data-event]")
    expect(timeline.filter(has_text="Job posted")).to_be_visible()
    person.reload()
    expect(timeline.filter(has_text="Job claimed")).to_be_visible(timeout=60_000)
    assert person.market.state(job_id) == "Running"
    spent = page.locator("[data-fact=spent]")
    expect(timeline.filter(has_text="Usage reported").first).to_be_visible(timeout=30_000)
    expect(spent).not_to_have_text(spent.inner_text())
    return job_id


def _reads_the_log(person: Person) -> None:
    page = person.page
    page.get_by_role("tab", name="Logs").click()
    person.wallet.refuse("Sign in", page.get_by_role("button", name="Sign in", exact=True).click)
    _says_no(person)
    person.sign_in()
    expect(page.get_by_role("log")).to_contain_text("tick")
    person.reload()
    page.get_by_role("tab", name="Logs").click()
    expect(page.get_by_role("log")).to_contain_text("tick")  # the session is still there


def _cancels(person: Person, job_id: str) -> None:
    page = person.page
    cancel = page.get_by_role("button", name="Cancel the job")
    cancel.click()
    sure = page.get_by_role("dialog").get_by_role("button", name="Cancel the job")
    person.wallet.refuse("Send", sure.click)
    _says_no(person)
    person.reload()
    cancel.click()
    reloads_before_its_block(person, "Cancel job", sure.click)
    page.get_by_role("tab", name="Overview").click()
    refund = page.locator("li[data-event]").filter(has_text="Refunded")
    expect(refund).to_be_visible(timeout=30_000)
    moved = person.market.moved(job_id)
    assert moved["Refunded"] > 0
    assert person.tokens() == GRANT - moved["JobPosted"] + moved["Refunded"]


def test_a_wallet_on_another_network_is_switched_and_what_was_sent_is_not_sent_twice(
    person: Person, tmp_path: Path
) -> None:
    page = person.open("/post")
    drop_folder(page, a_script(tmp_path / "never", TICKS))
    person.connect()
    expect(page.get_by_role("button", name="Sign and post")).to_be_visible()
    person.hold_again(ELSEWHERE)
    switch = page.get_by_role("button", name="Switch the network")
    expect(page.get_by_text("The wallet is on another network.")).to_be_visible()
    person.reload()
    person.wallet.refuse("Switch network", switch.click)
    expect(page.get_by_role("alert").filter(has_text=REJECTED)).to_be_visible()
    person.wallet.confirm("Switch network", switch.click)
    person.wallet.confirm("Sign typed data", page.get_by_role("button", name="Sign and post").click)
    reloads_before_its_block(person, "Post job with permit", lambda: None)
    expect(page.get_by_text("This was sent to the chain before.")).to_be_visible()
    page.get_by_role("link", name="Look at it").click()
    expect(page.locator("li[data-event=JobPosted]")).to_be_visible()


def test_a_wallet_that_does_not_know_the_network_is_offered_it(
    person: Person, tmp_path: Path
) -> None:
    page = person.open("/post")
    page.get_by_label("a folder").set_input_files(a_script(tmp_path / "never", TICKS))
    person.hold(ELSEWHERE, knows_market=False)
    page.get_by_role("button", name="Connect a wallet").click()
    choose = page.get_by_role("dialog").get_by_role("button", name="DRaaS test wallet")
    person.wallet.confirm("Connect", choose.click)
    person.wallet.confirm("Add network", lambda: None)
    expect(page.get_by_role("button", name="Sign and post")).to_be_visible()

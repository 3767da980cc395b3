"""The marketplace: what a job would cost at each provider, and which of them could take it."""

from __future__ import annotations

from eth_account.signers.local import LocalAccount
from playwright.sync_api import Page, expect

from chain.job import Rates, Resources, max_cost
from tests.browser.people import send, with_coins
from tests.browser.test_strangers import providers
from tests.e2e.market import TestMarket

PER_HOUR = 10**18 // 3_600_000  # a token for an hour of a core, by the millisecond
QUICK = Rates(cpu_ms=PER_HOUR // 100, memory_mib_s=10**12, egress_kib=0, wall_s=0)
ROOMY = Rates(cpu_ms=PER_HOUR // 10, memory_mib_s=10**10, egress_kib=0, wall_s=7)


def _registered(market: TestMarket, rates: Rates) -> str:
    """A provider with these rates on the chain, once the scheduler has read them."""
    account: LocalAccount = with_coins(market, tokens=False)
    card = (rates.cpu_ms, rates.memory_mib_s, rates.egress_kib, rates.wall_s)
    send(market, account, market.escrow.functions.register(0, card))
    return account.address


def _is_order(page: Page, *addresses: str) -> None:
    """From the top."""
    boxes = page.get_by_role("checkbox", name="Compare 0x")
    for at, address in enumerate(addresses):
        expect(boxes.nth(at)).to_have_accessible_name(f"Compare {address}")


def _at_most(cost: int) -> str:
    """In tokens, rounded up to the sixth decimal."""
    millionths = -(-cost // 10**12)
    return f"{millionths // 10**6}.{millionths % 10**6:06}".rstrip("0").rstrip(".")


def test_providers_are_sorted_filtered_and_compared_for_a_job(
    market: TestMarket, site: str, page: Page
) -> None:
    quick, roomy = _registered(market, QUICK), _registered(market, ROOMY)
    with providers(market, 1, "eu-7", quick, roomy):
        page.goto(site)
        page.get_by_label("Search address, region, attribute").fill("eu-7")
        expect(page.get_by_text("3 of ")).to_be_visible()
        _is_sorted(page, quick, roomy)
        _is_compared(page, quick, roomy)
        page.get_by_label("Search address, region, attribute").fill("")
        only = page.get_by_label("Only those that could take it now")
        only.check()
        page.get_by_label("CPUs").fill("64")
        expect(
            page.get_by_text("No provider fits. Ask for less, or clear the filter.")
        ).to_be_visible()
        page.get_by_label("CPUs").fill("0.1")
        page.get_by_label("Memory (MiB)").fill("16")
        expect(page.get_by_role("checkbox", name="Compare 0x").first).to_be_visible()


def _is_sorted(page: Page, quick: str, roomy: str) -> None:
    """By what the job costs at first; who has no prices comes last, whichever way."""
    nobody = f"0x{1:040x}"
    page.get_by_label("Memory (MiB)").fill("16")
    _is_order(page, quick, roomy, nobody)
    page.get_by_label("Memory (MiB)").fill("4096")
    _is_order(page, roomy, quick, nobody)
    price = page.get_by_role("button", name="Per core-hour")
    price.click()
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("Per core-hour")
    _is_order(page, quick, roomy, nobody)
    price.click()
    expect(page.locator("th[aria-sort=descending]")).to_contain_text("Per core-hour")
    _is_order(page, roomy, quick, nobody)


def _is_compared(page: Page, quick: str, roomy: str) -> None:
    """The most that 2.5 hours of a core and 4 GiB could cost at each, to the last millionth and not below."""
    page.get_by_label("Hours").fill("2.5")
    for one in (quick, roomy):
        page.get_by_role("checkbox", name=f"Compare {one}").check()
    compared = page.get_by_role("region", name="Compared")
    heads = compared.get_by_role("columnheader")
    expect(heads).to_have_count(2)
    job = Resources(cpu_millis=1000, memory_mib=4096)
    most = {
        f"{address[:8]}…{address[-4:]}": _at_most(max_cost(job, rates, 9000))
        for address, rates in ((quick, QUICK), (roomy, ROOMY))
    }
    costs = compared.get_by_role("row", name="This job, at most").get_by_role("cell")
    expect(costs).to_have_text([most[name] for name in heads.all_text_contents()])
    page.get_by_role("button", name="Clear").click()
    expect(compared).to_have_count(0)

"""The test wallet, held against MetaMask's own test dapp."""

from __future__ import annotations

import asyncio
import http.server
import threading
from collections.abc import Iterator
from functools import partial

import pytest
from playwright.sync_api import Page, expect
from web3 import HTTPProvider, Web3

from chain.ganache import LocalChain, start_ganache
from tests.browser.threads import outside
from tests.browser.wallet import NAME, Wallet, installed
from tests.fixtures_chain import free_port

SECOND = "22" * 32


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.fixture(scope="module")
def dapp() -> Iterator[str]:
    folder = installed() / "@metamask" / "test-dapp" / "dist"
    handler = partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalChain]:
    home = tmp_path_factory.mktemp("dapp-chain")
    started = outside(lambda: asyncio.run(start_ganache(free_port(), home)))
    yield started
    started.stop_now()


@pytest.fixture(scope="module")
def opened(wallet: Wallet, dapp: str) -> Iterator[Page]:
    """The test dapp, with nobody else to talk to."""
    page = wallet.context.new_page()
    page.route(lambda url: not url.startswith(dapp), lambda route: route.abort())
    page.goto(dapp)
    expect(page.get_by_role("button", name=f"Use {NAME}")).to_be_visible()
    yield page
    page.close()


@pytest.fixture
def page(wallet: Wallet, chain: LocalChain, opened: Page) -> Page:
    """On a wallet that no site has seen yet.

    The dapp names its wallet once it has the last answer that it asks for by itself: MetaMask's provider takes an
    answer in later than the news that overtakes it, so that accounts asked for before would come back after `hold`.
    """
    expect(opened.locator("#activeProviderName")).to_have_text(NAME)
    keys = [chain.accounts[1].key.hex(), SECOND]
    wallet.hold(keys, {1337: chain.rpc_url, 1338: chain.rpc_url}, 1337)
    expect(opened.locator("#accounts")).to_be_empty()
    expect(opened.locator("#chainId")).to_have_text("0x539")
    return opened


@pytest.fixture
def connected(page: Page, wallet: Wallet) -> Page:
    wallet.confirm("Connect", page.locator("#connectButton").click)
    expect(page.locator("#accounts")).not_to_be_empty()
    return page


def _result(page: Page, button: str, result: str) -> str:
    page.locator(f"#{button}").click()
    expect(page.locator(f"#{result}")).not_to_be_empty()
    return page.locator(f"#{result}").inner_text()


def test_it_is_found_by_its_own_name_and_shows_no_account_before_a_yes(
    page: Page, wallet: Wallet, chain: LocalChain
) -> None:
    assert page.locator("#activeProviderName").inner_text() == NAME
    wallet.refuse("Connect", page.locator("#connectButton").click)
    wallet.close("Connect", page.locator("#connectButton").click)
    assert page.evaluate("ethereum.request({method: 'eth_accounts'})") == []
    wallet.confirm("Connect", page.locator("#connectButton").click)
    address = chain.accounts[1].address.lower()
    expect(page.locator("#accounts")).to_have_text(address)
    page.reload()
    expect(page.locator("#accounts")).to_have_text(address)


def test_permissions_are_listed_and_taken_back(connected: Page) -> None:
    assert _result(connected, "getPermissions", "permissionsResult") == "eth_accounts"
    connected.locator("#revokeAccountsPermission").click()
    expect(connected.locator("#accounts")).to_be_empty()
    assert connected.evaluate("ethereum.request({method: 'wallet_getPermissions'})") == []


def test_what_it_signs_is_verified_by_the_dapp(
    connected: Page, wallet: Wallet, chain: LocalChain
) -> None:
    address = chain.accounts[1].address.lower()
    told = wallet.confirm("Sign", connected.locator("#personalSign").click)
    assert told["Message"] == "Example `personal_sign` message"
    assert _result(connected, "personalSignVerify", "personalSignVerifyECRecoverResult") == address
    for kind in ("signTypedData", "signTypedDataV3", "signTypedDataV4", "signPermit"):
        wallet.confirm("Sign typed data", connected.locator(f"#{kind}").click)
        assert _result(connected, f"{kind}Verify", f"{kind}VerifyResult") == address


def test_a_refused_signature_is_code_4001(connected: Page, wallet: Wallet) -> None:
    wallet.refuse("Sign typed data", connected.locator("#signTypedDataV4").click)
    expect(connected.locator("#signTypedDataV4Result")).to_contain_text("User rejected")


def test_a_sign_in_for_another_site_or_account_is_warned_of(
    connected: Page, wallet: Wallet
) -> None:
    assert wallet.confirm("Sign in", connected.locator("#siwe").click)["warning"] == ""
    expect(connected.locator("#siweResult")).to_contain_text("0x")
    told = wallet.refuse("Sign in", connected.locator("#siweBadDomain").click)
    assert "metamask.badactor.io" in told["warning"]
    told = wallet.refuse("Sign in", connected.locator("#siweBadAccount").click)
    assert "another account" in told["warning"]


def test_it_deploys_calls_and_pays(connected: Page, wallet: Wallet, chain: LocalChain) -> None:
    status = connected.locator("#contractStatus")
    wallet.confirm("Send", connected.locator("#deployButton").click)
    expect(status).to_have_text("Deployed")
    wallet.confirm("Send", connected.locator("#depositButton").click)
    expect(status).to_have_text("Deposit completed")
    w3 = Web3(HTTPProvider(chain.rpc_url))
    before = w3.eth.get_transaction_count(chain.accounts[1].address)
    told = wallet.confirm("Send", connected.locator("#sendEIP1559Button").click)
    paid = Web3.to_checksum_address(told["to"])
    connected.wait_for_function(
        "([to, worth]) => ethereum.request({method: 'eth_getBalance', params: [to, 'latest']})"
        ".then((has) => BigInt(has) >= BigInt(worth))",
        arg=[paid, told["value"]],
    )
    assert w3.eth.get_transaction_count(chain.accounts[1].address) == before + 1


def test_it_watches_a_token(connected: Page, wallet: Wallet) -> None:
    wallet.confirm("Send", connected.locator("#createToken").click)
    expect(connected.locator("#erc20TokenAddresses")).to_contain_text("0x")
    told = wallet.confirm("Watch asset", connected.locator("#watchAssets").click)
    assert told["Address"].lower() in connected.locator("#erc20TokenAddresses").inner_text().lower()


def test_it_switches_to_networks_it_knows_and_adds_those_it_does_not(
    connected: Page, wallet: Wallet, chain: LocalChain
) -> None:
    ask = "([method, params]) => ethereum.request({method, params}).catch((error) => error.code)"

    def asked(method: str, **params: object) -> None:
        connected.evaluate(f"(given) => {{ window.answer = ({ask})(given) }}", [method, [params]])

    wallet.confirm("Switch network", lambda: asked("wallet_switchEthereumChain", chainId="0x53a"))
    expect(connected.locator("#chainId")).to_have_text("0x53a")
    wallet.refuse("Switch network", lambda: asked("wallet_switchEthereumChain", chainId="0x539"))
    assert connected.evaluate("window.answer") == 4001
    asked("wallet_switchEthereumChain", chainId="0x1234")
    assert connected.evaluate("window.answer") == 4902
    new = {"chainId": "0x1234", "chainName": "New", "rpcUrls": [chain.rpc_url]}
    wallet.confirm("Add network", lambda: asked("wallet_addEthereumChain", **new))
    expect(connected.locator("#chainId")).to_have_text("0x1234")
    asked("wallet_addEthereumChain", **new | {"chainId": "0x1235", "rpcUrls": ["http://a.example"]})
    assert connected.evaluate("window.answer") == -32602


def test_a_question_that_is_open_is_not_asked_twice(page: Page, wallet: Wallet) -> None:
    again = "() => ethereum.request({method: 'eth_requestAccounts'}).catch((error) => error.code)"

    def twice() -> None:
        page.locator("#connectButton").click()
        assert page.evaluate(again) == -32002

    wallet.confirm("Connect", twice)

"""Somebody with a browser: a key in the wallet, coins on the chain, and a page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from eth_account import Account
from eth_account.signers.local import LocalAccount
from playwright.sync_api import Locator, Page, expect
from web3 import Web3

from tests.browser.wallet import NAME, Wallet
from tests.e2e.market import TestMarket

NOWHERE = "http://127.0.0.1:9"  # where no node listens
REJECTED = "You said no in the wallet. Nothing was sent"
ELSEWHERE = 1


@dataclass
class Person:
    """What a journey needs."""

    market: TestMarket
    site: str
    wallet: Wallet
    account: LocalAccount
    page: Page

    @property
    def address(self) -> str:
        """Of the account that the wallet shows first."""
        return self.account.address

    def hold(self, chain_id: int | None = None, knows_market: bool = True) -> None:
        """Give the wallet this person's key; it may be on another network, and not know this one."""
        here = self.market.w3.eth.chain_id
        networks = {ELSEWHERE: NOWHERE}
        if knows_market:
            networks[here] = str(self.market.facts["rpc_url"])
        self.wallet.hold([self.account.key.hex()], networks, chain_id or here)

    def hold_again(self, chain_id: int, node: str = "") -> None:
        """The wallet changes to another network, or node, by itself; sites go on seeing its account."""
        networks = {
            ELSEWHERE: NOWHERE,
            self.market.w3.eth.chain_id: node or str(self.market.facts["rpc_url"]),
        }
        self.wallet.hold([self.account.key.hex()], networks, chain_id, forget=False)

    def open(self, path: str) -> Page:
        """Go to a page of the market."""
        self.page.goto(self.site + path)
        return self.page

    def connect(self) -> None:
        """Choose the test wallet and say yes."""
        self.wallet.confirm("Connect", self.choosing())
        expect(self.wallet_button()).to_be_visible()

    def choosing(self) -> Any:
        """What makes the wallet ask."""
        self.page.get_by_role("button", name="Connect a wallet").click()
        return self.page.get_by_role("dialog").get_by_role("button", name=NAME).click

    def wallet_button(self) -> Locator:
        """It shows the address, shortened, once connected."""
        return self.page.get_by_role(
            "button", name=f"{self.address[:8]}…{self.address[-4:]}", exact=True
        )

    def tokens(self) -> int:
        """What this person holds, in base units."""
        return self.market.balance(self.address)

    def reload(self) -> None:
        """Load the page anew; the wallet is still connected."""
        self.page.reload()
        expect(self.wallet_button()).to_be_visible()

    def sign_in(self) -> None:
        """To the scheduler, from a page that asks for it."""
        told = self.wallet.confirm(
            "Sign in", self.page.get_by_role("button", name="Sign in", exact=True).click
        )
        assert told["warning"] == ""


@contextmanager
def empty_page(wallet: Wallet, site: str) -> Iterator[Page]:
    """A page of a browser that remembers nothing. On no page may a script fail or a policy be broken."""
    wallet.context.clear_cookies()
    faults: list[str] = []

    def watch(page: Page) -> None:
        page.on("pageerror", lambda error: faults.append(f"{page.url}: {error}"))
        page.on(
            "console",
            lambda told: (
                faults.append(told.text) if "Content Security Policy" in told.text else None
            ),
        )

    wallet.context.on("page", watch)
    opened = wallet.context.new_page()
    wallet.context.new_cdp_session(opened).send(
        "Storage.clearDataForOrigin", {"origin": site, "storageTypes": "all"}
    )
    try:
        yield opened
    finally:
        wallet.context.remove_listener("page", watch)
        for left in wallet.context.pages[1:]:
            left.close()
    assert faults == [], faults


def holder(
    market: TestMarket, site: str, wallet: Wallet, page: Page, account: LocalAccount
) -> Person:
    """Whoever has this account, with the wallet on the market's chain."""
    somebody = Person(market, site, wallet, account, page)
    somebody.hold()
    return somebody


def an_agent(person: Person) -> Person:
    """The market's own provider, whose agent runs, with this person's browser."""
    home = person.market.home / "local" / "agent-1"
    key = Account.decrypt((home / "keystore.json").read_text(), (home / "password").read_text())
    account = Account.from_key(key)
    return holder(person.market, person.site, person.wallet, person.page, account)


def with_coins(market: TestMarket, tokens: bool = True) -> LocalAccount:
    """A new account with coins for gas, and what the faucet gives."""
    account: LocalAccount = Account.create()
    rich = list(market.w3.eth.accounts)[9]
    value = Web3.to_wei(5, "ether")
    market.mined(
        market.w3.eth.send_transaction({"from": rich, "to": account.address, "value": value})
    )
    if tokens:
        send(market, account, market.token.functions.faucet())
    return account


def send(market: TestMarket, account: LocalAccount, call: Any, value: int = 0) -> Any:
    """A transaction of this account's, by the key itself; its receipt."""
    w3 = market.w3
    nonce = w3.eth.get_transaction_count(account.address)
    built = call.build_transaction({"from": account.address, "nonce": nonce, "value": value})
    return market.mined(
        w3.eth.send_raw_transaction(account.sign_transaction(built).raw_transaction)
    )


def drop_folder(page: Page, path: Path) -> None:
    """A folder, or a zip of one, from the file manager: let go over the place that takes it."""
    place = page.get_by_text("Drop a folder, a zip file or a Git checkout here")
    box = place.bounding_box()
    assert box is not None
    browser = page.context.new_cdp_session(page)
    held = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    at = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    for kind in ("dragEnter", "dragOver", "drop"):
        browser.send("Input.dispatchDragEvent", {"type": kind, "data": held, **at})
    browser.detach()


def saved_by(page: Page, button: Locator) -> bytes:
    """The file that a button downloads."""
    with page.expect_download() as saved:
        button.click()
    return Path(saved.value.path()).read_bytes()


def printed(person: Person, job_id: str) -> bytes:
    """What a job has printed so far, told to this page's session by the scheduler; as the page's file has it."""
    port = urlsplit(person.market.url).port
    # The session is of the pages' host.
    asked = f"http://localhost:{port}/v1/deployments/{job_id}/logs?follow=false"
    told = person.page.context.request.get(asked).text()
    lines = []
    for found in re.finditer(r"^event: log\ndata: (.*)$|^data: (.*)\nevent: log$", told, re.M):
        line = json.loads(found[1] or found[2])
        at = datetime.fromtimestamp(line["at_ms"] / 1000, UTC).isoformat(timespec="milliseconds")
        start = f"{at.removesuffix('+00:00')}Z run {line['attempt']} {line['stream']} "
        lines.append(f"{start}{line['text']}\n")
    assert lines, told[:500]
    return "".join(lines).encode()

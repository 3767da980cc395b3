"""`draas up` with the market's pages: they are served, they know where the market is, and it takes them for its own."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx
from eth_account import Account

from tests.e2e.market import TestMarket
from tests.e2e.signin import sign_in_from


def url_of(market: TestMarket) -> str:
    return str(market.facts["frontend_url"])


def test_the_pages_are_told_where_the_market_is(market: TestMarket) -> None:
    answer = httpx.get(url_of(market), trust_env=False)
    assert answer.status_code == 200
    assert market.facts["escrow"].lower() in answer.text.lower()
    policy = answer.headers["content-security-policy"]
    scheduler = f"http://localhost:{urlsplit(market.url).port}"
    for place in (scheduler, market.facts["rpc_url"]):
        assert place in policy
    assert "default-src 'none'" in policy


def test_the_chain_and_the_scheduler_answer_the_pages(market: TestMarket) -> None:
    origin = {"Origin": url_of(market)}
    preflight = origin | {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    asked = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}
    chain = httpx.post(market.facts["rpc_url"], json=asked, headers=origin, trust_env=False)
    assert chain.headers["access-control-allow-origin"] in ("*", url_of(market))
    for place in (market.facts["rpc_url"], f"{market.url}/v1/session"):
        allowed = httpx.options(place, headers=preflight, trust_env=False)
        assert allowed.is_success
        assert allowed.headers["access-control-allow-origin"] in ("*", url_of(market))
    ours = httpx.get(f"{market.url}/v1/market", headers=origin, trust_env=False)
    assert ours.headers["access-control-allow-origin"] == url_of(market)
    elsewhere = {"Origin": "http://evil.example"}
    other = httpx.get(f"{market.url}/v1/market", headers=elsewhere, trust_env=False)
    assert "access-control-allow-origin" not in other.headers


def test_one_signs_in_from_the_pages_and_the_cookie_is_of_their_site(market: TestMarket) -> None:
    account = Account.create()
    scheduler = f"http://localhost:{urlsplit(market.url).port}"
    answer = sign_in_from(scheduler, url_of(market), account.key.hex())
    assert answer.status_code == 201, answer.text
    cookie = answer.headers["set-cookie"]
    assert "samesite=strict" in cookie.lower()
    assert urlsplit(url_of(market)).hostname == urlsplit(scheduler).hostname
    shown = {"Origin": url_of(market), "Cookie": cookie.partition(";")[0]}
    who = httpx.get(f"{scheduler}/v1/session", headers=shown, trust_env=False)
    assert who.json()["address"] == account.address

"""Signing in and out over HTTP, and what a page from elsewhere gets with somebody's cookie."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from eth_account.signers.local import LocalAccount

from chain.convert import address_of
from chain.job import Address
from chain.signin import Place, compose, sign
from scheduler.api.guard import COOKIE, MAX_BODY
from tests.fixtures_chain import ChainMarket
from tests.fixtures_ipfs import ContentStore
from tests.integration.scheduler.served import Served, serving

FRONT = "https://market.example"


@pytest.fixture
async def served(
    market_on_anvil: ChainMarket, tmp_path: Path, store: ContentStore
) -> AsyncIterator[Served]:
    more = {"ALLOWED_ORIGINS": FRONT, "REQUESTS_PER_S": "50"}
    async with serving(market_on_anvil, tmp_path, store.api, **more) as one:
        yield one


async def signed(served: Served, account: LocalAccount, url: str = "") -> dict[str, str]:
    """What one posts to sign in."""
    asked = (await served.http.post("/v1/session/nonce")).json()
    place = Place(Address(served.market.scheduler.address), served.market.book.chain_id)
    me, now = address_of(account.address), int(time.time())
    message = compose(place, url or served.url, me, asked["nonce"], now, 100)
    return {"message": message, "signature": sign(account, message)}


async def test_who_signs_a_nonce_has_a_session_once_until_it_is_ended(served: Served) -> None:
    me = served.market.consumer
    body = await signed(served, me)
    answer = await served.http.post("/v1/session", json=body)
    assert answer.status_code == 201
    told = answer.json()
    assert told["address"] == me.address
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert (await served.http.post("/v1/session", json=body)).status_code == 401  # replayed
    served.http.cookies.clear()
    bearer = {"authorization": f"Bearer {told['token']}"}
    assert (await served.http.get("/v1/session", headers=bearer)).json()["address"] == me.address
    assert (await served.http.delete("/v1/session", headers=bearer)).status_code == 204
    assert (await served.http.get("/v1/session", headers=bearer)).status_code == 401


async def test_a_message_for_another_scheduler_opens_no_session(served: Served) -> None:
    body = await signed(served, served.market.consumer, "http://127.0.0.1:1")
    assert (await served.http.post("/v1/session", json=body)).status_code == 401
    lured = {"host": "127.0.0.1:1"}  # by whoever got the signature for its own address
    assert (await served.http.post("/v1/session", json=body, headers=lured)).status_code == 401


async def test_a_front_end_elsewhere_signs_in_under_its_own_name(served: Served) -> None:
    body = await signed(served, served.market.consumer, FRONT)
    shown = {"origin": FRONT}
    answer = await served.http.post("/v1/session", json=body, headers=shown)
    assert answer.status_code == 201
    assert answer.headers["access-control-allow-origin"] == FRONT
    other = await served.http.get("/v1/market", headers={"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers


async def test_a_cookie_counts_only_for_our_own_pages(served: Served) -> None:
    cookie = f"{COOKIE}={served.token(served.market.consumer)}"
    for more, read, changed in (
        ({"origin": served.url}, 200, 204),
        ({"origin": "http://evil.example"}, 403, 403),
        ({"origin": "null"}, 403, 403),
        ({"sec-fetch-site": "same-origin"}, 200, 403),  # a browser names the origin of a change
        ({"sec-fetch-site": "cross-site"}, 403, 403),
        ({}, 200, 403),
    ):
        shown = {"cookie": cookie} | more
        assert (await served.http.get("/v1/session", headers=shown)).status_code == read, more
        if changed != 204:
            answer = await served.http.delete("/v1/session", headers=shown)
            assert answer.status_code == changed, more


async def test_a_name_that_is_not_ours_is_not_served(served: Served) -> None:
    for path in ("/v1/market", "/dashboard", "/v1/session"):
        answer = await served.http.get(path, headers={"host": "evil.example"})
        assert answer.status_code == 403
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_body_that_is_too_large_is_refused_before_it_is_read(served: Served) -> None:
    large = b"x" * (MAX_BODY + 1)

    async def pieces() -> AsyncIterator[bytes]:
        yield large[:100]
        yield large[100:]

    for content in (large, pieces()):
        answer = await served.http.post("/v1/session", content=content)
        assert answer.status_code == 413
        assert "64 KiB" in answer.json()["detail"]


async def test_who_asks_more_than_its_share_is_told_when_to_come_back(served: Served) -> None:
    answers = [await served.http.get("/v1/market") for _ in range(300)]
    refused = [one for one in answers if one.status_code == 429]
    assert refused, "at 50 a second, 300 at once are too many"
    assert int(refused[0].headers["retry-after"]) >= 1
    assert refused[0].json()["title"] == "TooMany"
    mine = {"authorization": f"Bearer {served.token(served.market.consumer)}"}
    assert (
        await served.http.get("/v1/market", headers=mine)
    ).status_code == 200  # a share of its own

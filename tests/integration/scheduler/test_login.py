"""Only who holds an agent's key can speak for it: every other way in is refused."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator

import httpx
import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from chain.job import Address
from chain.wire import Renew
from scheduler.rows import tables as t
from scheduler.rows.database import Store, open_store
from scheduler.sessions.login import LINKS_BURST, Terms
from scheduler.sessions.session import BAD_MESSAGE, SIGNED_OUT
from scheduler.sessions.tokens import Claims, issue_nonce, issue_token, secret_of
from tests.integration.scheduler.linking import (
    DOMAIN,
    KEY,
    Copy,
    a_copy,
    key_of,
    linked,
    signed,
    token_for,
)

AGENT, OTHER = key_of(1), key_of(2)
SECRET = secret_of(KEY, DOMAIN)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    opened = await open_store(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def copy(store: Store) -> AsyncIterator[Copy]:
    async with a_copy(store) as one:
        yield one


def token(role: str = "agent", key: bytes = SECRET, ends_in: int = 600) -> str:
    claims = Claims(role, Address(AGENT.address), int(time.time()) + ends_in)  # type: ignore[arg-type]
    return issue_token(key, claims)


def changed(text: str) -> str:
    return text[:-1] + ("0" if text[-1] != "0" else "1")


GOOD = token()
ANOTHER_SCHEDULER = secret_of(Account.from_key("0x" + "78" * 32), DOMAIN)
BAD_TOKENS = {
    "none": None,
    "empty": "",
    "not bearer": f"Basic {GOOD}",
    "garbage": "Bearer garbage",
    "a consumer's": f"Bearer {token('consumer')}",
    "run out": f"Bearer {token(ends_in=-1)}",
    "tampered": f"Bearer {changed(GOOD)}",
    "for another agent": f"Bearer {GOOD.replace(AGENT.address, OTHER.address)}",
    "lasting longer": f"Bearer {GOOD.replace(GOOD.split('.')[3], '9' * 10)}",
    "another scheduler's": f"Bearer {token(key=ANOTHER_SCHEDULER)}",
}


@pytest.mark.parametrize("header", BAD_TOKENS.values(), ids=BAD_TOKENS)
async def test_a_link_opens_to_a_good_token_alone(copy: Copy, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    url = copy.url.replace("http", "ws") + "/v1/agents/link"
    with pytest.raises(InvalidStatus) as refusal:
        async with connect(url, additional_headers=headers, proxy=None):
            pass
    assert refusal.value.response.status_code == 401
    assert await copy.rows(t.agents) == []


async def test_who_holds_the_key_gets_in(copy: Copy) -> None:
    async with linked(copy.url, AGENT) as agent:
        assert agent.welcome.heartbeat_s == 1
        row = await copy.agent_row(AGENT)
    assert row.session_at == "one"
    assert row.attributes == {"region": "eu"}


async def test_a_token_opens_the_link_at_every_copy_with_the_same_key(store: Store) -> None:
    async with a_copy(store, "one") as one, a_copy(store, "two") as two:
        good = await token_for(one.url, AGENT)
        async with linked(two.url, AGENT, token=good):
            assert (await two.agent_row(AGENT)).session_at == "two"


async def post(copy: Copy, body: object) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as http:
        return await http.post(f"{copy.url}/v1/agents/login", json=body)


async def challenge_of(copy: Copy) -> dict[str, str]:
    async with httpx.AsyncClient(trust_env=False) as http:
        found: dict[str, str] = (await http.post(f"{copy.url}/v1/agents/nonce")).json()
        return found


async def test_a_login_that_is_heard_again_is_refused(copy: Copy) -> None:
    body = signed(await challenge_of(copy), AGENT)
    assert (await post(copy, body)).status_code == 200
    assert (await post(copy, body)).status_code == 401


async def test_of_many_equal_logins_at_once_one_is_let_in(copy: Copy) -> None:
    body = signed(await challenge_of(copy), AGENT)
    answers = await asyncio.gather(*(post(copy, body) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 9


async def test_a_nonce_that_was_used_by_one_agent_is_of_no_use_to_another(copy: Copy) -> None:
    challenge = await challenge_of(copy)
    assert (await post(copy, signed(challenge, AGENT))).status_code == 200
    assert (await post(copy, signed(challenge, OTHER))).status_code == 401


async def test_another_agents_signature_is_refused(copy: Copy) -> None:
    body = signed(await challenge_of(copy), OTHER) | {"agent": AGENT.address}
    assert (await post(copy, body)).status_code == 401


@pytest.mark.parametrize(
    ("role", "ends_in", "key"),
    [("agent", -1, SECRET), ("consumer", 60, SECRET), ("agent", 60, ANOTHER_SCHEDULER)],
    ids=["too old", "a consumer's", "another scheduler's"],
)
async def test_a_nonce_that_is_not_for_agents_here_and_now_is_refused(
    copy: Copy, role: str, ends_in: int, key: bytes
) -> None:
    ends = int(time.time()) + ends_in
    nonce = "0x" + issue_nonce(key, role, ends, os.urandom(8))  # type: ignore[arg-type]
    challenge = await challenge_of(copy) | {"nonce": nonce}
    answer = await post(copy, signed(challenge, AGENT))
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "body",
    [None, [], {}, {"agent": "0x1"}, {"agent": AGENT.address, "nonce": "0x" + "0" * 64}],
)
async def test_a_body_that_is_no_login_is_told(copy: Copy, body: object) -> None:
    assert (await post(copy, body)).status_code == 422


async def test_a_client_that_signs_in_without_end_is_told_to_wait(store: Store) -> None:
    terms = Terms(token_s=600, heartbeat_s=1, logins_per_s=1)
    async with a_copy(store, terms=terms) as copy:
        body = signed(await challenge_of(copy), AGENT)
        answers = [(await post(copy, body)).status_code for _ in range(7)]
    assert answers[:5] == [200, 401, 401, 401, 401]
    assert 429 in answers[5:]


async def test_an_agent_that_opens_its_link_without_end_is_told_to_wait(copy: Copy) -> None:
    good = await token_for(copy.url, AGENT)
    url = copy.url.replace("http", "ws") + "/v1/agents/link"
    headers = {"Authorization": f"Bearer {good}"}
    answers = []
    for _ in range(int(LINKS_BURST) + 5):
        try:
            async with connect(url, additional_headers=headers, proxy=None):
                answers.append(101)
        except InvalidStatus as error:
            answers.append(error.response.status_code)
    assert answers[: int(LINKS_BURST)] == [101] * int(LINKS_BURST)
    assert 429 in answers
    async with linked(copy.url, OTHER):  # nobody else has to wait
        pass


async def test_a_session_ends_with_its_token(store: Store) -> None:
    terms = Terms(token_s=2, heartbeat_s=1, logins_per_s=100)
    async with a_copy(store, terms=terms) as copy, linked(copy.url, AGENT) as agent:
        assert await agent.beat_until_closed() == SIGNED_OUT


async def test_a_session_goes_on_with_a_renewed_token(store: Store) -> None:
    terms = Terms(token_s=3, heartbeat_s=1, logins_per_s=100)
    async with a_copy(store, terms=terms) as copy, linked(copy.url, AGENT) as agent:
        for _ in range(5):
            await asyncio.sleep(1)
            await agent.beat()
            await agent.say(Renew(token=await token_for(copy.url, AGENT)))
        assert agent.socket.close_code is None


@pytest.mark.parametrize("whose", [OTHER, None], ids=["another agent's", "garbage"])
async def test_a_session_is_not_renewed_by_anything_else(
    copy: Copy, whose: LocalAccount | None
) -> None:
    async with linked(copy.url, AGENT) as agent:
        other = "x" if whose is None else await token_for(copy.url, OTHER)
        await agent.say(Renew(token=other))
        assert await agent.close_code() == SIGNED_OUT


async def test_a_link_without_a_hello_is_no_session(copy: Copy) -> None:
    good = await token_for(copy.url, AGENT)
    url = copy.url.replace("http", "ws") + "/v1/agents/link"
    headers = {"Authorization": f"Bearer {good}"}
    async with connect(url, additional_headers=headers, proxy=None) as socket:
        await socket.send(Renew(token=good).model_dump_json())
        with pytest.raises(ConnectionClosed):
            await socket.recv()
    assert socket.close_code == BAD_MESSAGE
    assert await copy.rows(t.agents) == []

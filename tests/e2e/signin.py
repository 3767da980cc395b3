"""A consumer's session, by plain HTTP and an EIP-4361 message written by hand."""

from __future__ import annotations

import httpx
from eth_account import Account
from eth_account.messages import encode_defunct

from tests.e2e.market import Consumer


def session_of(consumer: Consumer) -> dict[str, str]:
    """Signs in; the header that shows it."""
    url = consumer.market.url
    answer = sign_in_from(url, url, consumer.key)
    assert answer.status_code == 201, answer.text
    return {"authorization": f"Bearer {answer.json()['token']}"}


def sign_in_from(scheduler: str, page: str, key: str) -> httpx.Response:
    """Signs in at a scheduler as a page of that address does; what it answered."""
    origin = {"Origin": page}
    with httpx.Client(base_url=scheduler, timeout=30, trust_env=False, headers=origin) as http:
        asked = http.post("/v1/session/nonce").json()
        message = (
            f"{page.removeprefix('http://')} wants you to sign in with your Ethereum account:\n"
            f"{Account.from_key(key).address}\n\n{asked['statement']}\n\nURI: {page}\nVersion: 1\n"
            f"Chain ID: {asked['chain_id']}\nNonce: {asked['nonce']}\n"
            "Issued At: 2026-01-01T00:00:00Z\nExpiration Time: 2099-01-01T00:00:00Z"
        )
        signed = Account.sign_message(encode_defunct(text=message), key)
        signature = "0x" + signed.signature.hex().removeprefix("0x")
        return http.post("/v1/session", json={"message": message, "signature": signature})

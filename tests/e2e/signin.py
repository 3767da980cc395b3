"""A consumer's session, by plain HTTP and an EIP-4361 message written by hand."""

from __future__ import annotations

import httpx
from eth_account import Account
from eth_account.messages import encode_defunct

from tests.e2e.market import Consumer


def session_of(consumer: Consumer) -> dict[str, str]:
    """Signs in; the header that shows it."""
    url = consumer.market.url
    with httpx.Client(base_url=url, timeout=30, trust_env=False) as http:
        asked = http.post("/v1/session/nonce").json()
        message = (
            f"{url.removeprefix('http://')} wants you to sign in with your Ethereum account:\n"
            f"{consumer.address}\n\n{asked['statement']}\n\nURI: {url}\nVersion: 1\n"
            f"Chain ID: {asked['chain_id']}\nNonce: {asked['nonce']}\n"
            "Issued At: 2026-01-01T00:00:00Z\nExpiration Time: 2099-01-01T00:00:00Z"
        )
        signed = Account.sign_message(encode_defunct(text=message), consumer.key)
        signature = "0x" + signed.signature.hex().removeprefix("0x")
        answer = http.post("/v1/session", json={"message": message, "signature": signature})
    assert answer.status_code == 201, answer.text
    return {"authorization": f"Bearer {answer.json()['token']}"}

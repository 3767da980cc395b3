"""A token or nonce holds for what it says, until it ends, at the schedulers with one key; nothing else does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from chain.errors import NotSignedIn
from chain.job import Address
from chain.messages import Domain
from scheduler.sessions.tokens import (
    Claims,
    issue_nonce,
    issue_token,
    read_nonce,
    read_token,
    secret_of,
)

KEY = Account.from_key("0x" + "11" * 32)
AGENT = Address("0x52908400098527886E0F7030069857D2E4169EE7")
DOMAIN = Domain(1337, AGENT)
SECRET = secret_of(KEY, DOMAIN)
NOW = 1_800_000_000
CLAIMS = Claims("agent", AGENT, NOW + 600)
SALT = bytes(range(8))


def test_all_copies_with_one_key_find_the_same_secret() -> None:
    assert secret_of(Account.from_key("0x" + "11" * 32), DOMAIN) == SECRET


def test_another_key_chain_or_escrow_has_another_secret() -> None:
    others = (
        secret_of(Account.from_key("0x" + "12" * 32), DOMAIN),
        secret_of(KEY, replace(DOMAIN, chain_id=1)),
        secret_of(KEY, replace(DOMAIN, escrow=Address("0x" + "11" * 20))),
    )
    assert len({SECRET, *others}) == 4


def test_a_token_says_who_until_its_last_second() -> None:
    token = issue_token(SECRET, CLAIMS)
    assert read_token(SECRET, token, "agent", NOW) == CLAIMS
    assert read_token(SECRET, token, "agent", NOW + 600) == CLAIMS
    with pytest.raises(NotSignedIn):
        read_token(SECRET, token, "agent", NOW + 601)


def test_a_token_is_good_for_its_own_role_only() -> None:
    with pytest.raises(NotSignedIn):
        read_token(SECRET, issue_token(SECRET, CLAIMS), "consumer", NOW)
    consumer = issue_token(SECRET, replace(CLAIMS, role="consumer"))
    with pytest.raises(NotSignedIn):
        read_token(SECRET, consumer, "agent", NOW)


def test_another_schedulers_token_is_refused() -> None:
    token = issue_token(secret_of(Account.from_key("0x" + "12" * 32), DOMAIN), CLAIMS)
    with pytest.raises(NotSignedIn):
        read_token(SECRET, token, "agent", NOW)


@given(st.integers(0, 10**6), st.characters())
def test_a_token_with_one_character_changed_is_refused(at: int, letter: str) -> None:
    token = issue_token(SECRET, CLAIMS)
    at %= len(token)
    changed = token[:at] + letter + token[at + 1 :]
    if changed == token:
        return
    with pytest.raises(NotSignedIn):
        read_token(SECRET, changed, "agent", NOW)


@given(st.text(max_size=300))
def test_no_text_at_random_is_a_token_or_a_nonce(text: str) -> None:
    with pytest.raises(NotSignedIn):
        read_token(SECRET, text, "agent", NOW)
    with pytest.raises(NotSignedIn):
        read_nonce(SECRET, text, "agent", NOW)


def test_a_nonce_holds_with_0x_or_without_until_its_last_second() -> None:
    nonce = issue_nonce(SECRET, "agent", NOW + 120, SALT)
    assert len(nonce) == 64
    assert read_nonce(SECRET, nonce, "agent", NOW) == NOW + 120
    assert read_nonce(SECRET, "0x" + nonce, "agent", NOW + 120) == NOW + 120
    with pytest.raises(NotSignedIn):
        read_nonce(SECRET, nonce, "agent", NOW + 121)


def test_a_nonce_is_good_for_its_own_role_and_scheduler_only() -> None:
    nonce = issue_nonce(SECRET, "agent", NOW + 120, SALT)
    with pytest.raises(NotSignedIn):
        read_nonce(SECRET, nonce, "consumer", NOW)
    with pytest.raises(NotSignedIn):
        read_nonce(b"another" * 5, nonce, "agent", NOW)


@given(st.integers(0, 63), st.sampled_from("0123456789abcdef"))
def test_a_nonce_with_one_digit_changed_is_refused(at: int, digit: str) -> None:
    nonce = issue_nonce(SECRET, "agent", NOW + 120, SALT)
    changed = nonce[:at] + digit + nonce[at + 1 :]
    if changed == nonce:
        return
    with pytest.raises(NotSignedIn):
        read_nonce(SECRET, changed, "agent", NOW)


def test_a_nonce_is_no_token_and_a_tokens_mac_no_nonces() -> None:
    with pytest.raises(NotSignedIn):
        read_token(SECRET, issue_nonce(SECRET, "agent", NOW, SALT), "agent", NOW)
    with pytest.raises(NotSignedIn):
        read_nonce(SECRET, issue_token(SECRET, CLAIMS).rpartition(".")[2], "agent", NOW)

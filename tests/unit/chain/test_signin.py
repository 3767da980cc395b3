from dataclasses import replace

import pytest
from eth_account import Account

from chain.errors import NotSignedIn
from chain.job import Address
from chain.signin import Place, check, compose, sign

PLACE = Place(Address("0x" + "11" * 20), 1337)
URL = "http://127.0.0.1:5000"
HERE = {"127.0.0.1:5000"}
NOW = 1_800_000_000
NONCE = "ab" * 32
KEY = Account.create()
ME = Address(KEY.address)


def a_message(place: Place = PLACE, url: str = URL, lasts_s: int = 120) -> str:
    return compose(place, url, ME, NONCE, NOW, lasts_s)


def test_a_message_signed_for_this_scheduler_says_who_signed_it() -> None:
    message = a_message()
    signed = check(PLACE, message, sign(KEY, message), HERE, NOW + 60)
    assert (signed.address, signed.nonce) == (ME, NONCE)


@pytest.mark.parametrize(
    ("message", "now"),
    [
        (a_message(url="http://127.0.0.1:6000"), NOW),
        (a_message(place=replace(PLACE, chain_id=1)), NOW),
        (a_message(place=replace(PLACE, scheduler=Address("0x" + "22" * 20))), NOW),
        (a_message(), NOW + 120),
        (a_message().replace("URI: http://127.0.0.1:5000", "URI: http://elsewhere"), NOW),
        ("\n".join(a_message().splitlines()[:-1]), NOW),  # never ends
    ],
    ids=["domain", "chain", "scheduler", "late", "uri", "endless"],
)
def test_a_message_for_another_place_or_time_opens_nothing(message: str, now: int) -> None:
    with pytest.raises(NotSignedIn):
        check(PLACE, message, sign(KEY, message), HERE, now)


@pytest.mark.parametrize(
    "signature",
    [sign(Account.create(), a_message()), sign(KEY, a_message(lasts_s=121)), "0x" + "00" * 65],
    ids=["another's", "of another text", "none"],
)
def test_a_signature_that_is_not_the_addresss_opens_nothing(signature: str) -> None:
    with pytest.raises(NotSignedIn):
        check(PLACE, a_message(), signature, HERE, NOW)


@pytest.mark.parametrize(
    "text", ["", "hello", a_message().replace("Version: 1", "Version: 2"), "x" * 5000]
)
def test_what_is_no_such_message_is_refused(text: str) -> None:
    with pytest.raises(NotSignedIn):
        check(PLACE, text, "0x" + "00" * 65, HERE, NOW)

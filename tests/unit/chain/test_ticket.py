"""A ticket opens what it names, until it ends, by the word of one scheduler."""

from __future__ import annotations

from dataclasses import replace

import pytest
from eth_account import Account

from chain.errors import NotAllowed
from chain.job import Address, JobId
from chain.messages import Domain, Ticket, sign_ticket
from chain.ticket import read_ticket, ticket_text

KEY = Account.from_key("0x" + "22" * 32)
OTHER = Address("0x52908400098527886E0F7030069857D2E4169EE7")
DOMAIN = Domain(1337, OTHER)
TICKET = Ticket(JobId("0x" + "01" * 32), 3, OTHER, 1_800_000_000)
TEXT = ticket_text(TICKET, sign_ticket(KEY, DOMAIN, TICKET))


def test_it_says_what_was_signed_until_its_last_second() -> None:
    assert read_ticket(TEXT, DOMAIN, KEY.address, TICKET.deadline) == TICKET
    assert read_ticket(TEXT, DOMAIN, KEY.address.lower(), 0) == TICKET


@pytest.mark.parametrize(
    ("text", "domain", "scheduler", "now"),
    [
        (TEXT, DOMAIN, KEY.address, TICKET.deadline + 1),
        (TEXT, DOMAIN, OTHER, 0),
        (TEXT, replace(DOMAIN, chain_id=1), KEY.address, 0),
        (TEXT.replace(".3.", ".4."), DOMAIN, KEY.address, 0),
        (TEXT.replace(".1800000000.", ".1900000000."), DOMAIN, KEY.address, 0),
        (TEXT.replace("0x0101", "0x0102"), DOMAIN, KEY.address, 0),
        (TEXT[:-1], DOMAIN, KEY.address, 0),
        (TEXT + "\n", DOMAIN, KEY.address, 0),
        ("", DOMAIN, KEY.address, 0),
        ("ticket." * 1000, DOMAIN, KEY.address, 0),
    ],
    ids=["late", "another's", "elsewhere", "attempt", "deadline", "job", "cut", "longer", "nothing", "long"],
)  # fmt: skip
def test_nothing_else_is_one(text: str, domain: Domain, scheduler: str, now: int) -> None:
    with pytest.raises(NotAllowed):
        read_ticket(text, domain, scheduler, now)

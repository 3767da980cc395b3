"""Members of a `verify` group with results that their providers signed, for the tests of whoever reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount

from chain.group import GroupId, Member, salt_of
from chain.group_evidence import Seat, job_id_of
from chain.job import ZERO_ADDRESS, Address, Cid, JobTerms, Rates, Resources
from chain.messages import Domain
from chain.result import Result, result_text
from chain.signin import sign
from chain.verdict import Answer

DOMAIN = Domain(1337, Address("0x52908400098527886E0F7030069857D2E4169EE7"))
CONSUMER = Account.from_key("0x" + "c0" * 32)
PROVIDERS = [Account.from_key(f"0x{number:064x}") for number in range(1, 16)]
GROUP = GroupId("0x" + "5a" * 24)
RIGHT, WRONG = Answer(0, "b" + "a" * 58), Answer(0, "b" + "c" * 58)


def terms(index: int, size: int, **changes: Any) -> JobTerms:
    values: dict[str, Any] = {
        "consumer": Address(CONSUMER.address),
        "scheduler": Address(PROVIDERS[14].address),
        "watcher": ZERO_ADDRESS,
        "salt": salt_of(Member(GROUP, "verify", index, size)),
        "resources": Resources(1000, 256),
        "max_rates": Rates(1, 2, 3, 4),
        "duration": 600,
        "claim_within": 60,
        "cid": Cid("b" + "d" * 58),
    }
    return JobTerms(**values | changes)


def seats(answers: Sequence[Answer | None], keys: Sequence[LocalAccount] = PROVIDERS) -> list[Seat]:
    """One of each provider; `keys` sign."""
    found = []
    for index, answer in enumerate(answers):
        mine = terms(index, len(answers))
        if answer is None:
            found.append(Seat(mine, over=True))
            continue
        result = Result(job_id_of(DOMAIN, mine), 1, answer)
        signature = sign(keys[index], result_text(DOMAIN, result))
        provider = Address(PROVIDERS[index].address)
        found.append(Seat(mine, 1, provider, answer, True, signature, "0x" + "c1" * 32))
    return found

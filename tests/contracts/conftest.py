"""A deployed escrow on brownie's network, people with tokens, and builders for jobs on their way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from brownie import DRaaSEscrow, ResourceToken, accounts, chain, web3
from brownie.exceptions import VirtualMachineError
from eth_account import Account
from eth_account.messages import encode_typed_data

WINDOW, LAPSE_AFTER, GRACE = 600, 300, 120
MIN_BOND, DISPUTE_BOND, RULING_TIME, UNBOND_TIME = 500, 70, 3000, 2000
DEPOSIT = 10**12
RATES = (1000, 20, 5, 50)
MAX_RATES = (2000, 30, 7, 100)
RESOURCES = (1000, 512, 64)
DURATION, CLAIM_WITHIN = 10_000, 1000
ASSIGNMENT = [
    {"name": "jobId", "type": "bytes32"},
    {"name": "attempt", "type": "uint8"},
    {"name": "provider", "type": "address"},
    {"name": "image", "type": "bytes32"},
    {"name": "deadline", "type": "uint64"},
]
SCHEDULER = Account.from_key("0x" + "5c" * 32)
ABSENT, OPEN, RUNNING, ENDED, DISPUTED, CLOSED = range(6)


@dataclass
class Market:
    """The contracts and who is who."""

    token: Any
    escrow: Any
    consumer: Any
    provider: Any
    rival: Any
    arbiter: Any
    stranger: Any
    posted: int = 0

    def terms(self, scheduler: str = SCHEDULER.address) -> tuple[Any, ...]:
        self.posted += 1
        salt = "0x" + self.posted.to_bytes(32, "big").hex()
        people = (self.consumer.address, scheduler, self.consumer.address)
        return (*people, salt, RESOURCES, MAX_RATES, DURATION, CLAIM_WITHIN, "bafybundle")

    def post(self) -> tuple[tuple[Any, ...], Any]:
        terms = self.terms()
        self.escrow.postJob(terms, DEPOSIT, {"from": self.consumer})
        return terms, self.escrow.jobIdOf(terms)

    def run(self) -> tuple[tuple[Any, ...], Any]:
        terms, job = self.post()
        self.claim(terms, 1, self.provider)
        return terms, job

    def claim(self, terms: tuple[Any, ...], attempt: int, provider: Any) -> Any:
        assignment = self.assignment(terms, attempt, provider)
        return self.escrow.claimJob(terms, assignment, self.sign(assignment), {"from": provider})

    def assignment(self, terms: tuple[Any, ...], attempt: int, provider: Any) -> tuple[Any, ...]:
        job = str(self.escrow.jobIdOf(terms))
        return (job, attempt, provider.address, "0x" + "11" * 32, chain.time() + 60)

    def sign(self, assignment: tuple[Any, ...], key: Any = SCHEDULER) -> str:
        domain = {
            "name": "DRaaS",
            "version": "1",
            "chainId": web3.eth.chain_id,
            "verifyingContract": self.escrow.address,
        }
        names = [field["name"] for field in ASSIGNMENT]
        message = dict(zip(names, assignment, strict=True))
        typed = encode_typed_data(domain, {"Assignment": ASSIGNMENT}, message)
        return "0x" + key.sign_message(typed).signature.hex().removeprefix("0x")

    def complete(self, job: Any, usage: tuple[int, ...], exit_code: int = 0) -> Any:
        return self.escrow.completeJob(
            (job, 1, usage), exit_code, "bafyresult", {"from": self.provider}
        )

    def report(self, job: Any, usage: tuple[int, ...], attempt: int = 1) -> Any:
        provider = self.provider if attempt == 1 else self.rival
        return self.escrow.reportUsage([(job, attempt, usage)], {"from": provider})


def full(seconds: int) -> tuple[int, int, int, int]:
    """All that the reserve can use in so many seconds."""
    return (1000 * seconds, 512 * seconds, 64 * seconds, seconds)


def price(seconds: int) -> int:
    """What `full(seconds)` costs."""
    return sum(metric * rate for metric, rate in zip(full(seconds), RATES, strict=True))


def refused(error: str) -> Any:
    """The revert of a custom error, which brownie names."""
    return pytest.raises(VirtualMachineError, match=f"revert: {error}:")


@pytest.fixture(scope="module")
def deployed() -> Market:
    deployer, consumer, provider, rival, arbiter, stranger = accounts[:6]
    token = ResourceToken.deploy(deployer, 10**30, {"from": deployer})
    rules = (WINDOW, LAPSE_AFTER, GRACE, MIN_BOND, DISPUTE_BOND, RULING_TIME, UNBOND_TIME)
    escrow = DRaaSEscrow.deploy(token, arbiter, rules, {"from": deployer})
    for person in (consumer, provider, rival, stranger):
        token.transfer(person, 10**15, {"from": deployer})
        token.approve(escrow, 2**256 - 1, {"from": person})
    for person in (provider, rival):
        escrow.register(MIN_BOND, RATES, {"from": person})
    return Market(token, escrow, consumer, provider, rival, arbiter, stranger)


@pytest.fixture
def market(fn_isolation: None, deployed: Market) -> Market:
    return deployed

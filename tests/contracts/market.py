"""The market that the contract tests act in: who is who, and builders for jobs and cases on their way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from brownie import chain, web3
from brownie.exceptions import VirtualMachineError
from eth_abi import encode
from eth_utils import keccak

from tests.contracts.signing import SCHEDULER, signed

WINDOW, LAPSE_AFTER, GRACE = 600, 300, 120
BOND_PER_UNIT, DISPUTE_BOND, LAPSES_PER_SLASH = 7, 20_000, 2  # a run's bond is 10,584
RULING_TIME, UNBOND_TIME = 3000, 5000
PARAMETERS = (
    WINDOW,
    LAPSE_AFTER,
    GRACE,
    BOND_PER_UNIT,
    DISPUTE_BOND,
    RULING_TIME,
    UNBOND_TIME,
    LAPSES_PER_SLASH,
    0,
    0,
)
SEAT_STAKE, JURORS, FEE, SPAN, COHERENCE, PENALTY = 1000, 3, 10**15, 100, 1000, 2000
COURT = (SEAT_STAKE, JURORS, FEE, SPAN, SPAN, SPAN, SPAN, COHERENCE, PENALTY, 1)
HELD = 10**15  # tokens of each person
DEPOSIT = 10**12
RATES = (1000, 20, 5, 50)
MAX_RATES = (2000, 30, 7, 100)
RESOURCES = (1000, 512, 64)
UNITS = 1512  # what a job reserves
BONDED = 3 * UNITS
DURATION, CLAIM_WITHIN = 10_000, 1000
IMAGE = "0x" + "11" * 32
NOBODY = "0x" + "00" * 20
EVIDENCE = "/ipfs/bafyevidence"
TERMS = (
    "(address,address,address,bytes32,(uint24,uint24,uint24),"
    "(uint64,uint64,uint64,uint64),uint32,uint32,string)"
)
ABSENT, OPEN, RUNNING, ENDED, DISPUTED, CLOSED = range(6)

Terms = tuple[Any, ...]
Usage = tuple[int, int, int, int]


@dataclass
class Market:
    """The contracts and who is who."""

    token: Any
    court: Any
    escrow: Any
    consumer: Any
    provider: Any
    rival: Any
    stranger: Any
    jurors: list[Any]
    posted: int = 0

    def terms(self) -> Terms:
        self.posted += 1
        salt = "0x" + self.posted.to_bytes(32, "big").hex()
        people = (self.consumer.address, SCHEDULER.address, self.stranger.address)
        return (*people, salt, RESOURCES, MAX_RATES, DURATION, CLAIM_WITHIN, "bafybundle")

    def post(self, deposit: int = DEPOSIT) -> tuple[Terms, Any]:
        terms = self.terms()
        self.escrow.postJob(terms, deposit, {"from": self.consumer})
        return terms, self.escrow.jobIdOf(terms)

    def run(self, deposit: int = DEPOSIT) -> tuple[Terms, Any]:
        terms, job = self.post(deposit)
        self.claim(terms, 1, self.provider)
        return terms, job

    def claim(self, terms: Terms, attempt: int, provider: Any) -> Any:
        deadline = now() + 60
        assignment = (self.escrow.jobIdOf(terms), attempt, provider.address, IMAGE, deadline)
        signature = signed(self.escrow, "Assignment", assignment, SCHEDULER.key)
        return self.escrow.claimJob(terms, IMAGE, deadline, signature, {"from": provider})

    def report(self, job: Any, usage: Usage, attempt: int = 1) -> Any:
        provider = self.provider if attempt == 1 else self.rival
        return self.escrow.reportUsage([(job, attempt, usage)], {"from": provider})

    def complete(self, job: Any, usage: Usage, exit_code: int = 0) -> Any:
        report = (job, 1, usage)
        return self.escrow.completeJob(report, exit_code, "bafyresult", {"from": self.provider})

    def refund(self, terms: Terms, provider: Any = None) -> Any:
        """By anybody, naming who ran the last attempt."""
        last = NOBODY if provider is None else provider.address
        return self.escrow.refund(terms[0], terms_hash(terms), last, {"from": self.stranger})

    def dispute(self, terms: Terms, opener: Any, attempt: int = 1) -> int:
        """Opened over the provider's run; returns its number."""
        sent = {"from": opener, "value": self.escrow.disputeFee()}
        tx = self.escrow.dispute(terms, attempt, self.provider, EVIDENCE, sent)
        return int(tx.events["JobDisputed"]["disputeId"])

    def disputed(self, opener: Any = None, seconds: int = 100) -> tuple[Terms, Any, int]:
        """A run that has reported so many seconds, under dispute."""
        terms, job = self.run()
        later(seconds)
        self.report(job, full(seconds))
        return terms, job, self.dispute(terms, opener or self.consumer)

    # ---- The court ----

    def draw(self) -> None:
        chain.mine(2)
        self.court.draw({"from": self.stranger})

    def panel(self, dispute: int) -> list[Any]:
        number = self.court.disputes(dispute)[1]
        seats = {seat[0] for seat in self.court.panel(dispute, number)}
        return [juror for juror in self.jurors if juror.address in seats]

    def commit(self, dispute: int, juror: Any, share: int, salt: str = "0x" + "5a" * 32) -> None:
        number = self.court.disputes(dispute)[1]
        commitment = self.court.commitmentOf(dispute, number, juror, share, salt)
        self.court.commit(dispute, commitment, {"from": juror})

    def reveal(self, dispute: int, juror: Any, share: int, salt: str = "0x" + "5a" * 32) -> None:
        self.court.reveal(dispute, share, salt, {"from": juror})

    def judge(self, dispute: int, *shares: int) -> None:
        """Draws a panel that votes so, and tallies; the ruling can be appealed then."""
        self.draw()
        votes = list(zip(self.panel(dispute), shares, strict=True))
        for juror, share in votes:
            self.commit(dispute, juror, share)
        for juror, share in votes:
            self.reveal(dispute, juror, share)
        self.court.tally(dispute, {"from": self.stranger})

    def execute(self, dispute: int) -> Any:
        later(SPAN)
        return self.court.executeRuling(dispute, {"from": self.stranger})


def now() -> int:
    """By the last block: brownie's own count goes apart from it when blocks come fast or are taken back."""
    return int(chain[-1].timestamp)


def later(seconds: int) -> None:
    """So much time passes from block to block."""
    due = now() + seconds
    while (missing := due - now()) > 0:
        chain.sleep(missing)
        chain.mine()


def full(seconds: int) -> Usage:
    """All that the reserve can use in so many seconds."""
    return (1000 * seconds, 512 * seconds, 64 * seconds, seconds)


def price(seconds: int) -> int:
    """What `full(seconds)` costs."""
    return sum(metric * rate for metric, rate in zip(full(seconds), RATES, strict=True))


def terms_hash(terms: Terms) -> str:
    """As the contract hashes them."""
    values = (*terms[:3], bytes.fromhex(terms[3][2:]), *terms[4:])
    return "0x" + keccak(encode([TERMS], [values])).hex()


def refused(error: str) -> Any:
    """The revert of a custom error, which brownie names by its selector."""
    return pytest.raises(VirtualMachineError, match=f"revert: {error}:")


@contextmanager
def says_no(reason: str) -> Iterator[None]:
    """A script that refuses, for this reason, and sends nothing."""
    blocks = web3.eth.block_number
    with pytest.raises(SystemExit, match=reason) as said:
        yield
    assert "Nothing was sent" in str(said.value)
    assert web3.eth.block_number == blocks

"""A published ledger is held against the run, against what its agent signed before, and against the bill."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chain.evidence import statement_of
from chain.job import Address, Cid, Usage
from chain.messages import Domain
from scheduler.watch.ledgers import Published, find_faults
from tests.unit.chain.ledgers import AGENT, DOMAIN, JOB, an_honest_one, sample, written
from tests.unit.scheduler.watched import stated

TOLD = Published(JOB, 1, Address(AGENT.address), Cid("bafk"), None)


def test_an_honest_ledger_has_no_faults() -> None:
    data = written(an_honest_one(20))
    settled = replace(TOLD, billed=sample(20).usage())
    assert find_faults(data, DOMAIN, TOLD, []) == []
    assert find_faults(data, DOMAIN, settled, []) == []


@pytest.mark.parametrize(
    "other", [{"job_id": "0x" + "0c" * 32}, {"attempt": 2}, {"provider": "0x" + "01" * 20}]
)
def test_the_ledger_of_another_run_is_no_ledger_of_this_one(other: dict[str, Any]) -> None:
    (fault,) = find_faults(written(an_honest_one()), DOMAIN, replace(TOLD, **other), [])
    assert "it is the ledger of run 1" in fault


def test_the_ledger_of_another_market_is_none() -> None:
    assert find_faults(written(an_honest_one()), Domain(1, DOMAIN.escrow), TOLD, [])


def test_a_ledger_without_what_was_signed_before_and_without_what_was_billed_is_false() -> None:
    signed = statement_of(JOB, 1, "0x" + "00" * 32, stated(sample(10).usage()))
    settled = replace(TOLD, billed=Usage(cpu_ms=20_000, wall_s=20))
    faults = find_faults(written(an_honest_one(20)), DOMAIN, settled, [signed])
    assert ["which is not in it" in faults[0], "were billed" in faults[1]] == [True, True]


def test_bytes_that_are_no_ledger_are_a_fault() -> None:
    assert "line 1 does not follow from the one before it" in find_faults(b"x", DOMAIN, TOLD, [])

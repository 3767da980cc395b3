"""Signatures hold for exactly what was signed, where it was signed."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from eth_account import Account
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.convert import assignment_body, assignment_of
from chain.errors import InvalidInput, NotAllowed
from chain.job import Address, Digest, JobId, Usage
from chain.login import Login
from chain.messages import (
    Assignment,
    Cancel,
    Domain,
    UsageReport,
    sign_assignment,
    sign_cancel,
    sign_login,
    sign_report,
    signer_of_assignment,
    signer_of_cancel,
    signer_of_login,
    signer_of_report,
)

KEY = Account.from_key("0x" + "22" * 32)
ME = Address(KEY.address)
OTHER = Address("0x52908400098527886E0F7030069857D2E4169EE7")
DOMAIN = Domain(1337, OTHER)
ASSIGNMENT = Assignment(
    JobId("0x" + "01" * 32), 1, OTHER, Digest("sha256:" + "02" * 32), 1_800_000_000
)
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
NONCE = "0x" + "03" * 32


def test_the_signer_of_an_assignment_is_found() -> None:
    signature = sign_assignment(KEY, DOMAIN, ASSIGNMENT)
    assert len(signature) == 132
    assert signer_of_assignment(DOMAIN, ASSIGNMENT, signature) == ME


@pytest.mark.parametrize(
    ("domain", "assignment"),
    [
        (replace(DOMAIN, chain_id=1), ASSIGNMENT),
        (replace(DOMAIN, escrow=ME), ASSIGNMENT),
        (DOMAIN, replace(ASSIGNMENT, job_id=JobId("0x" + "09" * 32))),
        (DOMAIN, replace(ASSIGNMENT, attempt=2)),
        (DOMAIN, replace(ASSIGNMENT, provider=ME)),
        (DOMAIN, replace(ASSIGNMENT, image=Digest("sha256:" + "09" * 32))),
        (DOMAIN, replace(ASSIGNMENT, deadline=1_800_000_001)),
    ],
)
def test_a_signature_does_not_hold_for_anything_else(
    domain: Domain, assignment: Assignment
) -> None:
    signature = sign_assignment(KEY, DOMAIN, ASSIGNMENT)
    assert signer_of_assignment(domain, assignment, signature) != ME


CANCEL = Cancel(JobId("0x" + "01" * 32), 1_800_000_000)
REPORT = UsageReport(JobId("0x" + "01" * 32), 1, Usage(1, 2, 3, 4), 1_800_000_000)


def test_a_cancel_holds_for_one_job_on_one_escrow_until_one_second() -> None:
    signature = sign_cancel(KEY, DOMAIN, CANCEL)
    assert signer_of_cancel(DOMAIN, CANCEL, signature) == ME
    other = replace(CANCEL, job_id=JobId("0x" + "09" * 32))
    assert signer_of_cancel(DOMAIN, other, signature) != ME
    assert signer_of_cancel(DOMAIN, replace(CANCEL, deadline=1), signature) != ME
    assert signer_of_cancel(replace(DOMAIN, escrow=ME), CANCEL, signature) != ME


@pytest.mark.parametrize(
    "report",
    [
        replace(REPORT, job_id=JobId("0x" + "09" * 32)),
        replace(REPORT, attempt=2),
        replace(REPORT, usage=Usage(9, 2, 3, 4)),
        replace(REPORT, usage=Usage(1, 9, 3, 4)),
        replace(REPORT, usage=Usage(1, 2, 9, 4)),
        replace(REPORT, usage=Usage(1, 2, 3, 9)),
        replace(REPORT, deadline=1),
    ],
)
def test_a_report_holds_for_its_run_its_totals_and_its_deadline(report: UsageReport) -> None:
    signature = sign_report(KEY, DOMAIN, REPORT)
    assert signer_of_report(DOMAIN, REPORT, signature) == ME
    assert signer_of_report(DOMAIN, report, signature) != ME
    assert signer_of_report(replace(DOMAIN, chain_id=1), REPORT, signature) != ME


def login(agent: str, signature: str, nonce: str = NONCE) -> Login:
    return Login(agent=agent, nonce=nonce, signature=signature)


def test_a_log_in_holds_for_one_scheduler_one_nonce_and_one_agent() -> None:
    signature = sign_login(KEY, DOMAIN, OTHER, NONCE)
    assert signer_of_login(DOMAIN, OTHER, login(ME, signature)) == ME
    assert signer_of_login(DOMAIN, ME, login(ME, signature)) != ME
    assert signer_of_login(DOMAIN, OTHER, login(ME, signature, "0x" + "04" * 32)) != ME
    assert signer_of_login(DOMAIN, OTHER, login(OTHER, signature)) not in (ME, OTHER)
    assert signer_of_login(DOMAIN, OTHER, login(ME.lower(), signature)) == ME


def test_the_other_of_two_equal_signatures_is_refused() -> None:
    """The contract takes the lower s only; whoever took both could be shown one message twice."""
    raw = bytes.fromhex(sign_assignment(KEY, DOMAIN, ASSIGNMENT)[2:])
    high = (ORDER - int.from_bytes(raw[32:64], "big")).to_bytes(32, "big")
    twin = raw[:32] + high + bytes([55 - raw[64]])
    with pytest.raises(NotAllowed):
        signer_of_assignment(DOMAIN, ASSIGNMENT, "0x" + twin.hex())


@pytest.mark.parametrize(
    "signature", ["", "0x", "0x12", "0x" + "00" * 65, "0x" + "ff" * 65, "0x" + "11" * 64, "zz"]
)
def test_what_is_no_signature_is_not_allowed(signature: str) -> None:
    with pytest.raises(NotAllowed):
        signer_of_assignment(DOMAIN, ASSIGNMENT, signature)


@settings(max_examples=50)
@given(st.binary(min_size=65, max_size=65))
def test_no_bytes_at_random_are_a_signature_of_ours(raw: bytes) -> None:
    with suppress(NotAllowed):
        assert signer_of_assignment(DOMAIN, ASSIGNMENT, "0x" + raw.hex()) != ME


def test_values_out_of_range_are_not_signed() -> None:
    with pytest.raises(InvalidInput):
        sign_assignment(KEY, DOMAIN, replace(ASSIGNMENT, attempt=256))
    with pytest.raises(InvalidInput):
        sign_assignment(KEY, DOMAIN, replace(ASSIGNMENT, job_id=JobId("job")))


def test_an_assignment_goes_over_the_wire_unchanged() -> None:
    body = assignment_body(ASSIGNMENT)
    assert assignment_of(type(body).model_validate_json(body.model_dump_json())) == ASSIGNMENT

"""Secrets open for their holder, their job and their attempt, and for nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chain.errors import InvalidInput, NotAllowed, TooLarge
from chain.job import Address, JobId
from chain.messages import Domain
from chain.sealed import new_identity, recipient_of, seal
from chain.secret_values import MAX_VALUES, Bound, open_values, seal_values

IDENTITY = new_identity()
TO = recipient_of(IDENTITY)
HERE = Bound(
    Domain(31337, Address("0x" + "ab" * 20)), JobId("0x" + "11" * 32), 2, Address("0x" + "Cd" * 20)
)
VALUES = {"A": b"\x00\xff binary", "B_2": b"text"}


def test_they_come_out_as_they_went_in() -> None:
    assert open_values(seal_values(VALUES, HERE, TO), IDENTITY, HERE) == VALUES


@pytest.mark.parametrize(
    "other",
    [
        replace(HERE, job_id=JobId("0x" + "12" * 32)),
        replace(HERE, attempt=3),
        replace(HERE, attempt=None),
        replace(HERE, holder=Address("0x" + "ce" * 20)),
        replace(HERE, domain=Domain(1, HERE.domain.escrow)),
        replace(HERE, domain=Domain(31337, Address("0x" + "ac" * 20))),
    ],
)
def test_what_was_sealed_for_something_else_is_refused(other: Bound) -> None:
    with pytest.raises(NotAllowed):
        open_values(seal_values(VALUES, other, TO), IDENTITY, HERE)


def test_another_key_opens_nothing() -> None:
    with pytest.raises(NotAllowed):
        open_values(seal_values(VALUES, HERE, TO), new_identity(), HERE)


@pytest.mark.parametrize("text", [b"", b"{}", b"[1]", b'{"kind": "draas secrets 1"}', b"\xff"])
def test_what_are_no_secrets_is_refused_without_being_told(text: bytes) -> None:
    with pytest.raises(NotAllowed) as refusal:
        open_values(seal(text, [TO]), IDENTITY, HERE)
    assert "draas" not in str(refusal.value)


def test_the_limits_hold_on_both_sides() -> None:
    with pytest.raises(TooLarge):
        seal_values({"A": bytes(MAX_VALUES), "B": b"x"}, HERE, TO)
    with pytest.raises(InvalidInput):
        seal_values({"no name": b"x"}, HERE, TO)
    with pytest.raises(InvalidInput):
        seal_values({f"N{n}": b"x" for n in range(33)}, HERE, TO)
    with pytest.raises(TooLarge):
        open_values(bytes(60_000), IDENTITY, HERE)

"""Secrets on the command line: from where they are said to be, and refused before anything is paid."""

from __future__ import annotations

from pathlib import Path

import pytest

from chain.errors import InvalidInput, NotFound, TooLarge
from chain.manifest import parse_manifest
from cli.secrets import asked_for, read_secrets

MANIFEST = parse_manifest("secrets: [A, {name: B, env: true}]")


def test_a_value_a_file_and_the_environment(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\x00 binary\n")
    found = read_secrets(MANIFEST, [f"A=@{tmp_path / 'a'}", "B=x=y"], {})
    assert found == {"A": b"\x00 binary\n", "B": b"x=y"}
    assert read_secrets(MANIFEST, ["A"], {"A": "1", "B": "2"}) == {"A": b"1", "B": b"2"}


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (["A=1"], InvalidInput),  # B is missing
        (["A=1", "A=2", "B=3"], InvalidInput),
        (["A=1", "B=2", "C=3"], InvalidInput),
        (["A=", "B=2"], InvalidInput),
        (["A=@/nowhere", "B=2"], NotFound),
        (["A=1", "B=a\0b"], InvalidInput),
        ([f"A={'x' * 40_000}", "B=2"], TooLarge),
    ],
)
def test_what_cannot_be_is_refused_without_telling_a_value(
    given: list[str], error: type[Exception]
) -> None:
    with pytest.raises(error) as refusal:
        read_secrets(MANIFEST, given, {})
    assert "x" * 20 not in str(refusal.value)


def test_a_job_without_secrets_takes_none() -> None:
    assert read_secrets(parse_manifest(""), [], {"A": "1"}) == {}
    with pytest.raises(InvalidInput):
        read_secrets(parse_manifest(""), ["A=1"], {})


def test_for_a_job_that_is_posted_what_is_given_is_what_is_asked_for() -> None:
    assert read_secrets(asked_for(["A=1", "B"]), ["A=1", "B"], {"B": "2"}) == {"A": b"1", "B": b"2"}
    for given in (["no name=1"], ["A=1", "A=2"]):
        with pytest.raises(InvalidInput):
            read_secrets(asked_for(given), given, {})

"""A ledger's lines: whoever changes, drops or moves one is found out."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.job import Usage
from chain.ledger import GENESIS, RunLine, Totals, encode, head_of, read_entries
from tests.unit.chain.ledgers import RUN, an_honest_one, sample, written


def good(data: bytes) -> int:
    """How many bytes of a ledger follow from one another."""
    return max((entry.ends for entry in read_entries(data)), default=0)


def test_what_is_written_is_read_again_line_by_line() -> None:
    data = written(an_honest_one())
    entries = list(read_entries(data))
    assert [type(entry.line).__name__ for entry in entries] == [
        "RunLine", "StartLine", "Totals", "ReportLine", "Totals", "ReportLine"
    ]  # fmt: skip
    assert entries[0].line == RUN
    assert entries[0].prev == GENESIS
    assert [entry.prev for entry in entries[1:]] == [entry.head for entry in entries[:-1]]
    assert good(data) == len(data)


def test_no_byte_can_be_changed_without_being_found() -> None:
    data = written(an_honest_one())
    last = data.rindex(b"\n", 0, len(data) - 1)
    for place in range(
        0, last, 7
    ):  # the last line is held by its signature and by whoever kept its hash
        changed = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        assert good(changed) < len(changed), place


def test_a_line_that_is_left_out_is_missed() -> None:
    lines = written(an_honest_one()).splitlines(keepends=True)
    for gone in range(len(lines) - 1):
        rest = b"".join(lines[:gone] + lines[gone + 1 :])
        assert good(rest) < len(rest)


def test_a_total_that_falls_ends_what_is_good() -> None:
    data = written([RUN, sample(9), sample(5)])
    assert good(data) == len(written([RUN, sample(9)]))


@pytest.mark.parametrize(
    "change",
    [
        {"cpu_ns": -1},
        {"cpu_ns": True},
        {"cpu_ns": 1.0},
        {"cpu_ns": "1"},
        {"cpu_ns": 2**96},
        {"more": 1},
        {"boot": "x" * 201},
        {"kind": "other"},
        {"kind": ["sample"]},
    ],
)
def test_a_line_of_another_form_is_none(change: dict[str, object]) -> None:
    body = json.loads(encode(sample(1), GENESIS)) | change
    assert not list(read_entries(json.dumps(body).encode() + b"\n"))


@pytest.mark.parametrize(
    "text",
    [b"", b"\n", b"[]\n", b"1\n", b"{}\n", b"[" * 4000 + b"\n", b"9" * 4095 + b"\n", b"\xff\n"],
)
def test_what_is_no_line_is_passed_by(text: bytes) -> None:
    assert not list(read_entries(text))


def test_a_line_without_end_is_not_searched_for_one() -> None:
    line = encode(RunLine(1, 1, "x" * 5000, "", 1, "", "", 1, 1, 1), GENESIS)
    assert not list(read_entries(line))


def test_the_hash_of_a_line_is_the_sha256_of_its_text() -> None:
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert head_of(b"abc\n") == head_of(b"abc") == known


@given(
    st.integers(0, 10**18), st.integers(0, 10**24), st.integers(0, 10**15), st.integers(0, 10**12)
)
def test_totals_are_rounded_down(cpu: int, memory: int, egress: int, wall: int) -> None:
    usage = Totals(cpu_ns=cpu, memory_byte_ms=memory, egress_bytes=egress, wall_ms=wall).usage()
    assert usage == Usage(cpu // 10**6, memory // (2**20 * 1000), egress // 1024, wall // 1000)

"""The ledger's file: it goes on where it ended, and survives what crashes do to files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agent.meter.ledger import Ledger
from chain.ledger import GENESIS, Totals, read_entries


def written(path: Path, count: int = 3) -> list[Totals]:
    """A ledger of so many lines."""
    ledger = Ledger(path)
    lines = [
        Totals(cpu_ns=i, memory_byte_ms=2 * i, wall_ms=3 * i, at_ms=i) for i in range(1, count + 1)
    ]
    for totals in lines:
        ledger.append(totals)
    ledger.close()
    return lines


def is_whole(path: Path) -> bool:
    """Whether every line follows from the one before it."""
    data = path.read_bytes()
    return [entry.ends for entry in read_entries(data)][-1] == len(data)


def test_a_ledger_is_read_on_where_it_ended(tmp_path: Path) -> None:
    path = tmp_path / "usage.jsonl"
    lines = written(path)
    again = Ledger(path)
    assert again.totals == lines[-1]
    head = again.head
    again.append(replace(lines[-1], cpu_ns=99))
    assert again.head != head
    again.close()
    assert is_whole(path)


def test_a_new_ledger_is_empty(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "usage.jsonl")
    assert (ledger.totals, ledger.head) == (Totals(), GENESIS)
    ledger.close()


def test_usage_cannot_fall(tmp_path: Path) -> None:
    path = tmp_path / "usage.jsonl"
    lines = written(path)
    ledger = Ledger(path)
    with pytest.raises(ValueError, match="cannot fall"):
        ledger.append(replace(lines[-1], wall_ms=0))
    ledger.close()


def test_a_line_cut_off_by_a_crash_is_dropped_wherever_it_was_cut(tmp_path: Path) -> None:
    whole = tmp_path / "whole.jsonl"
    lines = written(whole)
    body = whole.read_bytes()
    second_ends = body.index(b"\n", body.index(b"\n") + 1) + 1
    for cut in range(second_ends, len(body)):
        path = tmp_path / f"{cut}.jsonl"
        path.write_bytes(body[:cut])
        ledger = Ledger(path)
        assert ledger.totals == lines[1]
        ledger.append(lines[2])
        ledger.close()
        assert is_whole(path)


def test_a_changed_line_is_found_and_set_aside_with_all_after_it(tmp_path: Path) -> None:
    path = tmp_path / "usage.jsonl"
    lines = written(path)
    path.write_bytes(path.read_bytes().replace(b'"cpu_ns":2', b'"cpu_ns":1'))
    ledger = Ledger(path)
    assert ledger.totals == replace(lines[1], cpu_ns=1)
    ledger.close()
    assert b'"cpu_ns":3' in path.with_suffix(".broken").read_bytes()

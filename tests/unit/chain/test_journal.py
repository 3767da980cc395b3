"""The sender's memory outlives the process, keeps chains apart, and belongs to one holder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chain.errors import Conflict
from chain.fees import Fees
from chain.job import Address, TxHash
from chain.journal import Attempt, Journal, Planned, Receipt, State

ME = Address("0x52908400098527886E0F7030069857D2E4169EE7")
CHAIN, OTHER = "1337/0xaa", "1337/0xbb"


def planned(nonce: int, key: str = "") -> Planned:
    return Planned(key, "pay", ME, b"\1", 2**200, 21_000, nonce)


def attempt(name: str, most: int = 5) -> Attempt:
    return Attempt(TxHash("0x" + name), name.encode(), Fees(most, 1), 1.5)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path, ME)
    yield opened
    opened.close()


def test_what_was_recorded_is_there_after_a_restart(tmp_path: Path) -> None:
    first = Journal(tmp_path, ME)
    first.record(CHAIN, planned(0, "k"), attempt("a"))
    first.close()
    second = Journal(tmp_path, ME)
    found = second.by_key(CHAIN, "k")
    second.close()
    assert found is not None
    assert (found.state, found.nonce, found.value) == (State.SENT, 0, 2**200)
    assert found.attempts == (attempt("a"),)
    assert found.receipt is None


def test_only_one_holds_a_key_and_its_file_is_private(tmp_path: Path, journal: Journal) -> None:
    with pytest.raises(Conflict):
        Journal(tmp_path, ME)
    files = list(tmp_path.glob("*.sqlite3"))
    assert [file.stat().st_mode & 0o777 for file in files] == [0o600]


def test_nonces_go_on_after_the_highest_that_was_not_dropped(journal: Journal) -> None:
    assert journal.next_nonce(CHAIN) == 0
    journal.record(CHAIN, planned(4), attempt("a"))
    dropped = journal.record(CHAIN, planned(5), attempt("b"))
    assert journal.next_nonce(CHAIN) == 6
    journal.dropped(dropped)
    assert journal.next_nonce(CHAIN) == 5
    assert journal.next_nonce(OTHER) == 0


def test_chains_with_one_id_are_kept_apart(journal: Journal) -> None:
    journal.record(CHAIN, planned(0, "k"), attempt("a"))
    assert journal.by_key(OTHER, "k") is None
    assert journal.under_way(OTHER) == []


def test_a_key_names_the_last_intent_recorded_under_it(journal: Journal) -> None:
    first = journal.record(CHAIN, planned(0, "k"), attempt("a"))
    journal.dropped(first)
    second = journal.record(CHAIN, planned(0, "k"), attempt("a"))
    found = journal.by_key(CHAIN, "k")
    assert found is not None
    assert found.id == second
    assert found.attempts == journal.by_id(first).attempts == (attempt("a"),)


def test_what_is_mined_is_not_under_way_until_it_is_unmined(journal: Journal) -> None:
    intent = journal.record(CHAIN, planned(0, "k"), attempt("a"))
    journal.add_attempt(intent, attempt("b", 9))
    receipt = Receipt(TxHash("0xb"), 7, 21_000, 1)
    journal.mined(intent, receipt)
    assert journal.under_way(CHAIN) == []
    assert journal.by_id(intent).receipt == receipt
    assert [one.id for one in journal.from_nonce(CHAIN, 0)] == [intent]
    journal.unmined(intent)
    (again,) = journal.under_way(CHAIN)
    assert [one.fees.most for one in again.attempts] == [5, 9]


def test_a_touched_attempt_counts_as_sent_now(journal: Journal) -> None:
    intent = journal.record(CHAIN, planned(0), attempt("a"))
    journal.touched(TxHash("0xa"))
    assert journal.by_id(intent).attempts[0].sent_at > 1.5


def test_many_calls_without_a_key_stand_side_by_side(journal: Journal) -> None:
    for nonce in range(3):
        journal.record(CHAIN, planned(nonce), attempt(str(nonce)))
    assert [one.nonce for one in journal.under_way(CHAIN)] == [0, 1, 2]

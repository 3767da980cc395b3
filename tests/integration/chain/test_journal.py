"""The sender's memory outlives the process, keeps chains apart, and belongs to one holder, wherever it is kept."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import cast

import psycopg
import pytest

from chain.errors import Conflict, Unavailable
from chain.fees import Fees
from chain.job import Address, TxHash
from chain.journal import Attempt, Journal, Planned, Receipt, State, Where
from chain.journal_place import KeyLost
from chain.journal_postgres import SETTINGS, PostgresPlace
from tests.fixtures_postgres import Postgres

ME = Address("0x52908400098527886E0F7030069857D2E4169EE7")
OTHERS = Address("0x8617E340B3D01FA5F11F306F4090FD50E238070D")
ENDED = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'draas-sender'"
)
CHAIN, OTHER = "1337/0xaa", "1337/0xbb"


def planned(nonce: int, key: str = "") -> Planned:
    return Planned(key, "pay", ME, b"\1", 2**200, 21_000, nonce)


def attempt(name: str, most: int = 5) -> Attempt:
    return Attempt(TxHash("0x" + name), name.encode(), Fees(most, 1), 1.5)


@pytest.fixture
def journal(journal_place: Where) -> Iterator[Journal]:
    opened = Journal(journal_place, ME)
    yield opened
    opened.close()


def test_what_was_recorded_is_there_after_a_restart(journal_place: Where) -> None:
    first = Journal(journal_place, ME)
    first.record(CHAIN, planned(0, "k"), attempt("a"))
    first.close()
    second = Journal(journal_place, ME)
    found = second.by_key(CHAIN, "k")
    second.close()
    assert found is not None
    assert (found.state, found.nonce, found.value) == (State.SENT, 0, 2**200)
    assert found.attempts == (attempt("a"),)
    assert found.receipt is None


def test_only_one_holds_a_key_until_it_lets_it_go(journal_place: Where) -> None:
    first = Journal(journal_place, ME)
    with pytest.raises(Conflict, match="Another process"):
        Journal(journal_place, ME)
    another = Journal(journal_place, OTHERS)
    first.close()
    Journal(journal_place, ME).close()
    another.close()


def test_keys_in_one_place_have_memories_of_their_own(
    journal_place: Where, journal: Journal
) -> None:
    journal.record(CHAIN, planned(0, "k"), attempt("a"))
    other = Journal(journal_place, OTHERS)
    assert other.by_key(CHAIN, "k") is None
    other.close()


def test_the_file_of_a_key_is_private(tmp_path: Path) -> None:
    Journal(tmp_path, ME).close()
    files = list(tmp_path.glob("*.sqlite3"))
    assert [file.stat().st_mode & 0o777 for file in files] == [0o600]


def test_half_of_what_belongs_together_is_never_recorded(journal: Journal) -> None:
    broken = replace(attempt("a"), raw=cast(bytes, None))
    with pytest.raises((sqlite3.IntegrityError, psycopg.IntegrityError)):
        journal.record(CHAIN, planned(0, "k"), broken)
    assert journal.next_nonce(CHAIN) == 0
    journal.record(CHAIN, planned(0, "k"), attempt("a"))


def test_who_lost_the_connection_has_lost_the_key_and_records_nothing(
    postgres: Postgres, postgres_url: str
) -> None:
    place = partial(PostgresPlace, postgres_url)
    first = Journal(place, ME)
    postgres.ask(ENDED)
    second = Journal(place, ME)
    with pytest.raises(KeyLost):
        first.check()
    with pytest.raises(KeyLost):
        first.record(CHAIN, planned(0, "k"), attempt("a"))
    assert second.next_nonce(CHAIN) == 0
    first.close()
    with pytest.raises(Conflict):
        Journal(place, ME)
    second.close()


def test_the_server_ends_a_holder_that_is_silent(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SETTINGS, "idle_session_timeout", 1)
    place = partial(PostgresPlace, postgres_url)
    frozen = Journal(place, ME)
    for _ in range(100):
        try:
            Journal(place, ME).close()
            break
        except Conflict:
            time.sleep(0.1)
    with pytest.raises(KeyLost):
        frozen.next_nonce(CHAIN)


def test_a_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        PostgresPlace(f"postgresql://x@/x?host={tmp_path}", ME)


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

"""CARs of strangers: everything hostile is refused by name, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.car import CarReader, WrongBytes, header, section, unpack
from chain.cid import CidBytes, Codec, cid_text
from chain.errors import Conflict, DraasError, InvalidInput, NotFound, TooLarge, Unavailable
from chain.folder import Gate, Limits
from chain.protobuf import field
from chain.unixfs import DIRECTORY, MAX_BLOCK_BYTES, Link
from tests.unit.chain.dags import Dag, listing

SMALL = Limits(max_bytes=10_000, max_file_bytes=8_000, max_files=20, max_depth=4, max_blocks=60)


def refused(tmp_path: Path, car: bytes, root: CidBytes, kind: type[DraasError], told: str) -> None:
    with pytest.raises(kind, match=told):
        unpack([car], root, tmp_path / "out", SMALL)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_comes_out_as_it_went_in(tmp_path: Path) -> None:
    dag = Dag()
    halves = dag.file([dag.raw(b"he"), dag.raw(b"llo")], [2, 3], 5)
    root = dag.folder(a=halves, sub=dag.folder(run=dag.raw(b"#!/bin/sh\n")), empty=dag.folder())
    car = dag.car(root)
    unpack([car[n : n + 7] for n in range(0, len(car), 7)], root.cid, tmp_path / "out", SMALL)
    assert listing(tmp_path / "out") == {
        "a": b"hello",
        "empty": None,
        "sub": None,
        "sub/run": b"#!/bin/sh\n",
    }
    assert (tmp_path / "out/sub/run").stat().st_mode & 0o7777 == 0o755
    assert (tmp_path / "out/a").stat().st_mode & 0o7777 == 0o644


def test_a_block_that_was_tampered_with_is_refused(tmp_path: Path) -> None:
    dag = Dag()
    root = dag.folder(a=dag.raw(b"pay the provider"))
    car = dag.car(root).replace(b"pay the provider", b"pay the attacker")
    refused(tmp_path, car, root.cid, WrongBytes, "something else")


def test_a_car_of_something_else_is_refused(tmp_path: Path) -> None:
    dag = Dag()
    wanted, sent = dag.folder(a=dag.raw(b"1")), dag.folder(a=dag.raw(b"2"))
    refused(tmp_path, dag.car(sent), wanted.cid, WrongBytes, f"else than {cid_text(wanted.cid)}")


def test_a_block_that_nobody_asked_for_is_refused(tmp_path: Path) -> None:
    dag = Dag()
    root = dag.folder()
    stray = Dag().raw(b"stray")
    car = dag.car(root) + section(stray.cid, b"stray")
    refused(tmp_path, car, root.cid, WrongBytes, "nobody asked for")


def test_a_missing_block_is_told_as_not_found(tmp_path: Path) -> None:
    dag = Dag()
    root = dag.folder(a=dag.raw(b"1"))
    car = header(root.cid) + section(root.cid, dag.blocks[root.cid])
    refused(tmp_path, car, root.cid, NotFound, "did not come")


def test_a_car_that_ends_in_the_middle_says_nothing_about_the_content(tmp_path: Path) -> None:
    dag = Dag()
    root = dag.folder(a=dag.raw(b"12345"))
    refused(tmp_path, dag.car(root)[:-2], root.cid, Unavailable, "cut off")


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "/etc", "nul\0", "new\nline", "\x1b[2J", "\u2028", "n" * 256]
)
def test_a_hostile_name_is_refused(tmp_path: Path, name: str) -> None:
    dag = Dag()
    root = dag.named([(name, dag.raw(b"1"))])
    refused(tmp_path, dag.car(root), root.cid, InvalidInput, "path|name")


def test_a_name_that_is_not_text_is_refused(tmp_path: Path) -> None:
    dag = Dag()
    leaf = dag.raw(b"1")
    bad = field(1, bytes(leaf.cid)) + field(2, b"\xff\xfe") + field(3, 1)
    block = field(2, bad) + field(1, field(1, DIRECTORY))
    root = dag.keep(Codec.DAG_PB, block)
    refused(tmp_path, dag.car(root), root.cid, InvalidInput, "not UTF-8")


@pytest.mark.parametrize(
    "pair", [("a", "a"), ("Makefile", "makefile"), ("\u00e9", "e\u0301"), ("ß", "SS")]
)
def test_names_that_are_one_on_some_machines_are_refused(
    tmp_path: Path, pair: tuple[str, str]
) -> None:
    dag = Dag()
    leaf = dag.raw(b"1")
    root = dag.named([(name, leaf) for name in pair])
    refused(tmp_path, dag.car(root), root.cid, InvalidInput, "the same on some machines")


def a_link(dag: Dag) -> Link:
    return dag.folder(a=dag.node((), field(1, 4) + field(2, b"/etc/passwd")))


def a_lying_total(dag: Dag) -> Link:
    return dag.folder(a=dag.file([dag.raw(b"12")], [2], 3))


def a_lying_part(dag: Dag) -> Link:
    return dag.folder(a=dag.file([dag.raw(b"12")], [3], 3))


def sizes_missing(dag: Dag) -> Link:
    return dag.folder(a=dag.file([dag.raw(b"12")], [], 0))


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (a_link, "symbolic link"),
        (lambda dag: dag.folder(a=dag.node((), field(1, 5))), "sharded"),
        (a_lying_total, "add up"),
        (a_lying_part, "add up"),
        (sizes_missing, "add up"),
        (lambda dag: dag.folder(a=dag.file([dag.folder()], [0], 0)), "not a file"),
        (lambda dag: dag.raw(b"file"), "not a folder"),
    ],
)
def test_content_that_is_not_files_and_folders_is_refused(
    tmp_path: Path, make: Callable[[Dag], Link], told: str
) -> None:
    dag = Dag()
    root = make(dag)
    refused(tmp_path, dag.car(root), root.cid, InvalidInput, told)


def one_large_file(dag: Dag) -> Link:
    return dag.folder(a=dag.raw(bytes(8_001)))


def much_in_all(dag: Dag) -> Link:
    return dag.folder(a=dag.raw(bytes(6_000)), b=dag.raw(bytes(6_001)))


def the_same_block_over_and_over(dag: Dag) -> Link:
    part = dag.raw(bytes(1_000))
    return dag.folder(a=dag.file([part] * 9, [1_000] * 9, 9_000))


def many_files(dag: Dag) -> Link:
    leaf = dag.raw(b"")
    return dag.named([(f"f{n}", leaf) for n in range(21)])


def deep(dag: Dag) -> Link:
    link = dag.folder()
    for _ in range(5):
        link = dag.folder(a=link)
    return link


def folders_that_double(dag: Dag) -> Link:
    link = dag.folder()
    for _ in range(4):
        link = dag.folder(a=link, b=link)
    return link


def nothing_that_multiplies(dag: Dag) -> Link:
    link, size = dag.raw(b""), 0
    for _ in range(3):
        link = dag.file([link] * 10, [size] * 10, 0)
    return dag.folder(a=link)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (one_large_file, "A file over"),
        (much_in_all, "in all"),
        (the_same_block_over_and_over, "A file over"),
        (many_files, "More than 20 files"),
        (deep, "4 deep"),
        (folders_that_double, "More than 20 files"),
        (nothing_that_multiplies, "60 blocks"),
    ],
)
def test_each_limit_is_named_when_it_is_passed(
    tmp_path: Path, make: Callable[[Dag], Link], told: str
) -> None:
    dag = Dag()
    root = make(dag)
    refused(tmp_path, dag.car(root), root.cid, TooLarge, told)


def test_a_file_tree_without_end_is_cut_short(tmp_path: Path) -> None:
    dag = Dag()
    link = dag.raw(b"")
    for _ in range(10):
        link = dag.file([link], [0], 0)
    root = dag.folder(a=link)
    refused(tmp_path, dag.car(root), root.cid, InvalidInput, "not a file")


def test_a_block_over_two_mebibytes_is_refused(tmp_path: Path) -> None:
    dag = Dag()
    root = dag.folder(a=dag.raw(bytes(MAX_BLOCK_BYTES + 100)))
    refused(tmp_path, dag.car(root), root.cid, WrongBytes, "are allowed")


@pytest.mark.parametrize("sent", [b"", b"<html>busy</html>", b"\xff" * 99, b"\x01", b"{}"], ids=len)
def test_what_is_no_car_says_nothing_about_the_content(tmp_path: Path, sent: bytes) -> None:
    """A source that is broken is not a bundle that is broken: it is tried again, elsewhere or later."""
    refused(tmp_path, sent, Dag().folder().cid, Unavailable, "CAR")


def test_a_dag_that_is_too_large_in_all_is_refused_for_good(tmp_path: Path) -> None:
    dag = Dag()
    parts = [dag.raw(bytes([n]) * 1_000_000) for n in range(3)]
    root = dag.folder(a=dag.file(parts, [1_000_000] * 3, 3_000_000))
    with pytest.raises(TooLarge):
        unpack([dag.car(root)], root.cid, tmp_path / "out", SMALL)
    assert list(tmp_path.iterdir()) == []


def test_a_car_that_never_ends_is_cut_short(tmp_path: Path) -> None:
    dag = Dag()
    root = dag.folder()
    again = section(root.cid, dag.blocks[root.cid]) * 200_000

    def chunks() -> list[bytes]:
        return [dag.car(root), again]

    with pytest.raises(WrongBytes, match="A CAR over"):
        unpack(chunks(), root.cid, tmp_path / "out", SMALL)
    assert list(tmp_path.iterdir()) == []


def test_two_roots_or_another_version_are_refused() -> None:
    root = Dag().folder().cid
    for bad in (header(root).replace(b"\x01", b"\x02"), b"\x0a" + bytes(10), b"", b"\xff" * 20):
        with pytest.raises((InvalidInput, Unavailable)):
            CarReader([bad], 10_000).root()


def test_a_place_that_is_taken_is_left_alone(tmp_path: Path) -> None:
    dag = Dag()
    root = dag.folder(a=dag.raw(b"new"))
    (tmp_path / "out").mkdir()
    (tmp_path / "out/old").write_text("old")
    with pytest.raises(Conflict):
        unpack([dag.car(root)], root.cid, tmp_path / "out", SMALL)
    assert listing(tmp_path) == {"out": None, "out/old": b"old"}


def test_nothing_appears_after_somebody_gave_up(tmp_path: Path) -> None:
    dag, gate = Dag(), Gate()
    root = dag.folder(a=dag.raw(b"late"))
    assert gate.close()
    with pytest.raises(Unavailable):
        unpack([dag.car(root)], root.cid, tmp_path / "out", SMALL, gate)
    assert list(tmp_path.iterdir()) == []


def test_giving_up_after_the_end_changes_nothing(tmp_path: Path) -> None:
    dag, gate = Dag(), Gate()
    root = dag.folder(a=dag.raw(b"in time"))
    unpack([dag.car(root)], root.cid, tmp_path / "out", SMALL, gate)
    assert not gate.close()
    assert (tmp_path / "out/a").read_bytes() == b"in time"


@given(st.integers(min_value=0), st.binary(min_size=1, max_size=4))
@settings(max_examples=300, deadline=None)
def test_no_damage_gets_other_content_through(at: int, damage: bytes) -> None:
    dag = Dag()
    root = dag.folder(a=dag.file([dag.raw(b"he"), dag.raw(b"llo")], [2, 3], 5), z=dag.folder())
    car = bytearray(dag.car(root))
    start = at % len(car)
    car[start : start + len(damage)] = damage
    reader = CarReader([bytes(car)], 10_000)
    try:
        reader.root()
        got = dict(reader.blocks())
    except DraasError:
        return
    assert all(dag.blocks[cid] == block for cid, block in got.items() if cid in dag.blocks)

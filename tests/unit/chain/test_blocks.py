"""Blocks on disk: atomic, checked when they are read, pins that survive."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from chain.car import CarReader
from chain.cid import CidBytes, Codec, cid_of
from chain.content.blocks import Blocks
from chain.errors import InvalidInput, NotFound
from tests.unit.chain.dags import Dag

HELLO = cid_of(b"hello", Codec.RAW)


def the_file(root: Path) -> Path:
    (file,) = root.glob("blocks/*/*")
    return file


def test_a_block_reads_back_in_another_process(tmp_path: Path) -> None:
    Blocks(tmp_path).put(HELLO, b"hello")
    assert Blocks(tmp_path).get(HELLO) == b"hello"


def test_a_block_that_is_not_what_its_cid_says_is_refused(tmp_path: Path) -> None:
    blocks = Blocks(tmp_path)
    with pytest.raises(InvalidInput):
        blocks.put(HELLO, b"other")
    assert not blocks.has(HELLO)


def test_a_damaged_block_counts_as_absent_and_is_healed_when_it_comes_again(tmp_path: Path) -> None:
    blocks = Blocks(tmp_path)
    blocks.put(HELLO, b"hello")
    the_file(tmp_path).write_bytes(b"hel")
    with pytest.raises(NotFound):
        blocks.get(HELLO)
    blocks.put(HELLO, b"hello")
    assert blocks.get(HELLO) == b"hello"


def test_what_a_killed_process_left_half_written_is_cleared_away(tmp_path: Path) -> None:
    Blocks(tmp_path).put(HELLO, b"hello")
    (the_file(tmp_path).parent / ".new-half").write_bytes(b"hal")
    assert Blocks(tmp_path).count() == (1, 5)
    assert not list(tmp_path.rglob(".new-*"))


def test_pins_survive_a_restart_and_can_be_taken_back(tmp_path: Path) -> None:
    Blocks(tmp_path).pin(HELLO)
    assert Blocks(tmp_path).pins() == [HELLO]
    assert Blocks(tmp_path).unpin(HELLO)
    assert not Blocks(tmp_path).unpin(HELLO)
    assert Blocks(tmp_path).pins() == []


def test_a_dag_with_a_hole_is_known_to_be_incomplete(tmp_path: Path) -> None:
    dag, blocks = Dag(), Blocks(tmp_path)
    leaf = dag.raw(b"leaf")
    root = dag.folder(a=dag.folder(b=leaf))
    for cid, block in dag.blocks.items():
        if cid != leaf.cid:
            blocks.put(cid, block)
    assert blocks.missing(root.cid) == leaf.cid
    blocks.put(leaf.cid, b"leaf")
    assert blocks.missing(root.cid) is None


def test_a_car_has_every_block_once(tmp_path: Path) -> None:
    dag, blocks = Dag(), Blocks(tmp_path)
    leaf = dag.raw(b"leaf")
    root = dag.folder(a=leaf, b=leaf, c=dag.folder(d=leaf))
    for cid, block in dag.blocks.items():
        blocks.put(cid, block)
    reader = CarReader(blocks.car(root.cid), 10_000)
    assert reader.root() == root.cid
    assert [cid for cid, _ in reader.blocks()].count(leaf.cid) == 1


def a_pinned_folder(blocks: Blocks, said: bytes) -> list[CidBytes]:
    """All blocks of a folder that is kept."""
    dag = Dag()
    root = dag.folder(a=dag.raw(said * 1000), b=dag.folder(c=dag.raw(said)))
    for cid, block in dag.blocks.items():
        blocks.put(cid, block)
    blocks.pin(root.cid)
    return list(dag.blocks)


def test_what_no_pin_holds_goes_when_there_is_too_much(tmp_path: Path) -> None:
    blocks = Blocks(tmp_path)
    kept, free = a_pinned_folder(blocks, b"1"), a_pinned_folder(blocks, b"2")
    blocks.unpin(free[-1])
    assert blocks.collect(10**6, time.time() + 10) == 0  # there is room
    assert blocks.collect(0, time.time() - 10) == 0  # it may be about to be pinned
    assert blocks.collect(0, time.time() + 10) == len(free)
    assert all(blocks.has(cid) for cid in kept)
    assert not any(blocks.has(cid) for cid in free)


def test_what_two_pins_hold_stays_for_one_of_them(tmp_path: Path) -> None:
    blocks, dag = Blocks(tmp_path), Dag()
    shared = dag.raw(b"shared")
    one, other = dag.folder(a=shared), dag.folder(b=shared)
    for cid, block in dag.blocks.items():
        blocks.put(cid, block)
    blocks.pin(other.cid)
    assert blocks.collect(0, time.time() + 10) == 1
    assert (blocks.has(one.cid), blocks.missing(other.cid)) == (False, None)


def test_only_as_much_goes_as_has_to_and_the_oldest_first(tmp_path: Path) -> None:
    blocks, dag = Blocks(tmp_path), Dag()
    cids = [dag.raw(bytes([n]) * 1000).cid for n in range(4)]
    for age, cid in enumerate(cids):
        blocks.put(cid, dag.blocks[cid])
        place = next((tmp_path / "blocks").glob(f"*/{cid[4:].hex()}"))
        os.utime(place, (age, age))
    blocks.put(cids[0], dag.blocks[cids[0]])  # again: it is young
    assert blocks.collect(2_000, time.time() - 100) == 2
    assert [blocks.has(cid) for cid in cids] == [True, False, False, True]

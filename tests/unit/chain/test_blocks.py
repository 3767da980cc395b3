"""Blocks on disk: atomic, checked when they are read, pins that survive."""

from __future__ import annotations

from pathlib import Path

import pytest

from chain.car import CarReader
from chain.cid import Codec, cid_of
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

"""A file comes out of its CAR as it went in; whatever else comes is refused, and bounded."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.car import WrongBytes, header, section
from chain.car_file import write_file
from chain.cid import CidBytes, Codec, cid_of
from chain.errors import DraasError, TooLarge, Unavailable
from chain.unixfs import CHUNK_BYTES, Link, add_file, add_folder
from tests.unit.chain.dags import Dag

Blocks = list[tuple[CidBytes, bytes]]


def cut(data: bytes) -> tuple[CidBytes, Blocks]:
    """A file's root, and its blocks depth first, each once."""
    made: dict[CidBytes, bytes] = {}
    root = add_file(io.BytesIO(data), made.__setitem__).cid
    order = [root, *(cid for cid in made if cid != root)]
    return root, [(cid, made[cid]) for cid in order]


def car(root: CidBytes, blocks: Blocks) -> bytes:
    return header(root) + b"".join(section(*one) for one in blocks)


def read(sent: bytes, root: CidBytes, max_bytes: int = 10**7, step: int = 70_000) -> bytes:
    out = io.BytesIO()
    size = write_file([sent[n : n + step] for n in range(0, len(sent), step)], root, out, max_bytes)
    assert size == len(out.getvalue())
    return out.getvalue()


@given(st.lists(st.sampled_from([0, 1, 2]), max_size=6), st.binary(max_size=20))
def test_a_file_comes_out_as_it_went_in_also_where_parts_of_it_are_alike(
    chunks: list[int], rest: bytes
) -> None:
    data = b"".join(bytes([chunk]) * CHUNK_BYTES for chunk in chunks) + rest
    root, blocks = cut(data)
    assert read(car(root, blocks), root) == data
    twice = [blocks[0], *[one for one in blocks[1:] for _ in range(2)]]
    assert read(car(root, twice), root) == data


def test_a_swapped_byte_is_refused() -> None:
    root, blocks = cut(b"a" * CHUNK_BYTES + b"the end")
    sent = car(root, blocks).replace(b"the end", b"an end!")
    with pytest.raises(WrongBytes, match="something else"):
        read(sent, root)


def test_a_node_that_is_sent_as_plain_bytes_is_refused() -> None:
    root, blocks = cut(b"a" * CHUNK_BYTES + b"the end")
    plain = cid_of(blocks[0][1], Codec.RAW)
    with pytest.raises(WrongBytes):
        read(header(root) + section(plain, blocks[0][1]), root)


def test_another_files_blocks_are_refused() -> None:
    root, blocks = cut(b"a" * CHUNK_BYTES + b"the end")
    other, others = cut(b"other")
    for sent in (car(other, others), car(root, others), car(root, blocks[:2] + others)):
        with pytest.raises(WrongBytes):
            read(sent, root)
    with pytest.raises(WrongBytes):  # more than was asked for
        read(car(root, blocks + others), root)


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_a_transfer_that_was_cut_is_told_from_one_that_lies(kept: int) -> None:
    root, blocks = cut(b"a" * CHUNK_BYTES + b"the end")
    with pytest.raises(Unavailable) as told:
        read(car(root, blocks[:kept]), root)
    assert not isinstance(told.value, WrongBytes)


def test_a_file_over_its_size_is_refused_before_it_is_written() -> None:
    root, blocks = cut(bytes(8 * CHUNK_BYTES))  # all chunks alike: two blocks come
    out = io.BytesIO()
    with pytest.raises(TooLarge):
        write_file([car(root, blocks)], root, out, CHUNK_BYTES)
    assert len(out.getvalue()) <= CHUNK_BYTES


def test_nodes_without_end_and_without_bytes_are_refused() -> None:
    """Each names the one below many times, the lowest an empty block."""
    dag, below = Dag(), Link(CidBytes(b""), 0)
    below = dag.raw(b"")
    made = [below]
    for _ in range(6):
        below = dag.file([below] * 100, [0] * 100, 0)
        made.append(below)
    with pytest.raises(TooLarge):
        read(dag.car(below), below.cid, 1000)


def test_a_folder_is_no_file() -> None:
    made: dict[CidBytes, bytes] = {}
    root = add_folder([], made.__setitem__).cid
    with pytest.raises(WrongBytes, match="folder"):
        read(car(root, list(made.items())), root)


@given(st.binary(max_size=200))
def test_noise_is_refused_by_name(noise: bytes) -> None:
    root, _ = cut(b"x")
    with pytest.raises(DraasError):
        read(noise, root)

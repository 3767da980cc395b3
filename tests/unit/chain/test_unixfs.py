"""Files and folders as blocks, held against an independent implementation of Kubo's layout."""

from __future__ import annotations

import contextlib
import io

import aleph_cid
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.cid import CidBytes, Codec, cid_of, cid_text
from chain.errors import InvalidInput, TooLarge
from chain.protobuf import field, read_varint, varint
from chain.unixfs import (
    CHUNK_BYTES,
    LINKS_PER_NODE,
    Format,
    Link,
    add_file,
    add_folder,
    decode,
    encode,
)

FULL_NODE = CHUNK_BYTES * LINKS_PER_NODE
SIZES = (0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, FULL_NODE, FULL_NODE + 1)


def forget(cid: CidBytes, block: bytes) -> None:
    """Only CIDs are compared."""


def cid_in_one_go(data: bytes, form: Format) -> str:
    return cid_text(add_file(io.BytesIO(data), forget, form).cid)


@pytest.mark.parametrize("size", SIZES)
def test_a_file_gets_the_cid_that_kubo_gives(size: int) -> None:
    data = bytes(size)
    v1, v0 = aleph_cid.CidHasher.for_ipfs_v1_raw_leaves(), aleph_cid.CidHasher.for_ipfs()
    v1.update(data)
    v0.update(data)
    assert cid_in_one_go(data, Format()) == v1.finalize()
    assert cid_in_one_go(data, Format(version=0, raw_leaves=False)) == v0.finalize()


class Dribble(io.BytesIO):
    """A file that gives less than it is asked for."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(size or 0, 70_001))


def test_a_file_that_is_read_in_dribs_gets_the_same_cid() -> None:
    data = b"abc" * 300_000
    assert cid_text(add_file(Dribble(data), forget).cid) == cid_in_one_go(data, Format())


def test_a_folder_does_not_depend_on_the_order_of_its_entries() -> None:
    leaf = cid_of(b"x", Codec.RAW)
    links = [Link(leaf, 1, name) for name in ("b", "a", "ä", "a.b", "a-b")]
    assert add_folder(links, forget) == add_folder(reversed(links), forget)


def test_a_folder_that_kubo_would_shard_is_refused() -> None:
    leaf = cid_of(b"x", Codec.RAW)
    with pytest.raises(TooLarge, match="more than fit in one block"):
        add_folder((Link(leaf, 1, f"file-{n:06}") for n in range(5_600)), forget)


def test_a_block_reads_back_as_it_was_written() -> None:
    link = Link(cid_of(b"x", Codec.RAW), 1, "ä")
    node = decode(encode([link], field(1, 1)))
    assert node.links == (link,)


@pytest.mark.parametrize(
    ("kind", "told"), [(4, "symbolic link"), (5, "sharded"), (3, "type 3"), (9, "type 9")]
)
def test_other_kinds_of_nodes_are_refused_by_name(kind: int, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        decode(encode((), field(1, kind)))


@given(st.binary(max_size=200))
@settings(max_examples=400, deadline=None)
def test_no_bytes_make_the_reader_fail_in_another_way(data: bytes) -> None:
    with contextlib.suppress(InvalidInput):
        decode(data)


@given(st.integers(min_value=0, max_value=2**64 - 1))
def test_a_varint_reads_back(number: int) -> None:
    assert read_varint(varint(number), 0) == (number, len(varint(number)))

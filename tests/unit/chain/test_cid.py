"""Content identifiers."""

from __future__ import annotations

import pytest

from chain.cid import Codec, checked, cid_bytes, cid_of, cid_text, codec_of, holds, parse_cid
from chain.errors import InvalidInput

HELLO = "bafkreicysg23kiwv34eg2d7qweipxwosdo2py4ldv42nbauguluen5v6am"
EMPTY_FOLDER = "bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354"
EMPTY_FOLDER_V0 = "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn"


def test_a_block_is_named_as_the_world_names_it() -> None:
    assert cid_text(cid_of(b"hello\n", Codec.RAW)) == HELLO
    assert cid_text(cid_of(b"\n\x02\x08\x01", Codec.DAG_PB)) == EMPTY_FOLDER
    assert cid_text(cid_of(b"\n\x02\x08\x01", Codec.DAG_PB, version=0)) == EMPTY_FOLDER_V0


@pytest.mark.parametrize("text", [HELLO, EMPTY_FOLDER, EMPTY_FOLDER_V0])
def test_a_cid_reads_back_as_it_was_written(text: str) -> None:
    assert cid_text(cid_bytes(text)) == text


def test_a_cid_says_how_to_read_its_block() -> None:
    assert codec_of(cid_bytes(HELLO)) is Codec.RAW
    assert codec_of(cid_bytes(EMPTY_FOLDER_V0)) is Codec.DAG_PB


def test_a_block_that_differs_in_one_bit_is_not_the_block() -> None:
    assert holds(cid_bytes(HELLO), b"hello\n")
    assert not holds(cid_bytes(HELLO), b"hellp\n")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "b",
        "bafybundle",
        HELLO.upper(),
        HELLO[:-1],
        HELLO + "a",
        HELLO[:-1] + "n",  # the last letter has bits that are not of the CID
        HELLO[:-1] + "1",
        "Qm" + "0" * 44,
        "Qm" + "z" * 44,
        "/ipfs/" + HELLO,
        "../" + HELLO,
        "bafkqabtimvwgy3yk",  # identity: the block is in the CID
        "bafyreidepjmjhvhlvp5eyxqpmyyi7rxwvl7wsglwai3cnvq63komq4tdya",  # dag-cbor
    ],
)
def test_what_is_no_cid_in_use_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="is not a CID"):
        cid_bytes(text)


def test_a_job_names_only_cids_of_version_1() -> None:
    assert parse_cid(f" {HELLO}\n") == HELLO
    with pytest.raises(InvalidInput, match="CIDv0"):
        parse_cid(EMPTY_FOLDER_V0)


def test_other_hashes_are_refused_in_binary_too() -> None:
    with pytest.raises(InvalidInput):
        checked(b"\x01\x55\x12\x40" + bytes(64))

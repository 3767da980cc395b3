"""ABI values as our types, and back, on an ABI made for it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.errors import Conflict, InvalidInput
from chain.interface import Abi, Interface, from_abi, hex_bytes, to_abi
from chain.job import Address, Digest, JobId, JobState

POINT = [{"name": "x", "type": "uint64"}, {"name": "y", "type": "int32"}]
LINE = [
    {"name": "label", "type": "string"},
    {"name": "ends", "type": "tuple[]", "components": POINT},
    {"name": "image", "type": "bytes32"},
    {"name": "owner", "type": "address"},
    {"name": "state", "type": "uint8"},
]
ABI: Abi = [
    {
        "type": "function",
        "name": "draw",
        "inputs": [{"name": "line", "type": "tuple", "components": LINE}],
        "outputs": [{"name": "", "type": "tuple", "components": LINE}],
    }
]
OWNER = Address("0x52908400098527886E0F7030069857D2E4169EE7")


@dataclass(frozen=True)
class Point:
    x: int
    y: int


@dataclass(frozen=True)
class Line:
    label: str
    ends: list[Point]
    image: Digest
    owner: Address
    state: JobState


@given(
    st.builds(
        Line,
        st.text(st.characters(blacklist_categories=["Cs"])),
        st.lists(st.builds(Point, st.integers(0, 2**64 - 1), st.integers(-(2**31), 2**31 - 1))),
        st.binary(min_size=32, max_size=32).map(lambda raw: Digest("sha256:" + raw.hex())),
        st.just(OWNER),
        st.sampled_from(JobState),
    )
)
def test_a_value_sent_is_the_value_read(line: Line) -> None:
    interface = Interface(ABI)
    data = interface.encode("draw", line)
    assert data[:4] == interface.functions["draw"].selector
    (found,) = interface.decode_result("draw", data[4:])
    assert from_abi(Line, found) == line


def test_the_selector_is_of_the_canonical_signature() -> None:
    abi: Abi = [
        {
            "type": "function",
            "name": "transfer",
            "inputs": [{"name": "to", "type": "address"}, {"name": "amount", "type": "uint256"}],
        }
    ]
    assert Interface(abi).functions["transfer"].selector.hex() == "a9059cbb"


def test_text_that_is_no_utf_8_is_read_with_replacements() -> None:
    interface = Interface(ABI)
    line = Line("ab", [], Digest("sha256:" + "00" * 32), OWNER, JobState.OPEN)
    hostile = interface.encode("draw", line).replace(b"ab", b"\xff\xfe")
    (found,) = interface.decode_result("draw", hostile[4:])
    assert found[0] == "\ufffd\ufffd"


@pytest.mark.parametrize("data", [b"", b"\0" * 31, b"\xff" * 64])
def test_an_answer_of_another_shape_is_told(data: bytes) -> None:
    with pytest.raises(Conflict, match="draw"):
        Interface(ABI).decode_result("draw", data)


def test_a_function_the_abi_lacks_is_told() -> None:
    with pytest.raises(Conflict, match="erase"):
        Interface(ABI).encode("erase")


@pytest.mark.parametrize("text", ["", "12", "0x1", "0xzz", "sha512:00", "0X12"])
def test_only_hexadecimal_with_its_prefix_is_taken(text: str) -> None:
    with pytest.raises(InvalidInput):
        hex_bytes(text)


def test_a_digest_and_an_id_differ_by_their_type_alone() -> None:
    raw = bytes(range(32))
    assert from_abi(Digest, raw) == "sha256:" + raw.hex()
    assert from_abi(JobId, raw) == "0x" + raw.hex()


def test_a_value_that_is_no_list_is_not_taken_for_one() -> None:
    with pytest.raises(InvalidInput):
        to_abi(5, {"type": "tuple", "components": POINT})

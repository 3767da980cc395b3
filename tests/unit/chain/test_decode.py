"""Revert data, wherever a node puts it."""

from __future__ import annotations

import pytest

from chain.decode import decode_revert, revert_of
from chain.interface import CODEC, Interface

WORD = "11" * 32
ERRORS = Interface(
    [
        {
            "type": "error",
            "name": "TooSmall",
            "inputs": [
                {"name": "jobId", "type": "bytes32"},
                {"name": "amount", "type": "uint256"},
            ],
        },
        {"type": "error", "name": "Nothing", "inputs": []},
    ]
).errors
TOO_SMALL, NOTHING = (
    next(one.selector for one in ERRORS.values() if one.name == name)
    for name in ("TooSmall", "Nothing")
)
DATA = (TOO_SMALL + bytes.fromhex(WORD) + (7).to_bytes(32, "big")).hex()


@pytest.mark.parametrize(
    "fault",
    [
        {"code": 3, "message": "execution reverted", "data": "0x" + DATA},  # Geth, Anvil
        {"code": -32000, "message": "VM Exception", "data": "0x" + DATA},  # Ganache's eth_call
        {"code": -32000, "data": {"hash": None, "result": "0x" + DATA, "reason": None}},
        {"code": -32000, "data": {"0x" + WORD: {"error": "revert", "return": "0x" + DATA}}},
        {"code": -32603, "data": {"originalError": {"data": "0x" + DATA}}},
    ],
)
def test_the_error_is_named_whatever_place_the_node_chose(fault: object) -> None:
    found = revert_of(fault, ERRORS)
    assert found is not None
    assert found.name == "TooSmall"
    assert found.arguments == {"jobId": "0x" + WORD, "amount": 7}


@pytest.mark.parametrize(
    "fault",
    [
        None,
        "reverted",
        {},
        {"code": -32000, "message": "insufficient funds"},
        {"code": -32602, "data": "0xzz"},
        {"code": -32602, "data": "0x123456"},
        {"code": -32602, "data": ["0x" + DATA]},
    ],
)
def test_what_is_no_revert_is_not_taken_for_one(fault: object) -> None:
    assert revert_of(fault, ERRORS) is None


def test_a_revert_without_data_is_still_a_revert() -> None:
    found = revert_of({"code": 3, "message": "execution reverted"}, ERRORS)
    assert found is not None
    assert found.name == "Revert"
    assert revert_of({"code": -32000, "data": "0x"}, ERRORS) is not None


def test_messages_and_panics_are_told_too() -> None:
    message = bytes.fromhex("08c379a0") + CODEC.encode(["string"], ["too late"])
    panic = bytes.fromhex("4e487b71") + CODEC.encode(["uint256"], [0x11])
    assert decode_revert(message, {}).arguments == {"message": "too late"}
    assert decode_revert(panic, {}).arguments == {"code": 0x11}


@pytest.mark.parametrize("tail", ["", WORD, "00" * 5])
def test_a_name_with_arguments_that_do_not_fit_is_not_trusted(tail: str) -> None:
    data = TOO_SMALL + bytes.fromhex(tail)
    found = decode_revert(data, ERRORS)
    assert (found.name, found.arguments) == ("Unknown", {"data": "0x" + data.hex()})


def test_an_error_nobody_knows_keeps_its_data() -> None:
    assert decode_revert(b"\1\2\3\4", ERRORS).arguments == {"data": "0x01020304"}
    assert decode_revert(NOTHING, ERRORS).name == "Nothing"

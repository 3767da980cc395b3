"""Frames of a tunnel: what is encoded is read back, and whatever else comes is refused and harms nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.errors import InvalidInput
from chain.tunnel import (
    MAX_DATA,
    MAX_STREAM,
    Frame,
    Kind,
    Open,
    Reset,
    credit,
    credit_of,
    decode,
    encode,
    open_of,
    reset_of,
)

FRAMES = st.builds(
    Frame, st.sampled_from(Kind), st.integers(0, MAX_STREAM), st.binary(max_size=300)
)


@given(FRAMES)
def test_a_frame_is_read_as_it_was_written(frame: Frame) -> None:
    assert decode(encode(frame)) == frame


@given(st.binary(max_size=40))
def test_any_other_bytes_are_a_frame_or_refused(data: bytes) -> None:
    try:
        frame = decode(data)
    except InvalidInput:
        assert len(data) < 5 or data[0] not in set(Kind)
        return
    assert encode(frame) == data


def test_a_frame_that_is_too_long_is_refused() -> None:
    whole = encode(Frame(Kind.DATA, 1, bytes(MAX_DATA)))
    assert decode(whole).payload == bytes(MAX_DATA)
    with pytest.raises(InvalidInput):
        decode(whole + b"x")


@given(st.integers(0, 2**32 - 1))
def test_credit_is_read_as_it_was_given(amount: int) -> None:
    assert credit_of(decode(encode(credit(7, amount)))) == amount


@given(st.binary(max_size=80))
def test_what_opens_resets_or_credits_may_be_any_bytes(payload: bytes) -> None:
    for read, kind in ((open_of, Kind.OPEN), (credit_of, Kind.CREDIT)):
        try:
            read(Frame(kind, 1, payload))
        except InvalidInput:
            continue
    assert isinstance(reset_of(Frame(Kind.RESET, 1, payload)), Reset)


@pytest.mark.parametrize("port", [0, 65536, -1])
def test_a_port_is_a_port(port: int) -> None:
    good = Open(job_id="0x" + "a" * 64, attempt=1, port=80).model_dump_json()
    assert open_of(Frame(Kind.OPEN, 1, good.encode())).port == 80
    with pytest.raises(InvalidInput):
        open_of(Frame(Kind.OPEN, 1, good.replace("80", str(port)).encode()))

"""Sealed texts open for who they are meant for, unchanged, and for nobody else."""

from __future__ import annotations

import io

import pytest

from chain.errors import InvalidInput, NotAllowed, TooLarge
from chain.sealed import (
    new_identity,
    open_sealed,
    open_stream,
    recipient_of,
    seal,
)

MINE, OTHER = new_identity(), new_identity()


def test_what_is_sealed_opens_with_its_identity_and_does_not_show_before() -> None:
    sealed = seal(b"the planted value", [recipient_of(MINE)])
    assert b"planted" not in sealed
    assert open_sealed(sealed, MINE) == b"the planted value"


def test_another_identity_does_not_open_it() -> None:
    with pytest.raises(NotAllowed):
        open_sealed(seal(b"x", [recipient_of(MINE)]), OTHER)


@pytest.mark.parametrize("at", [30, 120, -40, -1])
def test_a_changed_byte_is_found(at: int) -> None:
    sealed = bytearray(seal(b"x" * 100, [recipient_of(MINE)]))
    sealed[at] ^= 1
    with pytest.raises(NotAllowed):
        open_sealed(bytes(sealed), MINE)


@pytest.mark.parametrize("sealed", [b"", b"age-encryption.org/v1\n", b"\0" * 1000])
def test_what_was_never_sealed_is_refused(sealed: bytes) -> None:
    with pytest.raises(NotAllowed):
        open_sealed(sealed, MINE)


def test_a_header_without_end_is_refused_before_it_is_read() -> None:
    stanza = b"-> X25519 AAAA\n\n"
    with pytest.raises(NotAllowed):
        open_sealed(b"age-encryption.org/v1\n" + stanza * 100_000 + b"--- AAAA\n", MINE)


def test_a_full_disk_is_not_taken_for_a_wrong_key() -> None:
    class Full(io.BytesIO):
        def write(self, data: object, /) -> int:
            raise OSError(28, "no space")

    with pytest.raises(OSError, match="no space"):
        open_stream(io.BytesIO(seal(b"x", [recipient_of(MINE)])), Full(), MINE, 10)


def test_a_large_one_passes_through_in_pieces_and_cut_off_it_is_refused() -> None:
    data, opened = b"0123456789abcdef" * 65_536, io.BytesIO()
    sealed = seal(data, [recipient_of(MINE), recipient_of(OTHER)])
    open_stream(io.BytesIO(sealed), opened, OTHER, len(data))
    assert opened.getvalue() == data
    with pytest.raises(NotAllowed):
        open_stream(io.BytesIO(sealed[:-70_000]), io.BytesIO(), OTHER, len(data))


def test_more_than_may_come_out_is_refused() -> None:
    sealed, opened = seal(bytes(1_000_000), [recipient_of(MINE)]), io.BytesIO()
    with pytest.raises(TooLarge):
        open_stream(io.BytesIO(sealed), opened, MINE, 200_000)
    assert len(opened.getvalue()) <= 200_000


@pytest.mark.parametrize("text", ["", "age1", recipient_of(MINE)[:-1], "\0", MINE])
def test_who_is_no_recipient_is_not_sealed_to(text: str) -> None:
    with pytest.raises(InvalidInput):
        seal(b"x", [text])
    with pytest.raises(InvalidInput):
        recipient_of(text[1:])
    with pytest.raises(InvalidInput):
        seal(b"x", [])

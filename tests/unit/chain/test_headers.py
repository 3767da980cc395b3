"""What a block's filter rules out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chain.headers import Header, bloom_bits

ITEMS = st.lists(st.binary(min_size=20, max_size=32), min_size=1, max_size=5)


def a_header(bloom: int, empty: bool = False) -> Header:
    return Header(1, "0x01", "0x00", 0, bloom, empty)


def test_the_bits_of_an_item_are_those_of_the_yellow_paper() -> None:
    """keccak256("") begins with c5d2 4601 86f7: three pairs of bytes, of which the low eleven bits count."""
    assert bloom_bits(b"") == 1 << 0x5D2 | 1 << 0x601 | 1 << 0x6F7


@given(ITEMS)
def test_what_is_in_a_block_is_never_ruled_out(items: list[bytes]) -> None:
    bloom = 0
    for item in items:
        bloom |= bloom_bits(item)
    assert a_header(bloom).may_hold(*items)
    assert not a_header(bloom & ~bloom_bits(items[0]) | 1 << 2048).may_hold(items[0])


def test_a_blank_filter_rules_out_nothing_but_an_empty_block() -> None:
    assert a_header(0).may_hold(b"x" * 20)
    assert not a_header(0, empty=True).may_hold(b"x" * 20)

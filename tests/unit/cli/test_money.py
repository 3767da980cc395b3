from hypothesis import given
from hypothesis import strategies as st

from cli.money import lasting, printable, short, tokens


def test_base_units_read_as_tokens_rounded_towards_zero() -> None:
    assert tokens(1_999_999_999_999_999_999) == "1.999999 DRT"
    assert tokens(1234 * 10**18, places=2) == "1,234.00 DRT"


def test_an_amount_too_small_to_show_is_not_shown_as_nothing() -> None:
    assert tokens(1) == "<0.000001 DRT"
    assert tokens(0) == "0.000000 DRT"


def test_a_line_of_a_stranger_cannot_colour_the_screen_or_set_its_title() -> None:
    assert printable("\x1b[31mred\x1b[0m\x1b]0;title\x07 and\x1b[2J text\r\x08") == "red and text"


def test_invisible_and_reordering_characters_go() -> None:
    assert printable("a\u202eb\u200bc\x9b31md\tä") == "abcd\tä"


@given(st.text())
def test_nothing_printable_acts_on_a_terminal(text: str) -> None:
    assert not set(printable(text)) & {
        chr(code) for code in (*range(9), *range(10, 32), *range(127, 160))
    }


def test_a_hash_is_shown_by_its_ends() -> None:
    assert short("0x" + "ab" * 32) == "0xababab…ababab"
    assert short("bafy") == "bafy"


def test_times_are_told_in_their_two_largest_units() -> None:
    assert [lasting(s) for s in (0.4, 59, 61, 3600, 90000)] == [
        "0s",
        "59s",
        "1m01s",
        "1h00m",
        "25h00m",
    ]

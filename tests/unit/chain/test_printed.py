"""What programs print is packed, counted, cut and joined without a character of it being changed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain import printed
from chain.printed import Printed, Stream

LINES = st.lists(
    st.tuples(
        st.integers(0, 2 * 10**18),
        st.sampled_from(["stdout", "stderr", "notice"]),
        st.text(
            st.characters(blacklist_characters="\n", blacklist_categories=("Cs",)), max_size=60
        ),
        st.booleans(),
    ),
    max_size=8,
)


def packed(lines: list[tuple[int, Stream, str, bool]]) -> str:
    return "".join(printed.record(*line) for line in lines)


@given(LINES)
def test_whatever_was_printed_comes_out_of_its_records_as_it_was(
    lines: list[tuple[int, Stream, str, bool]],
) -> None:
    expected = [
        Printed(at_ns // 10**6, stream, text, goes_on) for at_ns, stream, text, goes_on in lines
    ]
    assert list(printed.unpack(packed(lines))) == expected
    if lines:
        assert printed.check(packed(lines))


@given(LINES, st.integers(0, 8), st.integers(0, 900))
def test_records_are_cut_between_lines_and_nothing_is_lost(
    lines: list[tuple[int, Stream, str, bool]], count: int, room: int
) -> None:
    body = packed(lines).encode()
    kept, number = printed.within(body, room)
    assert printed.weight(kept, number) <= room or not number
    assert kept + printed.after(body, number) == body
    assert kept.count(b"\n") == number
    if number < len(lines):
        more = packed(lines[: number + 1]).encode()
        assert printed.weight(more, number + 1) > room
    count = min(count, len(lines))
    assert printed.after(body, count).decode() == packed(lines[count:])


def test_a_line_weighs_its_text_and_the_same_besides() -> None:
    body = printed.record(5, "stdout", "abc").encode()
    assert printed.weight(body, 1) == 3 + printed.LINE_OVERHEAD


def test_a_line_feed_in_a_text_makes_no_second_record() -> None:
    (one,) = printed.unpack(printed.record(0, "stdout", "a\n0000000000000000000nforged"))
    assert one.text == "a 0000000000000000000nforged"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "\n",
        "0" * 19 + "ox",  # without its end
        "0" * 18 + "ox\n",
        "0" * 19 + "xx\n",
        "0" * 19 + "ox\n\n",
        "\u0660" * 19 + "ox\n",  # digits, but not ours
        "0" * 19 + "o" + "x" * (printed.MAX_TEXT + 1) + "\n",
    ],
)
def test_what_is_not_packed_as_it_should_be_is_refused(body: str) -> None:
    with pytest.raises(ValueError, match="no records"):
        printed.check(body)


def test_a_body_of_the_longest_kind_is_checked_without_backtracking() -> None:
    body = printed.record(0, "stdout", "") * (printed.MAX_BODY // 21)
    assert printed.check(body) == body
    with pytest.raises(ValueError, match="no records"):
        printed.check(body + "x")

"""The Engine's stream becomes records, wherever a read of the socket has cut it, and no character is lost."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.engine.frames import Dechunker, Frames
from chain import printed
from chain.errors import Unavailable

AT = "2026-01-02T03:04:05.000000001Z"
BODIES = st.lists(
    st.tuples(st.sampled_from([1, 2]), st.binary(max_size=30), st.booleans()), max_size=8
)


def raw(stream: int, body: bytes, at: str = AT) -> bytes:
    text = at.encode() + b" " + body
    return bytes([stream, 0, 0, 0]) + len(text).to_bytes(4, "big") + text


def lines(*frames: bytes) -> list[tuple[str, str, bool]]:
    reader = Frames()
    records = reader.feed(b"".join(frames)) + reader.end()
    body = printed.check(b"".join(records).decode())
    return [(one.stream, one.text, one.goes_on) for one in printed.unpack(body)]


def cut(whole: bytes, data: st.DataObject) -> list[bytes]:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    return [whole[a:b] for a, b in pairwise([0, *cuts, len(whole)])]


def test_frames_are_told_apart_by_stream_and_bad_bytes_are_replaced() -> None:
    found = lines(raw(1, b"one\n"), raw(2, b"t\xffo\r\n"), raw(1, b"\n"), raw(1, b"a\x00\rb\n"))
    assert found == [
        ("stdout", "one", False),
        ("stderr", "t\ufffdo", False),
        ("stdout", "", False),
        ("stdout", "a\x00\rb", False),
    ]


def test_a_time_keeps_its_nanoseconds() -> None:
    (record,) = Frames().feed(raw(1, b"x\n"))
    assert record == b"1767323045000000001ox\n"


def test_what_has_no_line_feed_says_that_the_line_goes_on() -> None:
    assert lines(raw(1, b"a" * 9), raw(1, b"b\n"), raw(1, b"half")) == [
        ("stdout", "a" * 9, True),
        ("stdout", "b", False),
        ("stdout", "half", True),
    ]


@given(
    st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\n\r"), max_size=40),
    st.data(),
)
def test_a_character_that_the_engine_has_cut_is_put_together(
    text: str, data: st.DataObject
) -> None:
    pieces = cut(text.encode(), data)
    others = raw(2, "\u00e9\n".encode())
    frames = [raw(1, piece) + others for piece in pieces[:-1]] + [raw(1, pieces[-1] + b"\n")]
    assert "".join(text for stream, text, _ in lines(*frames) if stream == "stdout") == text


def test_a_character_that_is_never_finished_is_replaced() -> None:
    assert lines(raw(1, b"a\xe2\x82")) == [("stdout", "a", True), ("stdout", "\ufffd", True)]


@given(BODIES, st.data())
def test_where_the_stream_is_cut_makes_no_difference(
    bodies: list[tuple[int, bytes, bool]], data: st.DataObject
) -> None:
    whole = b"".join(raw(stream, body + b"\n" * ends) for stream, body, ends in bodies)
    one, other = Frames(), Frames()
    at_once = one.feed(whole) + one.end()
    in_parts = [record for part in cut(whole, data) for record in other.feed(part)] + other.end()
    assert in_parts == at_once
    if at_once:
        printed.check(b"".join(at_once).decode())


def test_a_frame_longer_than_a_record_is_cut_and_nothing_of_it_is_lost() -> None:
    found = lines(raw(1, b"x" * (2 * printed.MAX_TEXT + 5) + b"\n"))
    assert [(len(text), goes_on) for _, text, goes_on in found] == [
        (printed.MAX_TEXT, True),
        (printed.MAX_TEXT, True),
        (5, False),
    ]


@pytest.mark.parametrize(
    "bad", [raw(1, b"x\n", "yesterday" * 4), b"\x01\0\0\0\xff\xff\xff\xff" * 2]
)
def test_what_cannot_be_read_is_no_output(bad: bytes) -> None:
    with pytest.raises(Unavailable):
        Frames().feed(bad)


@given(st.lists(st.binary(min_size=1, max_size=30), max_size=6), st.data())
def test_chunks_are_taken_apart_wherever_they_are_cut(
    parts: list[bytes], data: st.DataObject
) -> None:
    whole = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
    chunks = Dechunker()
    assert b"".join(chunks.feed(piece) for piece in cut(whole, data)) == b"".join(parts)
    assert chunks.ended


def test_what_is_no_chunk_is_refused() -> None:
    for bad in (b"zz\r\nx", b"x" * 40):
        with pytest.raises(Unavailable):
            Dechunker().feed(bad)

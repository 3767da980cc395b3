"""Frames of the Engine's log become lines with numbers that never change."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from agent.logs import MAX_TEXT, Frame, Spool, new_frames, split_frames


def stamp(second: int, nano: int = 0) -> str:
    return f"2026-01-02T03:04:{second:02d}.{nano:09d}Z"


def raw(stream: int, body: bytes, at: str = "2026-01-02T03:04:05.000000001Z") -> bytes:
    text = at.encode() + b" " + body
    return bytes([stream, 0, 0, 0]) + len(text).to_bytes(4, "big") + text


def frame(second: int, text: str, nano: int = 0) -> Frame:
    return Frame("stdout", stamp(second, nano), text)


def test_frames_are_split_by_stream_and_bad_bytes_are_replaced() -> None:
    frames = list(split_frames([raw(1, b"one\n") + raw(2, b"t\xffo\r\n") + raw(1, b"")]))
    assert [(f.stream, f.text) for f in frames] == [
        ("stdout", "one"),
        ("stderr", "t\ufffdo"),
        ("stdout", ""),
    ]


@given(st.lists(st.binary(max_size=40), max_size=8), st.data())
def test_where_the_stream_is_cut_into_chunks_makes_no_difference(
    bodies: list[bytes], data: st.DataObject
) -> None:
    whole = b"".join(raw(1, body) for body in bodies)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    edges = [0, *cuts, len(whole)]
    chunks = [whole[a:b] for a, b in pairwise(edges)]
    assert list(split_frames(chunks)) == list(split_frames([whole]))
    assert len(list(split_frames([whole]))) == len(bodies)


def test_a_text_is_never_longer_than_the_wire_allows() -> None:
    (one,) = split_frames([raw(1, b"\xff" * (MAX_TEXT + 5))])
    assert len(one.text) == MAX_TEXT


def test_reading_goes_on_after_what_is_stored_also_within_one_second(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    spool = Spool(path)
    frames = [frame(5, "a", 1), frame(6, "b", 2), frame(6, "c", 2), frame(6, "d", 3), frame(7, "e")]
    for one in frames[:3]:
        spool.add(one)
    spool.close()
    again = Spool(path)
    since, known = again.resume_at()
    engine = [f for f in frames if int(f.stamp[17:19]) >= since % 60]
    assert [f.text for f in new_frames(engine, known)] == ["d", "e"]
    assert [line.seq for line in again.read(-1, 9)] == [0, 1, 2]
    again.close()


def test_what_the_engine_has_thrown_away_is_not_read_twice() -> None:
    known = [stamp(6, 1), stamp(6, 2), stamp(6, 3)]
    left = [frame(6, "old", 3), frame(6, "new", 4), frame(6, "newer", 4)]
    assert [f.text for f in new_frames(left, known)] == ["new", "newer"]


def test_past_the_limit_there_is_one_notice_and_nothing_more(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "log.jsonl", max_bytes=300)
    taken = [spool.add(frame(1, "x" * 50)) for _ in range(5)]
    assert taken == [True, True, False, False, False]
    assert [line.stream for line in spool.read(-1, 9)] == ["stdout", "stdout", "notice"]
    spool.close()
    assert Spool(tmp_path / "log.jsonl", max_bytes=300).full


def test_a_stored_line_that_a_crash_cut_off_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    spool = Spool(path)
    spool.add(frame(1, "whole"))
    spool.add(frame(2, "cut"))
    spool.close()
    path.write_bytes(path.read_bytes()[:-4])
    again = Spool(path)
    assert [line.text for line in again.read(-1, 9)] == ["whole"]
    again.add(frame(2, "cut"))
    assert [line.seq for line in again.read(-1, 9)] == [0, 1]
    again.close()

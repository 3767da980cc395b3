"""What is stored already is not stored again, and what the Engine has thrown away is told."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.output.logs import Fresh
from chain.printed import STAMP, record, unpack


def at(number: int, text: str = "") -> bytes:
    return record(number, "stdout", text or f"line {number}").encode()


def stamps(*records: bytes) -> list[bytes]:
    return [one[:STAMP] for one in records]


def test_without_stored_lines_all_are_new() -> None:
    assert Fresh([]).of([at(1), at(2)]) == [at(1), at(2)]


@given(st.lists(st.integers(0, 5), max_size=12), st.data())
def test_reading_goes_on_after_what_is_stored_also_when_times_are_the_same(
    steps: list[int], data: st.DataObject
) -> None:
    times = [sum(steps[: i + 1]) for i in range(len(steps))]
    lines = [at(time, f"{i}") for i, time in enumerate(times)]
    stored = data.draw(st.integers(0, len(lines)))
    fresh = Fresh(stamps(*lines[:stored]))
    parts = data.draw(st.integers(1, 4))
    found = [new for i in range(0, len(lines), parts) for new in fresh.of(lines[i : i + parts])]
    assert found == lines[stored:]


def test_what_the_engine_has_thrown_away_is_not_read_twice() -> None:
    fresh = Fresh(stamps(at(1), at(2), at(3)))
    assert fresh.of([at(3, "old"), at(4, "new"), at(4, "newer")]) == [at(4, "new"), at(4, "newer")]


def test_what_was_thrown_away_unread_is_told() -> None:
    first, *rest = Fresh(stamps(at(1), at(2))).of([at(7), at(8)])
    (notice,) = unpack(first.decode())
    assert notice.stream == "notice"
    assert "thrown away" in notice.text
    assert rest == [at(7), at(8)]

"""Whatever a program printed, its events parse back to it, and no line of it is taken for anything else."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from chain.printed import record
from scheduler.api.tails import PIECE, pieces
from scheduler.sessions.logs import Packed, Position

HOSTILE = st.sampled_from(
    [
        "\r",
        "\r\r",
        "\x00",
        "\x0b",
        "\x0c",
        "\x1c",
        "\x85",
        "\u2028",
        "\u2029",
        "\ufeff",
        "data: x",
        "id: 9-9",
        "\x1b]0;t\x07",
    ]
)
TEXTS = st.lists(
    st.lists(
        st.text(st.characters(blacklist_categories=("Cs",)), max_size=9) | HOSTILE, max_size=5
    ).map("".join),
    min_size=1,
    max_size=6,
)


def parsed(stream: bytes) -> list[dict[str, str]]:
    """As the WHATWG's rules have it: lines end with CR, LF or both, and an empty one ends an event."""
    found, fields = [], dict[str, str]()
    for line in stream.decode().replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if not line and fields:
            found.append(fields)
            fields = {}
        name, _, value = line.partition(":")
        if name:
            assert name not in fields
            fields[name] = value.removeprefix(" ")
    return found


@given(TEXTS, st.integers(0, 5))
def test_events_parse_back_to_what_was_printed(texts: list[str], first: int) -> None:
    plain = [text.replace("\n", " ") for text in texts]
    body = "".join(record(10**18 + i, "stderr", text) for i, text in enumerate(texts)).encode()
    found = [
        event
        for piece in pieces(Packed(Position(2, first), len(texts), body))
        for event in parsed(piece.events)
    ]
    assert [event["event"] for event in found] == ["log"] * len(texts)
    assert [event["id"] for event in found] == [f"2-{first + i}" for i in range(len(texts))]
    lines = [json.loads(event["data"]) for event in found]
    assert [line["text"] for line in lines] == plain
    assert {line["stream"] for line in lines} == {"stderr"}
    assert {line["at_ms"] for line in lines} == {10**12}


def test_a_line_that_goes_on_says_so_and_others_say_nothing() -> None:
    body = (record(0, "stdout", "a", goes_on=True) + record(0, "stdout", "b")).encode()
    (piece,) = pieces(Packed(Position(1, 0), 2, body))
    first, second = (json.loads(event["data"]) for event in parsed(piece.events))
    assert first["goes_on"] is True
    assert "goes_on" not in second


def test_many_lines_are_put_into_words_some_at_a_time() -> None:
    body = b"".join(record(0, "stdout", "x" * 1000).encode() for _ in range(200))
    found = list(pieces(Packed(Position(1, 7), 200, body)))
    assert len(found) == len(body) // PIECE + 1
    assert found[-1].last == Position(1, 206)
    assert sum(piece.events.count(b"event: log") for piece in found) == 200

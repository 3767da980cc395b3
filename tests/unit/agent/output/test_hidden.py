"""What a run's secrets are, is not in its output, however it is written and cut; and nothing else is touched."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.output.hidden import HIDDEN, Hider, forms_of
from chain.printed import HEAD, STAMP

SECRET = b"planted/0f3a+?&="
STAMPS = b"1764115200123456789"


def record(text: bytes, letter: bytes = b"o") -> bytes:
    return STAMPS + letter + text + b"\n"


def hidden(line: bytes) -> bytes:
    """What is left of a line that came in one piece."""
    return b"".join(texts(Hider(forms_of([SECRET])).of([record(line, b"o")])))


def texts(records: list[bytes]) -> list[bytes]:
    return [one[HEAD:-1] for one in records]


@pytest.mark.parametrize(
    "written",
    [
        SECRET,
        base64.b64encode(SECRET),
        base64.b64encode(b"user:" + SECRET + b":more"),
        base64.b64encode(b"users:" + SECRET),
        base64.urlsafe_b64encode(b"user1:" + SECRET),
        quote(SECRET, safe="").encode(),
        SECRET.hex().encode(),
        json.dumps(SECRET.decode()).encode(),
    ],
)
def test_every_common_spelling_is_hidden(written: bytes) -> None:
    shown = hidden(b"before " + written + b" after")
    assert shown.startswith(b"before ")
    assert shown.endswith(b" after")
    assert HIDDEN in shown
    for left in (written, SECRET, base64.b64encode(SECRET)[:-4]):
        assert left not in shown


def test_each_line_of_a_secret_of_several_is_hidden() -> None:
    key = b"-----BEGIN KEY-----\nMIIEvQIBADANBg\nabcdefgh\n-----END KEY-----\n"
    hider = Hider(forms_of([key]))
    lines = hider.of([record(line) for line in key.splitlines()] + [record(b"plain")])
    assert texts(lines) == [HIDDEN] * 4 + [b"plain"]


@pytest.mark.parametrize("width", [64, 76])
def test_base64_that_is_broken_into_lines_is_hidden(width: int) -> None:
    long = b"a-long-secret-" * 20
    told = base64.b64encode(long)
    lines = [told[at : at + width] for at in range(0, len(told), width)]
    out = Hider(forms_of([long])).of([record(line) for line in lines])
    assert set(texts(out)) == {HIDDEN}


def test_a_short_secret_is_a_word_that_stands_elsewhere_and_is_left() -> None:
    assert forms_of([b"abc12"]) == ()


def test_a_secret_of_digits_does_not_touch_the_stamps() -> None:
    hider = Hider(forms_of([STAMPS[:10]]))
    assert hider.of([record(b"x"), record(b"at " + STAMPS[:10])]) == [
        record(b"x"),
        record(b"at " + HIDDEN),
    ]


@given(
    st.lists(st.sampled_from([b"x", b"planted", SECRET, SECRET[:-1], b"pl", b"\xc3\xa9"])),
    st.lists(st.integers(1, 40), max_size=12),
    st.lists(st.integers(1, 3), max_size=12),
)
def test_however_a_line_is_cut_the_secret_is_not_in_it_and_the_rest_is(
    parts: list[bytes], cuts: list[int], batches: list[int]
) -> None:
    line = b"".join(parts)
    pieces, at = [], 0
    for cut in cuts:
        pieces.append(line[at : at + cut])
        at += cut
    pieces.append(line[at:])
    came = [record(piece, b"O") for piece in pieces[:-1]] + [record(pieces[-1], b"o")]
    hider, out, at = Hider(forms_of([SECRET])), [], 0
    for size in [*batches, len(came)]:
        out += hider.of(came[at : at + size])
        at += size
    out += hider.end()
    assert [one[:HEAD] for one in out] == [one[:HEAD] for one in came]
    assert b"".join(texts(out)) == hidden(line)
    assert SECRET not in b"".join(texts(out))


def test_another_streams_lines_between_two_pieces_keep_their_place() -> None:
    hider = Hider(forms_of([SECRET]))
    first = hider.of([record(b"a " + SECRET[:5], b"O"), record(b"warning", b"e")])
    assert first == []  # held until it is known what follows
    rest = hider.of([record(SECRET[5:] + b" z")])
    assert texts(rest) == [b"a " + HIDDEN, b"warning", b" z"]


def test_what_only_looks_like_the_beginning_is_given_back_whole() -> None:
    hider = Hider(forms_of([SECRET]))
    assert hider.of([record(b"say pla", b"O")]) == []
    assert texts(hider.of([record(b"net")])) == [b"say pla", b"net"]


def test_a_program_that_ends_in_the_middle_of_a_secret_shows_no_long_beginning() -> None:
    hider = Hider(forms_of([SECRET]))
    assert hider.of([record(b"x " + SECRET[:-1], b"O")]) == []
    assert texts(hider.end()) == [b"x " + HIDDEN]


def test_what_is_held_is_bounded() -> None:
    hider = Hider(forms_of([SECRET]))
    out = hider.of([record(b"x" + SECRET[:9], b"O")])
    for _ in range(60):
        out += hider.of([record(b"e" * 16_000, b"e")])
    assert len(out) > 30
    assert SECRET[:9] not in b"".join(texts(out))
    assert all(one[STAMP:HEAD] in b"Oe" for one in out)

"""Reading on in a build's log: where it still fits, in whole lines, bounded."""

from __future__ import annotations

import re

from scheduler.api.build_stream import PIECE, POSITION, Read, next_piece, parse_read


def test_a_reader_goes_on_where_it_stopped_and_only_in_the_same_text() -> None:
    read = Read().on("one\n").on("twö\n")
    assert read.fits("one\ntwö\nthree\n")
    assert not read.fits("one\n")
    assert not read.fits("one\ntwo\nthree\n")
    assert Read().fits("")


def test_a_position_is_what_its_pattern_says_and_reads_back() -> None:
    for read in (Read(), Read().on("x" * 600_000)):
        assert re.match(POSITION, str(read))
        assert parse_read(str(read)) == read
    assert parse_read("") == Read()


def test_lines_are_passed_on_whole_until_the_build_is_over() -> None:
    assert next_piece("one\ntw", Read(), over=False) == "one\n"
    assert next_piece("tw", Read(), over=False) == ""
    assert next_piece("one\ntw", Read().on("one\n"), over=True) == "tw"


def test_a_line_without_end_comes_in_pieces() -> None:
    endless = "x" * (2 * PIECE)
    assert next_piece(endless, Read(), over=False) == "x" * PIECE
    assert next_piece(endless, Read().on("x" * PIECE), over=False) == "x" * PIECE
    assert next_piece(endless, Read().on(endless), over=False) == ""

"""What damages inputs for every parser of strangers' bytes, and finds out what they make of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutants.parsers import PARSERS, Parser, fails


@pytest.mark.parametrize("name", PARSERS)
def test_what_is_not_damaged_is_read(name: str, tmp_path: Path) -> None:
    """Most damage would be looked at by nobody otherwise."""
    assert fails(PARSERS[name], PARSERS[name].seeds[0], tmp_path) == ""


def test_a_parser_that_fails_is_told(tmp_path: Path) -> None:
    nothing: dict[bytes, int] = {}
    broken = Parser(1, [b"x"], lambda data, place: nothing[data])
    assert fails(broken, b"x", tmp_path) == "KeyError: b'x'"

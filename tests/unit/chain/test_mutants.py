"""A hundred thousand damaged inputs, others each time: every parser reads them or refuses them in its own words."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutants.parsers import PARSERS, Parser, fails

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.timeout(900)
def test_no_damage_makes_a_parser_fail_in_another_way() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "tests.mutants", "--count", os.environ.get("FUZZ_COUNT", "100000")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr


@pytest.mark.parametrize("name", PARSERS)
def test_what_is_not_damaged_is_read(name: str, tmp_path: Path) -> None:
    """Most damage would be looked at by nobody otherwise."""
    assert fails(PARSERS[name], PARSERS[name].seeds[0], tmp_path) == ""


def test_a_parser_that_fails_is_told(tmp_path: Path) -> None:
    nothing: dict[bytes, int] = {}
    broken = Parser(1, [b"x"], lambda data, place: nothing[data])
    assert fails(broken, b"x", tmp_path) == "KeyError: b'x'"

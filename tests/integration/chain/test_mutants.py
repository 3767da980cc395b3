"""A hundred thousand damaged inputs, others each time: every parser reads them or refuses them in its own words."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

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

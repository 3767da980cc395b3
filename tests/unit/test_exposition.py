"""The rules themselves: each finds what breaks it."""

from __future__ import annotations

import pytest

from tests.exposition import faults

GOOD = """# HELP draas_jobs Jobs by state.
# TYPE draas_jobs gauge
draas_jobs{state="Open"} 1.0
# HELP draas_heartbeats_total Heartbeats.
# TYPE draas_heartbeats_total counter
draas_heartbeats_total 3.0
"""


def test_what_follows_the_rules_has_no_fault() -> None:
    assert not faults(GOOD)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("# TYPE draas_x gauge\ndraas_x 1\n", "no help"),
        ("# HELP jobs J.\n# TYPE jobs gauge\njobs 1\n", "does not begin"),
        ("# HELP draas_x_ms X.\n# TYPE draas_x_ms gauge\ndraas_x_ms 1\n", "no good name"),
        ("# HELP draas_x_mib X.\n# TYPE draas_x_mib gauge\ndraas_x_mib 1\n", "no good name"),
        ("# HELP draas_X X.\n# TYPE draas_X gauge\ndraas_X 1\n", "no good name"),
        (
            "# HELP draas_x_total X.\n# TYPE draas_x_total gauge\ndraas_x_total 1\n",
            "ends in _total",
        ),
        ("# HELP draas_x X.\ndraas_x 1\n", "no type"),
        ('# HELP draas_x X.\n# TYPE draas_x gauge\ndraas_x{job="0xabcdef0123"} 1\n', "label job"),
        ('# HELP draas_x X.\n# TYPE draas_x gauge\ndraas_x{cid="bafybeigdyrzt5"} 1\n', "label cid"),
    ],
)
def test_each_rule_finds_what_breaks_it(text: str, fault: str) -> None:
    assert any(fault in found for found in faults(text)), faults(text)


def test_labels_without_end_are_found() -> None:
    head = "# HELP draas_x X.\n# TYPE draas_x gauge\n"
    text = head + "".join(f'draas_x{{name="n{number}"}} 1\n' for number in range(300))
    assert faults(text) == ["draas_x has 300 series"]

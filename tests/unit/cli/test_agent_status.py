"""Earnings and capacity as a provider reads them."""

from __future__ import annotations

from typing import Any

import pytest

from cli.agent_status import bar, prices_text, status_lines

NOW = 10_000.0
RUN = {
    "job_id": "0x" + "ab" * 32, "phase": "running", "since": 9_940, "why": "waits\x1b[31m for it",
    "usage": {"cpu_ms": 1500, "memory_mib_s": 3600, "egress_kib": 2048, "wall_s": 60}, "earned": str(10**18),
}  # fmt: skip
TOLD: dict[str, Any] = {
    "agent": "0x" + "11" * 20, "draining": False,
    "earnings": {"earned": "5" + "0" * 18, "pending": "1" + "0" * 18, "withdrawable": "0", "withdrawn": "4" + "0" * 18},
    "tokens": "0",
    "provider": {"units": 3024, "reserved": 1024, "bond": "3024" + "0" * 15, "leaving": False, "completed": 7,
                 "lapsed": 1, "disputes_lost": 0},
    "rates": {"cpu_ms": str(10**18 // 3_600_000), "memory_mib_s": "0", "egress_kib": "0", "wall_s": "0"},
    "capacity": {"cpu_millis": 2000, "memory_mib": 1024, "egress_kib_s": 0},
    "free": {"cpu_millis": 500, "memory_mib": 1024, "egress_kib_s": 0},
    "gpus": {"names": [], "free": 0, "why": "no NVIDIA runtime is registered"},
    "runs": [RUN],
}  # fmt: skip


def text(**changes: Any) -> str:
    return "\n".join(status_lines(TOLD | changes, NOW))


def test_money_capacity_and_runs_are_at_a_glance() -> None:
    shown = text()
    for part in (
        "5.000000 DRT",
        "4.000000 DRT",
        "7 completed, 1 lapsed",
        "1.5 of 2 taken",
        "1m00s",
    ):
        assert part in shown
    assert "GPUs       none: no NVIDIA runtime is registered" in shown
    assert "takes jobs" in shown


def test_a_drained_agent_and_one_that_leaves_say_so() -> None:
    assert "drained" in text(draining=True)
    assert "leaving" in text(provider=TOLD["provider"] | {"leaving": True})


def test_without_runs_and_prices_it_is_shown_as_well() -> None:
    assert text(runs=[], rates=None).endswith("no runs")


def test_what_a_run_says_cannot_move_the_cursor() -> None:
    assert "\x1b" not in text()
    assert "waits for it" in text()


@pytest.mark.parametrize(("share", "full"), [(0, 0), (0.001, 1), (0.5, 10), (1, 20), (1.5, 20)])
def test_a_bar_is_as_full_as_what_it_shows(share: float, full: int) -> None:
    assert bar(share) == "█" * full + "░" * (20 - full)


def test_rates_are_told_as_prices() -> None:
    assert prices_text(TOLD["rates"]).startswith("1 a core-hour, 0 a GiB-hour")

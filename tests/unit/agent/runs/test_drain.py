"""A drained agent stays drained over restarts, until it is told otherwise."""

from __future__ import annotations

from pathlib import Path

from agent.runs.drain import Drain


def test_it_lasts_over_restarts_and_ends_when_told(tmp_path: Path) -> None:
    assert Drain(tmp_path).on is False
    Drain(tmp_path).set(True)
    again = Drain(tmp_path)
    assert again.on is True
    again.set(True)
    again.set(False)
    again.set(False)
    assert (again.on, Drain(tmp_path).on) == (False, False)

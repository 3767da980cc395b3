"""The note of what an agent keeps on IPFS forgets nothing, and names nothing that is still needed."""

from __future__ import annotations

from pathlib import Path

from agent.sweep.pins import Pins
from chain.clock import unix_ms
from chain.job import Cid

ONE, OTHER = Cid("bafyone"), Cid("bafyother")


def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    Pins(tmp_path / "pins.json").begins(ONE)
    assert Pins(tmp_path / "pins.json").old(unix_ms() + 1000) == [ONE]


def test_what_is_needed_is_never_old(tmp_path: Path) -> None:
    (tmp_path / "pins.json").write_text(f'{{"{ONE}": 1, "{OTHER}": 1}}')
    pins = Pins(tmp_path / "pins.json")
    pins.used({ONE, "bafystranger"})
    assert pins.old(unix_ms() - 1000) == [OTHER]
    pins.gone(OTHER, unix_ms() - 1000)
    assert Pins(tmp_path / "pins.json").old(unix_ms() + 1000) == [ONE]


def test_what_is_pinned_anew_while_it_goes_stays_noted(tmp_path: Path) -> None:
    (tmp_path / "pins.json").write_text(f'{{"{ONE}": 1}}')
    pins, before_ms = Pins(tmp_path / "pins.json"), unix_ms() - 1000
    pins.begins(ONE)
    pins.gone(ONE, before_ms)
    assert pins.old(unix_ms() + 1000) == [ONE]


def test_a_note_that_cannot_be_read_lets_nothing_go(tmp_path: Path) -> None:
    (tmp_path / "pins.json").write_text("[1")
    assert Pins(tmp_path / "pins.json").old(2**60) == []

"""Layers that nobody goes on with are removed; those on their way stay."""

from __future__ import annotations

import os
from pathlib import Path

from agent.sweep.layers import STALE_S, forget_layers, layers_of

NOW = 1_800_000_000.0


def test_only_what_was_not_written_to_for_long_goes(tmp_path: Path) -> None:
    folder = layers_of(tmp_path)
    assert forget_layers(folder, NOW) == 0  # there are none at first
    folder.mkdir(parents=True)
    for name, age_s in (("old", STALE_S + 1), ("old.part", STALE_S + 1), ("new", STALE_S - 1)):
        (folder / name).write_bytes(b"")
        os.utime(folder / name, (NOW - age_s, NOW - age_s))
    assert forget_layers(folder, NOW) == 2
    assert [path.name for path in folder.iterdir()] == ["new"]

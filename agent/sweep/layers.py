"""Layers of images on their way to the Engine: files that go once it is loaded, or nobody goes on."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

STALE_S = 86_400  # since a layer was written to: others of its image may take as long; it is fetched again after that


def layers_of(home: Path) -> Path:
    """Where an agent keeps them."""
    return home / "agent" / "layers"


def forget_layers(folder: Path, now: float) -> int:
    """Remove those that nobody goes on with; how many. Blocking.

    Args:
        now: Unix seconds.
    """
    removed = 0
    for path in folder.glob("*"):
        with suppress(OSError):
            if path.stat().st_mtime >= now - STALE_S:
                continue
            if path.is_dir():  # of an image that came whole
                shutil.rmtree(path)
            else:
                path.unlink()
            removed += 1
    return removed

"""What a place looks like, so that nothing in it changes unseen."""

from __future__ import annotations

import os
from pathlib import Path

Look = dict[str, tuple[int, int, int, int, int]]


def look(place: Path) -> Look:
    """Inode, time of change, size, mode and owner of everything there."""
    found = [place, *place.rglob("*")]
    return {str(path): _facts(os.lstat(path)) for path in found}


def _facts(one: os.stat_result) -> tuple[int, int, int, int, int]:
    return one.st_ino, one.st_mtime_ns, one.st_size, one.st_mode, one.st_uid


def with_guards(place: Path) -> Path:
    """A folder between others that nobody is to touch; what is done happens in it."""
    for name in ("before", "x", "evil", "etc", "z"):
        (place / name).mkdir(parents=True)
        (place / name / "kept").write_text("untouched")
    (place / "secret").write_text("secret")
    inner = place / "middle"
    inner.mkdir()
    return inner

"""The folders of runs, and what else runs leave on this machine outside the Docker Engine: mounts and control groups.
Everything here blocks, and is for a thread.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection
from dataclasses import dataclass
from glob import escape
from pathlib import Path

from agent.container import results
from agent.container.results import SPACE
from agent.container.secrets import SPACE as SECRETS
from agent.engine.isolation import groups_of, run_short
from agent.meter.cgroup import Mounts, directory_of, remove_group
from agent.runs.record import RECORD_NAME, RunRecord, load
from chain.errors import InvalidInput
from chain.job import Address

SPACES = (SPACE, SECRETS)  # memory file systems in a run's folder


@dataclass(frozen=True, slots=True)
class Folder:
    """One run's folder.

    Args:
        at_ms: Unix milliseconds of its last step.
        mib: what it takes.
        may_go: its run is not looked after any more.
    """

    path: Path
    at_ms: int
    mib: int
    may_go: bool


def is_cleaned(folder: Path) -> bool | None:
    """Whether a run needs nothing of this machine any more, by its record; None when there is no record."""
    return _told(folder, lambda record: record.cleaned)


def is_over(folder: Path) -> bool | None:
    """Whether nothing is left to do about a run, by its record; None when there is no record."""
    return _told(folder, lambda record: record.over)


def _told(folder: Path, of: Callable[[RunRecord], bool]) -> bool | None:
    """None: there is no record; of one that cannot be read, nothing is taken to be so."""
    if not (folder / RECORD_NAME).exists():
        return None
    try:
        return of(load(folder))
    except InvalidInput:
        return False


def folders(home: Path, live: Collection[str]) -> list[Folder]:
    """Every run's folder.

    Args:
        live: names of those whose runs are looked after.
    """
    found: list[Folder] = []
    for entry in _entries(home / "agent" / "runs"):
        at_ms, size = _measure(entry)
        found.append(Folder(entry, at_ms, size // 1024**2 + 1, entry.name not in live))
    return found


def remove(folder: Folder) -> None:
    """Remove a folder of a run that is over, or that has no record; another is left. The record goes last but for
    the folder, so that what was cut off is gone on with."""
    if is_over(folder.path) is False:
        return
    for name in SPACES:
        results.unmount_space(folder.path / name)
        if os.path.ismount(folder.path / name):
            return  # never delete inside what somebody may still write to
    for path in folder.path.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != RECORD_NAME:
            path.unlink(missing_ok=True)
    shutil.rmtree(folder.path, ignore_errors=True)


def tidy_machine(
    home: Path, agent: Address, mounts: Mounts, live: Collection[str], most: int
) -> int:
    """Free the memory and the control groups that runs without a caretaker have left; how many.

    Args:
        live: names of the folders whose runs are looked after.
        most: no more than so many.
    """
    runs, done = home / "agent" / "runs", 0
    for entry in _entries(runs):
        mounted = [entry / name for name in SPACES if os.path.ismount(entry / name)]
        if entry.name in live or done >= most or not mounted:
            continue
        if is_cleaned(entry) is not False:
            for space in mounted:
                results.unmount_space(space)
            done += 1
    parent, kept = groups_of(agent), {_group_name(name) for name in live}
    for name in _groups(mounts, parent) - kept:
        if done < most and not _is_needed(runs, name):
            done += remove_group(mounts, f"{parent}/{name}")  # the kernel refuses one that is used
    return done


def _group_name(folder: str) -> str:
    """As the control group of a folder's run is called."""
    job, _, attempt = folder.partition("-")
    return run_short(job, attempt)


def _is_needed(runs: Path, group: str) -> bool:
    """Whether a run that is not looked after is still to be cleaned, so that its counters may be read."""
    digits, _, attempt = group.partition("-")
    alike = runs.glob(f"0x{escape(digits)}*-{escape(attempt)}")
    return any(is_cleaned(folder) is False for folder in alike)


def _groups(mounts: Mounts, parent: str) -> set[str]:
    found: set[str] = set()
    for root in mounts.all_roots():
        place = root / directory_of(parent)
        if place.is_dir():
            found |= {entry.name for entry in place.iterdir() if entry.is_dir()}
    return found


def _entries(runs: Path) -> list[Path]:
    if not runs.is_dir():
        return []
    return sorted(entry for entry in runs.iterdir() if entry.is_dir() and not entry.is_symlink())


def _measure(folder: Path) -> tuple[int, int]:
    """When it was last written to, in Unix milliseconds, and its bytes; results that wait in memory do not count."""
    newest, size = 0, 0
    for place, inner, files in os.walk(folder):
        inner[:] = [name for name in inner if name not in SPACES]
        for name in files:
            try:
                found = os.lstat(os.path.join(place, name))
            except FileNotFoundError:
                continue
            size += found.st_blocks * 512
            newest = max(newest, found.st_mtime_ns // 1_000_000)
    return newest or folder.stat().st_mtime_ns // 1_000_000, size

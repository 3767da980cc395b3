"""A control group around all containers of one build: they are told apart by it, and their processes are counted.

The classic builder knows no limit on processes (a fork bomb in `RUN` has none), but it puts its containers below a
parent that one names, and a parent's `pids.max` holds for everything below it, root's processes too.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import structlog

log = structlog.get_logger()
ROOT = Path("/sys/fs/cgroup")
PARENT = "draas-build"
TRIES, AGAIN_S = 20, 0.1


@asynccontextmanager
async def build_group(name: str, processes: int, driver: str) -> AsyncIterator[str]:
    """The group as the Engine is told it; "" where this process may not make one, and nothing is limited then."""
    if driver != "cgroupfs":  # systemd takes slices alone, and they are its own to limit
        log.warning("build.no_process_limit", why=f"the Engine's driver is {driver or 'untold'}")
        yield ""
        return
    base = ROOT / "pids" if (ROOT / "pids").is_dir() else ROOT
    group = base / PARENT / name
    try:
        _make(base, group, processes)
    except OSError as error:
        log.warning("build.no_process_limit", why=str(error))
        yield ""
        return
    try:
        yield f"/{PARENT}/{name}"
    finally:
        await _remove(name)


def _make(base: Path, group: Path, processes: int) -> None:
    group.mkdir(parents=True)
    limit = group / "pids.max"
    if not limit.exists():  # version 2: each level hands its controllers down
        for level in (base, group.parent):
            (level / "cgroup.subtree_control").write_text("+pids")
    limit.write_text(str(processes))


async def _remove(name: str) -> None:
    """The Engine makes it in every hierarchy of version 1; the last container of a build that was ended may take a
    moment to leave. What stays is empty, and costs nothing."""
    places = [base / PARENT / name for base in _hierarchies()]
    for _ in range(TRIES):
        places = [one for one in places if one.is_dir()]
        for place in places:
            with suppress(OSError):
                place.rmdir()
        if not any(one.is_dir() for one in places):
            return
        await asyncio.sleep(AGAIN_S)


def _hierarchies() -> list[Path]:
    return [ROOT, *ROOT.iterdir()]

"""Why a program failed, by the kernel's own count."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.container.limits import MemoryUse, hit_process_limit, why_failed
from agent.engine.isolation import MIB
from agent.meter.cgroup import Counters, Mounts


@pytest.mark.parametrize("version", [1, 2])
def test_the_peak_of_a_run_tells_also_after_its_container_is_gone(
    tmp_path: Path, version: int
) -> None:
    mounts = Mounts(version, {"" if version == 2 else "pids": tmp_path})
    (tmp_path / "draas/a").mkdir(parents=True)
    assert not hit_process_limit(mounts, "/draas/a", 256)
    (tmp_path / "draas/a/pids.peak").write_text("255\n")
    assert not hit_process_limit(mounts, "/draas/a", 256)
    (tmp_path / "draas/a/pids.peak").write_text("256\n")
    assert hit_process_limit(mounts, "/draas/a", 256)


def test_without_a_peak_a_denied_fork_of_a_container_tells(tmp_path: Path) -> None:
    (tmp_path / "a/container").mkdir(parents=True)
    mounts = Mounts(1, {"pids": tmp_path})
    (tmp_path / "a/container/pids.events").write_text("max 0\n")
    assert not hit_process_limit(mounts, "/a", 256)
    (tmp_path / "a/container/pids.events").write_text("max 3\n")
    assert hit_process_limit(mounts, "/a", 256)
    assert not hit_process_limit(Mounts(1, {}), "/a", 256)


def test_only_a_program_that_failed_has_a_reason_and_memory_comes_first() -> None:
    assert why_failed(0, 64, 256) == ""
    assert why_failed(1, 0, 0) == ""
    assert why_failed(1, 64, 256) == "killed: out of memory (limit 64 MiB)"
    assert why_failed(1, 0, 256) == "it reached its limit of 256 processes and threads"


def reading(peak_mib: int, kills: int = 0) -> Counters:
    return Counters(0, 0, peak_mib * MIB, kills)


def test_a_start_that_used_all_its_memory_is_known_by_its_peak_and_none_after_it() -> None:
    memory = MemoryUse()
    memory.see(reading(100))
    memory.see(None)  # its group is gone
    assert not memory.filled(128)
    memory.see(reading(128, kills=1))
    assert (memory.filled(128), memory.kills) == (True, 1)
    memory.next_start()
    memory.see(reading(128))
    assert (memory.filled(128), memory.kills) == (False, 0)

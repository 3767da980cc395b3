"""Control groups as files: both versions of the kernel's interface."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.meter.cgroup import (
    Counters,
    Mounts,
    directory_of,
    parse_keys,
    parse_mounts,
    read_counters,
    remove_group,
)

V1 = """tmpfs /sys/fs/cgroup tmpfs rw 0 0
cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,nosuid,cpu,cpuacct 0 0
cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0
cgroup /sys/fs/cgroup/systemd cgroup rw,xattr,name=systemd 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw,nsdelegate 0 0
"""
V2 = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid,nodev,noexec,relatime 0 0\n"


def files(folder: Path, contents: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in contents.items():
        (folder / name).write_text(text)


def test_mounts_of_version_1_are_found_by_controller() -> None:
    mounts = parse_mounts(V1, 1)
    assert mounts.version == 1
    assert mounts.roots["cpuacct"] == mounts.roots["cpu"] == Path("/sys/fs/cgroup/cpu,cpuacct")
    assert mounts.roots["memory"] == Path("/sys/fs/cgroup/memory")
    assert Path("/sys/fs/cgroup/unified") in mounts.all_roots()


def test_mounts_of_version_2_are_one() -> None:
    assert parse_mounts(V2, 2) == Mounts(2, {"": Path("/sys/fs/cgroup")})


def test_counters_of_version_1(tmp_path: Path) -> None:
    cpu, memory = tmp_path / "cpu" / "draas/a/r", tmp_path / "memory" / "draas/a/r"
    files(cpu, {"cpuacct.usage": "123456789\n"})
    files(
        memory,
        {
            "memory.usage_in_bytes": "5000\n",
            "memory.max_usage_in_bytes": "9000\n",
            "memory.stat": "cache 1\ninactive_file 7\ntotal_inactive_file 1000\n",
            "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n",
        },
    )
    files(memory / "c1", {"memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"})
    mounts = Mounts(1, {"cpuacct": tmp_path / "cpu", "memory": tmp_path / "memory"})
    found = read_counters(mounts, "/draas/a/r")
    assert found == Counters(123456789, 4000, 9000, 2, cpu.stat().st_ino)


@pytest.mark.parametrize(("peak", "told"), [("8000\n", 8000), (None, 5000)])
def test_counters_of_version_2(tmp_path: Path, peak: str | None, told: int) -> None:
    contents = {
        "cpu.stat": "usage_usec 77\nuser_usec 70\nsystem_usec 7\n",
        "memory.current": "5000\n",
        "memory.stat": "anon 3000\ninactive_file 1500\n",
        "memory.events": "low 0\noom 1\noom_kill 1\n",
    }
    files(tmp_path / "draas/a/r", contents | ({"memory.peak": peak} if peak else {}))
    found = read_counters(Mounts(2, {"": tmp_path}), "/draas/a/r")
    assert found == Counters(77_000, 3500, told, 1, (tmp_path / "draas/a/r").stat().st_ino)


def test_without_the_memory_controller_there_is_processor_time_all_the_same(tmp_path: Path) -> None:
    files(tmp_path / "draas/a/r", {"cpu.stat": "usage_usec 77\n"})
    found = read_counters(Mounts(2, {"": tmp_path}), "/draas/a/r")
    assert found is not None
    assert (found.cpu_ns, found.memory_bytes) == (77_000, 0)


def test_a_group_that_is_gone_is_none_not_zero(tmp_path: Path) -> None:
    assert read_counters(Mounts(2, {"": tmp_path}), "/draas/a/r") is None
    assert read_counters(Mounts(1, {"cpuacct": tmp_path, "memory": tmp_path}), "/draas/a/r") is None


def test_a_slice_lies_within_the_slices_it_is_named_for() -> None:
    assert directory_of("draas-ab-12_1.slice") == "draas.slice/draas-ab.slice/draas-ab-12_1.slice"
    assert directory_of("/draas/ab/12-1") == "draas/ab/12-1"


def test_removing_a_group_takes_its_empty_folders_along_and_leaves_others(tmp_path: Path) -> None:
    for name in ("draas/a/r", "draas/b/s"):
        (tmp_path / name).mkdir(parents=True)
    mounts = Mounts(2, {"": tmp_path})
    assert remove_group(mounts, "/draas/a/r")
    assert not (tmp_path / "draas/a").exists()
    assert (tmp_path / "draas/b/s").exists()
    assert remove_group(mounts, "/draas/b/s")
    assert not (tmp_path / "draas").exists()
    assert tmp_path.exists()


def test_lines_that_are_no_pair_of_name_and_number_are_passed_over() -> None:
    assert parse_keys("a 1\nb\nc d\ne 2 3\n") == {"a": 1}

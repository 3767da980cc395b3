"""What a machine is told to mend, and what keeps it from being an agent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agent.check.lines import Line, exit_code
from agent.check.machine import engine_found
from agent.check.machine_rules import (
    GIB,
    EngineFound,
    HostFound,
    Metered,
    engine_lines,
    fault_lines,
    gpu_line,
    host_lines,
    metering_line,
)
from agent.runs.gpus import Gpu, Listing
from chain.job import Resources

GOOD = EngineFound(
    version="27.0.1",
    api="1.46",
    storage="overlay2",
    cgroup_version=2,
    cgroup_driver="cgroupfs",
    security=("name=apparmor", "name=seccomp,profile=builtin"),
    runtimes=("io.containerd.runc.v2", "runc", "runsc"),
    gvisor=True,
    live_restore=True,
    cpus=4,
    memory_bytes=8 * GIB,
)
HOST = HostFound(True, (), {"/home": 100 * GIB})


def levels(**changes: Any) -> dict[str, str]:
    return {line.name: line.level for line in engine_lines(replace(GOOD, **changes))}


def test_a_good_engine_is_well_in_every_line() -> None:
    assert set(levels().values()) == {"ok"}


@pytest.mark.parametrize(
    ("changes", "name", "level"),
    [
        ({"api": "1.39"}, "docker", "fail"),
        ({"api": ""}, "docker", "fail"),
        ({"api": "1.100"}, "docker", "ok"),
        ({"storage": "vfs"}, "docker", "warn"),
        ({"cgroup_driver": "systemd"}, "cgroups", "warn"),
        ({"cgroup_driver": "none"}, "cgroups", "fail"),
        ({"security": ("name=apparmor",)}, "fences", "fail"),
        ({"security": ("name=seccomp,profile=unconfined", "name=apparmor")}, "fences", "fail"),
        ({"security": ("name=seccomp,profile=default",)}, "fences", "warn"),
        ({"gvisor": False}, "gvisor", "warn"),
        ({"live_restore": False}, "restarts", "warn"),
    ],
)
def test_what_an_engine_lacks_is_told(changes: dict[str, Any], name: str, level: str) -> None:
    assert levels(**changes) == levels() | {name: level}


def test_whatever_is_not_well_comes_with_a_way_to_mend_it() -> None:
    poor = EngineFound(api="1.1", storage="vfs", cgroup_driver="systemd")
    lines = engine_lines(poor) + host_lines(HostFound(False, ("tc",), {"/": 0}), None, None)
    assert all(line.fix for line in lines if line.level != "ok")
    assert exit_code(lines) == 1


@pytest.mark.parametrize(
    ("found", "level"),
    [
        (Metered(cpu_ns=70_000_000), "ok"),
        (Metered(cpu_ns=0), "fail"),
        (Metered(cpu_ns=None), "fail"),
        (Metered(fault="no space"), "fail"),
        (Metered(skipped="no image"), "skip"),
    ],
)
def test_a_job_that_has_ended_must_be_metered(found: Metered, level: str) -> None:
    assert metering_line(found).level == level


@pytest.mark.parametrize(
    ("free", "level"), [(GIB - 1, "fail"), (5 * GIB, "warn"), (20 * GIB, "ok")]
)
def test_room_on_the_disk_is_told(free: int, level: str) -> None:
    (line,) = [
        one
        for one in host_lines(replace(HOST, disks={"/d": free}), None, None)
        if one.name == "disk"
    ]
    assert line.level == level


def test_what_is_lost_without_root_or_the_firewalls_programs_is_told() -> None:
    (line, _) = host_lines(replace(HOST, root=False, missing=("iptables",)), None, None)
    assert (line.level, "root, iptables" in line.told) == ("warn", True)
    assert "network" in line.told


@pytest.mark.parametrize(
    ("offered", "level"),
    [
        (Resources(4000, 4096, 0), "ok"),
        (Resources(4000, 8192, 0), "warn"),
        (Resources(4001, 4096, 0), "fail"),
        (Resources(1000, 8193, 0), "fail"),
    ],
)
def test_no_more_is_offered_than_there_is(offered: Resources, level: str) -> None:
    assert host_lines(HOST, offered, GOOD)[-1].level == level


def test_gpus_are_told_by_name_and_their_absence_with_its_reason() -> None:
    line = gpu_line(Listing((Gpu("GPU-1", "L4", 23034),)))
    assert (line.level, line.told) == ("ok", "L4 23034 MiB")
    assert gpu_line(Listing(why="no NVIDIA runtime is registered")) == Line(
        "gpus", "skip", "none: no NVIDIA runtime is registered"
    )


def test_versions_with_a_known_fault_are_told() -> None:
    assert [line.level for line in fault_lines(["runc 1.1.5: CVE-1", "runc 1.1.5: CVE-2"])] == [
        "warn"
    ] * 2
    assert [line.level for line in fault_lines([])] == ["ok"]


def test_what_a_docker_engine_answers_is_read_and_what_it_leaves_out_is_not_taken_for_granted() -> (
    None
):
    info = {"Driver": "overlay2", "CgroupVersion": "2", "CgroupDriver": "systemd", "NCPU": 2,
            "SecurityOptions": ["name=seccomp,profile=default"], "Runtimes": {"runc": {}, "nvidia": {}}}  # fmt: skip
    found = engine_found(info, {"Version": "20.10", "ApiVersion": "1.41"})
    assert (found.cgroup_version, found.runtimes) == (2, ("nvidia", "runc"))
    assert engine_found({}, {}) == EngineFound(cgroup_version=1)


def test_one_failure_fails_the_check_and_a_warning_does_not() -> None:
    assert exit_code([Line("a", "ok", ""), Line("b", "warn", "", "x"), Line("c", "skip", "")]) == 0
    assert exit_code([Line("a", "ok", ""), Line("b", "fail", "", "x")]) == 1

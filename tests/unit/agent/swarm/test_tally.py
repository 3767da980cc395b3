"""Leases and meters of a node, on control groups made of plain files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from agent.swarm import tally as module
from agent.swarm.spec import program
from agent.swarm.tally import Parent, Tally, mounts_at, remainder

RUN = "0x12/1"
ONE, TWO = "c" * 64, "d" * 64


class Kernel:
    """The files of both controllers; whatever a group used stays in the group above it."""

    def __init__(self, root: Path, version: int) -> None:
        self.root, self.version = root, version
        self._used: dict[str, int] = {}
        root.mkdir()
        if version == 2:
            (root / "cgroup.controllers").write_text("cpu memory\n")
        self._total = 0
        self._write("jobs", 0)

    def use(self, container: str, ns: int) -> None:
        """A container uses processor time."""
        name = container if self.version == 1 else f"docker-{container}.scope"
        self._used[name] = self._used.get(name, 0) + ns
        self._total += ns
        self._write(f"jobs/{name}", self._used[name])
        self._write("jobs", self._total)

    def end(self, container: str, last_ns: int) -> None:
        """It uses a last bit, and its group goes."""
        name = container if self.version == 1 else f"docker-{container}.scope"
        self._total += last_ns
        self._write("jobs", self._total)
        for folder in self._folders(f"jobs/{name}"):
            for file in folder.iterdir():
                file.unlink()
            folder.rmdir()

    def _folders(self, group: str) -> list[Path]:
        names = ("cpuacct", "memory") if self.version == 1 else ("",)
        return [self.root / name / group for name in names]

    def _write(self, group: str, ns: int) -> None:
        for folder in self._folders(group):
            folder.mkdir(parents=True, exist_ok=True)
        if self.version == 2:
            (folder / "cpu.stat").write_text(f"usage_usec {ns // 1000}\n")
            texts = {
                "current": "5000",
                "stat": "inactive_file 1000\n",
                "peak": "9000",
                "events": "oom_kill 1\n",
            }
        else:
            (self.root / "cpuacct" / group / "cpuacct.usage").write_text(str(ns))
            texts = {
                "usage_in_bytes": "5000",
                "stat": "total_inactive_file 1000\n",
                "max_usage_in_bytes": "9000",
                "oom_control": "oom_kill 1\n",
            }
        for name, text in texts.items():
            (folder / f"memory.{name}").write_text(text)


@pytest.fixture(params=[1, 2])
def kernel(request: pytest.FixtureRequest, tmp_path: Path) -> Kernel:
    """Both versions of the interface."""
    return Kernel(tmp_path / "cgroup", request.param)


@pytest.fixture
def tally(kernel: Kernel, tmp_path: Path) -> Tally:
    """With the run leased."""
    tally = Tally(mounts_at(kernel.root), tmp_path / "leases.json")
    assert tally.lease(RUN, 60, fresh=True)
    return tally


def test_what_a_container_used_after_its_last_reading_is_found_by_subtraction(
    kernel: Kernel, tally: Tally
) -> None:
    kernel.use("e" * 64, 7_000_000)  # somebody else's
    tally.made(ONE, RUN)
    assert tally.tick()
    assert not tally.usage(RUN)["read"]
    kernel.use(ONE, 1_000_000)
    assert tally.began(ONE, RUN) == ""
    tally.tick()
    seen = tally.usage(RUN)
    assert (seen["cpu_ns"], seen["memory_bytes"], seen["memory_peak_bytes"]) == (
        1_000_000,
        4000,
        9000,
    )
    assert seen["read"]
    assert not seen["settled"]
    kernel.use("e" * 64, 3_000_000)
    kernel.end(ONE, 500_000)
    tally.ended(ONE)
    assert not tally.usage(RUN)["settled"]  # its last bit is not counted yet
    tally.tick()
    seen = tally.usage(RUN)
    assert (seen["cpu_ns"], seen["memory_bytes"], seen["oom_kills"]) == (1_500_000, 0, 1)
    assert seen["settled"]
    assert not tally.tick()


def test_of_two_that_end_between_two_readings_neither_is_counted_further(
    kernel: Kernel, tally: Tally
) -> None:
    kernel.use(ONE, 1_000_000)
    kernel.use("e" * 64, 1_000_000)
    tally.began(ONE, RUN)
    tally.tick()
    kernel.end(ONE, 500_000)
    kernel.end("e" * 64, 90_000_000)
    tally.tick()
    assert tally.usage(RUN)["cpu_ns"] == 1_000_000


def test_a_run_that_was_started_again_has_used_what_both_its_containers_did(
    kernel: Kernel, tally: Tally
) -> None:
    kernel.use(ONE, 4_000_000)
    tally.began(ONE, RUN)
    tally.tick()
    kernel.end(ONE, 0)
    tally.tick()
    assert tally.lease(RUN, 60, fresh=True)
    kernel.use(TWO, 1_000_000)
    assert tally.began(TWO, RUN) == ""
    tally.tick()
    assert tally.usage(RUN)["cpu_ns"] == 5_000_000


def test_only_the_first_container_of_a_run_may_go_on_and_only_with_a_lease(tally: Tally) -> None:
    assert tally.began(ONE, RUN) == ""
    assert tally.began(ONE, RUN, found=True) == ""
    assert tally.began(TWO, RUN) == "a second container of one run"
    assert tally.began(TWO, "0x99/1") == "without a lease"
    assert not tally.lease(RUN, 60, fresh=True)  # the first one lives
    assert tally.lease(RUN, 60, fresh=False)
    assert tally.overdue() == []


def test_a_container_is_overdue_when_its_lease_has_run_out_until_it_has_ended(
    tally: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    tally.began(ONE, RUN)
    now = module.boot_clock()
    monkeypatch.setattr(module, "boot_clock", lambda: now + 59)
    assert tally.overdue() == []
    monkeypatch.setattr(module, "boot_clock", lambda: now + 61)
    assert tally.overdue() == [ONE]
    tally.killed(ONE, "its lease ran out")
    assert tally.usage(RUN)["killed"] == "its lease ran out"
    assert tally.overdue() == [ONE]
    tally.ended(ONE)
    assert tally.overdue() == []


def test_leases_outlive_the_program_and_a_strange_container_gets_a_short_one(
    kernel: Kernel, tally: Tally, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tally.began(ONE, RUN)
    again = Tally(mounts_at(kernel.root), tmp_path / "leases.json")
    assert again.began(TWO, RUN, found=True) == "a second container of one run"
    strange = "f" * 64
    assert again.began(strange, "0x99/1", found=True) == ""
    again.drop(RUN)
    assert not again.usage(RUN)["read"]
    now = module.boot_clock()
    monkeypatch.setattr(module, "boot_clock", lambda: now + module.STRANGE_S + 1)
    assert again.overdue() == [strange]


def test_the_remainder_is_never_negative_and_told_of_one_group_alone() -> None:
    before = Parent(100, {"a": 10, "b": 20})
    assert remainder(before, Parent(130, {"b": 25, "new": 5})) == ("a", 20)
    assert remainder(before, Parent(100, {"b": 90})) == ("a", 0)
    assert remainder(before, Parent(130, {"a": 10, "b": 20})) is None
    assert remainder(before, Parent(130, {})) is None


def test_the_nodes_program_runs_on_its_files_and_the_standard_library_alone(tmp_path: Path) -> None:
    for name, content in program().items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import agent.swarm.node as n; print(n.__file__)"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    )
    assert str(tmp_path) in done.stdout

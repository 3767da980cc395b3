"""What an Engine says of itself, read from its answers."""

from __future__ import annotations

from typing import Any

from agent.engine.facts import Runtime, facts_of, weaknesses

INFO: dict[str, Any] = {
    "CgroupVersion": "2",
    "CgroupDriver": "systemd",
    "InitCommit": {"ID": ""},
    "SecurityOptions": ["name=apparmor", "name=seccomp,profile=default", "name=userns"],
    "Runtimes": {
        "runsc": {"path": "/usr/bin/runsc", "runtimeArgs": ["--network=none"]},
        "runc": {"path": "runc"},
        "io.containerd.runc.v2": {},
    },
    "MemoryLimit": True,
    "SwapLimit": True,
    "PidsLimit": True,
}  # fmt: skip
VERSION = {
    "Components": [{"Name": "Engine", "Version": "28.0"}, {"Name": "runc", "Version": "1.3.3"}]
}


def test_runtimes_versions_and_fences_are_read() -> None:
    facts = facts_of(INFO, VERSION, local=True)
    assert (facts.cgroup_version, facts.systemd, facts.has_init, facts.local) == (
        2,
        True,
        False,
        True,
    )
    assert (facts.seccomp, facts.apparmor) == (True, True)
    assert facts.runtimes == (
        Runtime("io.containerd.runc.v2"),
        Runtime("runc", "runc"),
        Runtime("runsc", "/usr/bin/runsc", ("--network=none",)),
    )
    assert facts.versions == {"engine": "28.0", "runc": "1.3.3"}
    assert weaknesses(facts) == []


def test_an_engine_that_says_nothing_has_no_filter_and_the_oldest_control_groups() -> None:
    facts = facts_of({}, {}, local=False)
    assert (facts.cgroup_version, facts.seccomp, facts.runtimes) == (1, False, ())
    assert facts.unlimited == ()


def test_what_an_engine_cannot_fence_is_told() -> None:
    bare = INFO | {"SecurityOptions": ["name=seccomp,profile=unconfined"], "SwapLimit": False}
    assert weaknesses(facts_of(bare, VERSION, local=True)) == [
        "it runs containers without a seccomp filter",
        "it cannot limit swap",
        "the kernel confines containers by neither seccomp nor AppArmor",
    ]

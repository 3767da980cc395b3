"""What a Docker Engine says of itself, and which of our fences it cannot put up. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_LIMITS = (  # what the Engine says it can do: key of its answer → what is lost without
    ("MemoryLimit", "memory"),
    ("SwapLimit", "swap"),
    ("CpuCfsQuota", "processor time"),
    ("PidsLimit", "processes"),
)


@dataclass(frozen=True, slots=True)
class Runtime:
    """One registered container runtime.

    Args:
        name: as the Engine knows it.
        path: of its program; "" for one that the Engine finds by its type.
        args: that the Engine gives it.
    """

    name: str
    path: str = ""
    args: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What the Engine can do.

    Args:
        cgroup_version: 1 or 2.
        systemd: whether control groups are made by systemd.
        has_init: whether there is an init program to put in front.
        local: on this machine, by its socket.
        runtimes: registered with it.
        seccomp: whether containers get a filter of system calls by default.
        apparmor: whether the kernel confines containers by AppArmor too.
        unlimited: what it cannot limit, in words.
        remapped: whether users inside are others outside (userns-remap, rootless).
        versions: part → its version: engine, containerd, runc.
    """

    cgroup_version: int
    systemd: bool
    has_init: bool
    local: bool
    runtimes: tuple[Runtime, ...] = (Runtime("runc", "runc"),)
    seccomp: bool = True
    apparmor: bool = False
    unlimited: tuple[str, ...] = ()
    remapped: bool = False
    versions: Mapping[str, str] = field(default_factory=dict)


def facts_of(info: Mapping[str, Any], version: Mapping[str, Any], local: bool) -> EngineFacts:
    """Read the Engine's answers to `info` and `version`."""
    options = dict(_option(text) for text in info.get("SecurityOptions") or ())
    return EngineFacts(
        cgroup_version=int(info.get("CgroupVersion") or 1),
        systemd=info.get("CgroupDriver") == "systemd",
        has_init=bool((info.get("InitCommit") or {}).get("ID")),
        local=local,
        runtimes=_runtimes(info.get("Runtimes") or {}),
        seccomp="seccomp" in options and options["seccomp"] != "unconfined",
        apparmor="apparmor" in options,
        unlimited=tuple(what for key, what in _LIMITS if info.get(key) is False),
        remapped=bool({"userns", "rootless"} & options.keys()),
        versions=_versions(version),
    )


def _option(text: str) -> tuple[str, str]:
    """`name=seccomp,profile=default` as (seccomp, default)."""
    parts = dict(part.partition("=")[::2] for part in text.split(","))
    return parts.get("name", ""), parts.get("profile", "")


def _runtimes(found: Mapping[str, Any]) -> tuple[Runtime, ...]:
    return tuple(
        Runtime(name, str(told.get("path") or ""), tuple(told.get("runtimeArgs") or ()))
        for name, told in sorted(found.items())
    )


def _versions(version: Mapping[str, Any]) -> dict[str, str]:
    parts = version.get("Components") or []
    return {str(part["Name"]).lower(): str(part["Version"]) for part in parts}


def weaknesses(facts: EngineFacts) -> list[str]:
    """Which fences this Engine cannot put up, for its owner to read; empty when it can all."""
    found = [] if facts.seccomp else ["it runs containers without a seccomp filter"]
    found += [f"it cannot limit {what}" for what in facts.unlimited]
    if not facts.seccomp and not facts.apparmor:
        found.append("the kernel confines containers by neither seccomp nor AppArmor")
    return found

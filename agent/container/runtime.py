"""Which container runtime a job gets: gVisor, whose kernel is a program of its own, or runc on the host's. Pure.

The provider's word comes first, then the job's; where both leave it open it is gVisor wherever that is registered
and the job can live with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal, get_args

from agent.engine.facts import EngineFacts, Runtime
from chain.manifest import Manifest

RuntimeName = Literal["runc", "gvisor"]
RuntimeSetting = Literal["auto", "runc", "gvisor"]
SETTINGS: tuple[RuntimeSetting, ...] = get_args(RuntimeSetting)
NETWORK = "network"  # as in "gvisor+network": it can give a job a network too
_NO_NETWORK = "--network=none"  # as Debian's gVisor has to be registered


@dataclass(frozen=True, slots=True)
class Chosen:
    """A runtime, or why there is none.

    Args:
        name: ours; "" for none.
        registered: the Engine's name of it.
        why_not: for the consumer to read.
    """

    name: RuntimeName | Literal[""] = ""
    registered: str = ""
    why_not: str = ""


def choose(setting: RuntimeSetting, facts: EngineFacts, manifest: Manifest) -> Chosen:
    """The runtime of a job, or why it cannot run here."""
    asked = manifest.runtime
    if setting != "auto" and asked is not None and asked != setting:
        return Chosen(why_not=f"it asks for {asked}, and this provider runs {setting} alone")
    wanted = asked if setting == "auto" else setting
    if wanted == "gvisor":
        return _gvisor(facts, manifest)
    if wanted == "runc":
        return _runc(facts)
    boxed = _gvisor(facts, manifest)
    return boxed if boxed.name else _runc(facts)


def _gvisor(facts: EngineFacts, manifest: Manifest) -> Chosen:
    found = _registered(facts, "gvisor")
    if not found:
        return Chosen(why_not="gVisor is not registered with this provider's Engine")
    if manifest.resources.gpus:
        return Chosen(why_not="a job with GPUs cannot run under gVisor")
    if manifest.reserved().egress_kib_s == 0:
        return Chosen("gvisor", found[0].name)
    for runtime in found:
        if _NO_NETWORK not in runtime.args:
            return Chosen("gvisor", runtime.name)
    return Chosen(why_not="this provider's gVisor cannot give a job a network")


def _runc(facts: EngineFacts) -> Chosen:
    found = _registered(facts, "runc")
    if not found:
        return Chosen(why_not="runc is not registered with this provider's Engine")
    if not facts.seccomp:
        return Chosen(why_not="this provider's Engine runs runc without a seccomp filter")
    return Chosen("runc", found[0].name)


def _registered(facts: EngineFacts, name: RuntimeName) -> list[Runtime]:
    return [runtime for runtime in facts.runtimes if kind_of(runtime) == name]


def kind_of(runtime: Runtime) -> RuntimeName | None:
    """What a registered runtime is; None for one that we do not use."""
    words = (runtime.name.lower(), PurePosixPath(runtime.path).name.lower())
    if any("runsc" in word or "gvisor" in word for word in words):
        return "gvisor"
    plain = runtime.name in ("runc", "io.containerd.runc.v2")
    return "runc" if plain and words[1] in ("", "runc") else None


def offered(setting: RuntimeSetting, facts: EngineFacts) -> list[str]:
    """What an agent tells its scheduler: its runtimes, each once more with "+network" where a job with one fits."""
    told = []
    for name in ("gvisor", "runc"):
        for network in (False, True):
            resources = {"egress": "1M"} if network else {}
            manifest = Manifest.model_validate({"runtime": name, "resources": resources})
            if choose(setting, facts, manifest).name:
                told.append(f"{name}+{NETWORK}" if network else name)
    return told

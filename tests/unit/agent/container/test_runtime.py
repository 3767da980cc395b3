"""gVisor where it is registered and the job can live with it; the provider's word first, then the job's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agent.container.runtime import RuntimeSetting, choose, kind_of, offered
from agent.engine.facts import EngineFacts, Runtime
from chain.manifest import Manifest

RUNC = Runtime("runc", "runc")
BOXED = Runtime("runsc", "/usr/bin/runsc", ("--network=none",))
WIRED = Runtime("gvisor-net", "/usr/local/bin/runsc")
PLAIN = EngineFacts(2, False, False, True, (RUNC,))
BOTH = replace(PLAIN, runtimes=(RUNC, BOXED))
ALL = replace(PLAIN, runtimes=(RUNC, BOXED, WIRED))


def job(runtime: str | None = None, egress: str = "0", gpus: int = 0) -> Manifest:
    resources: dict[str, Any] = {"egress": egress, "gpus": gpus}
    return Manifest.model_validate({"runtime": runtime, "resources": resources})


@pytest.mark.parametrize(
    ("setting", "facts", "manifest", "chosen"),
    [
        ("auto", PLAIN, job(), "runc"),
        ("auto", BOTH, job(), "runsc"),
        ("auto", BOTH, job(egress="1M"), "runc"),
        ("auto", ALL, job(egress="1M"), "gvisor-net"),
        ("auto", BOTH, job(gpus=1), "runc"),
        ("auto", BOTH, job("runc"), "runc"),
        ("auto", BOTH, job("gvisor"), "runsc"),
        ("gvisor", BOTH, job(), "runsc"),
        ("gvisor", BOTH, job("gvisor"), "runsc"),
        ("runc", BOTH, job(), "runc"),
    ],
)
def test_who_runs_what(
    setting: RuntimeSetting, facts: EngineFacts, manifest: Manifest, chosen: str
) -> None:
    assert choose(setting, facts, manifest).registered == chosen


@pytest.mark.parametrize(
    ("setting", "facts", "manifest", "why"),
    [
        ("gvisor", BOTH, job("runc"), "it asks for runc, and this provider runs gvisor alone"),
        ("runc", BOTH, job("gvisor"), "it asks for gvisor, and this provider runs runc alone"),
        ("gvisor", PLAIN, job(), "gVisor is not registered with this provider's Engine"),
        ("auto", PLAIN, job("gvisor"), "gVisor is not registered with this provider's Engine"),
        ("auto", BOTH, job("gvisor", egress="1M"), "this provider's gVisor cannot give a job a network"),
        ("gvisor", BOTH, job(egress="1M"), "this provider's gVisor cannot give a job a network"),
        ("auto", ALL, job("gvisor", gpus=1), "a job with GPUs cannot run under gVisor"),
        ("auto", replace(PLAIN, seccomp=False), job(),
         "this provider's Engine runs runc without a seccomp filter"),
        ("auto", replace(PLAIN, runtimes=()), job(), "runc is not registered with this provider's Engine"),
    ],
)  # fmt: skip
def test_who_is_refused_and_why(
    setting: RuntimeSetting, facts: EngineFacts, manifest: Manifest, why: str
) -> None:
    chosen = choose(setting, facts, manifest)
    assert (chosen.name, chosen.registered, chosen.why_not) == ("", "", why)


def test_an_engine_without_a_filter_of_system_calls_still_runs_gvisor() -> None:
    assert choose("auto", replace(BOTH, seccomp=False), job()).registered == "runsc"


@pytest.mark.parametrize(
    ("runtime", "kind"),
    [
        (RUNC, "runc"),
        (Runtime("io.containerd.runc.v2"), "runc"),
        (BOXED, "gvisor"),
        (WIRED, "gvisor"),
        (Runtime("io.containerd.runsc.v1"), "gvisor"),
        (Runtime("nvidia", "nvidia-container-runtime"), None),
        (Runtime("runc", "/opt/other"), None),
    ],
)
def test_runtimes_are_known_by_their_names_and_programs(runtime: Runtime, kind: str | None) -> None:
    assert kind_of(runtime) == kind


def test_an_agent_offers_what_it_would_choose() -> None:
    assert offered("auto", PLAIN) == ["runc", "runc+network"]
    assert offered("auto", BOTH) == ["gvisor", "runc", "runc+network"]
    assert offered("gvisor", BOTH) == ["gvisor"]
    assert offered("gvisor", ALL) == ["gvisor", "gvisor+network"]
    assert offered("gvisor", PLAIN) == []

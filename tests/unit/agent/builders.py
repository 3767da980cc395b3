"""Builders of what the agent's unit tests talk about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from agent.container.restart import Exit
from agent.observed import Container, OnChain
from agent.runs.record import RunRecord
from chain.job import ZERO_ADDRESS, Address, JobState, RunState
from chain.manifest import Manifest
from chain.wire import AssignmentBody, Offer, RatesBody, ResourcesBody, TermsBody

AGENT = Address("0x" + "aA" * 20)
SCHEDULER = Address("0x" + "bb" * 20)
JOB = "0x" + "12" * 32
IMAGE = "sha256:" + "ab" * 32
NOW = 1_000_000


def an_offer(manifest: Manifest | None = None, **changes: Any) -> Offer:
    """An offer of the first attempt, good for a minute."""
    manifest = manifest or Manifest()
    reserved = manifest.reserved()
    terms = TermsBody(
        consumer="0x" + "cc" * 20,
        scheduler=SCHEDULER,
        watcher=ZERO_ADDRESS,
        salt="0x" + "00" * 32,
        resources=ResourcesBody(
            cpu_millis=reserved.cpu_millis,
            memory_mib=reserved.memory_mib,
            egress_kib_s=reserved.egress_kib_s,
        ),
        max_rates=RatesBody(cpu_ms="10", memory_mib_s="10", egress_kib="10", wall_s="10"),
        duration=600,
        claim_within=600,
        cid="b" + "a" * 58,
    )
    assignment = {
        "job_id": JOB,
        "attempt": 1,
        "provider": AGENT,
        "image": IMAGE,
        "deadline": NOW + 60,
    }
    return Offer(
        assignment=AssignmentBody(**{**assignment, **changes}),
        signature="0x" + "00" * 65,
        terms=terms,
        manifest=manifest,
        image_name="",
    )


def a_record(**changes: Any) -> RunRecord:
    """A record of an offer that just came."""
    return replace(RunRecord(offer=an_offer(), agent=AGENT), **changes)


def a_running_record(**changes: Any) -> RunRecord:
    """A record of a run whose container runs."""
    facts: dict[str, Any] = {
        "accepted": True,
        "claimed_at": NOW,
        "container_id": "c1",
    }
    return a_record(**(facts | changes))


def an_ended_record(**changes: Any) -> RunRecord:
    """A record of a run whose container has ended."""
    ended = Exit(0, NOW * 1000, (NOW + 10) * 1000)
    return a_running_record(**({"exit": ended, "collected": True} | changes))


def on_chain(**changes: Any) -> OnChain:
    """Our running claim, as the chain shows it."""
    running = OnChain(
        state=JobState.RUNNING,
        attempt=1,
        deadline=NOW + 600,
        run=RunState.LIVE,
        taken=False,
        started_at=NOW,
        earned=0,
        final=0,
        released=0,
        all_final=False,
        now=NOW + 20,
        head_time=NOW + 20,
        deep_run=RunState.LIVE,
        deep_released=0,
    )
    seen = replace(running, **changes)
    same: dict[str, Any] = {
        "head_time": seen.now,
        "deep_run": seen.run,
        "deep_released": seen.released,
    }
    return replace(seen, **{name: was for name, was in same.items() if name not in changes})


def an_open_job(**changes: Any) -> OnChain:
    """A job that nobody has claimed."""
    facts: dict[str, Any] = {
        "state": JobState.OPEN,
        "run": RunState.ABSENT,
        "started_at": 0,
        "now": NOW,
    }
    return on_chain(**(facts | changes))


RUNNING = Container("running", started_ms=NOW * 1000, pid=7)
EXITED = Container("exited", started_ms=NOW * 1000, finished_ms=NOW * 1000 + 5000)

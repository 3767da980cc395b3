"""GPUs are listed as the driver tells of them, and each is in the hands of one run at a time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.container.restart import Exit
from agent.engine.isolation import ImageFacts, Place, RunKey, create_body
from agent.link.machine import heartbeat
from agent.runs.claim import Facts, faults_of
from agent.runs.drain import REFUSAL, Drain
from agent.runs.gpus import NO_GPUS, Gpu, Listing, list_gpus, parse_gpus, unheld
from agent.runs.record import RunRecord, load, save
from agent.runs.runs import Runs
from chain.job import Digest, JobId, Rates, Resources
from chain.manifest import parse_manifest
from tests.unit.agent.builders import AGENT, IMAGE, JOB, NOW, SCHEDULER, a_record, an_offer

ONE, TWO = "GPU-11111111-aaaa", "GPU-22222222-bbbb"
TOLD = f"{ONE}, NVIDIA A100-SXM4-40GB, 40960\n{TWO}, NVIDIA A100-SXM4-40GB, 40960\n"
WANTS_ONE = parse_manifest("command: run\nresources: {cpus: 1, memory: 64M, gpus: 1}\n")


def test_what_the_driver_prints_is_read() -> None:
    assert parse_gpus(TOLD) == (
        Gpu(ONE, "NVIDIA A100-SXM4-40GB", 40960),
        Gpu(TWO, "NVIDIA A100-SXM4-40GB", 40960),
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "No devices were found\n",
        "all, NVIDIA A100, 1\n",
        "GPU-1,2\n",
        "--evil, NVIDIA, 3\n",
        "GPU-a b, x, 1\n",
    ],
)
def test_what_is_no_device_is_passed_over(text: str) -> None:
    assert parse_gpus(text) == ()


def test_a_device_is_listed_once_and_its_name_made_plain() -> None:
    text = f"{ONE}, Tesla, T4\x1b[31m, [N/A]\n{ONE}, Tesla T4, 15360\n"
    assert parse_gpus(text) == (Gpu(ONE, "Tesla T4", 15360),)
    assert parse_gpus(f"{ONE}, Tesla, T4\x1b, [N/A]\n") == (Gpu(ONE, "Tesla, T4", 0),)
    assert len(parse_gpus("".join(f"GPU-{n}, T4, 1\n" for n in range(100)))) == 64


def test_fewer_than_there_are_can_be_offered() -> None:
    found = Listing(parse_gpus(TOLD))
    assert found.first(None) is found
    assert found.first(1).ids == (ONE,)
    assert "1 of 2" in found.first(1).why
    assert found.first(0).ids == ()


def a_run(attempt: int, **facts: Any) -> RunRecord:
    return a_record(**{"offer": an_offer(WANTS_ONE, attempt=attempt), **facts})


def test_a_device_that_a_run_holds_is_nobody_elses_until_its_program_has_ended() -> None:
    held = a_run(1, gpus=(ONE,), accepted=True)
    assert unheld((ONE, TWO), [held]) == (TWO,)
    over = replace(held, exit=Exit(0, 1, 2))
    assert unheld((ONE, TWO), [over]) == (ONE, TWO)
    assert unheld((ONE, TWO), [replace(held, refused="no")]) == (ONE, TWO)


def test_of_two_runs_that_want_the_last_device_the_first_that_was_offered_gets_it() -> None:
    first, second = a_run(1), a_run(2)
    assert unheld((ONE,), [first, second], first) == (ONE,)
    assert unheld((ONE,), [first, second], second) == ()
    assert unheld((ONE, TWO), [first, second], second) == (TWO,)


def test_a_later_run_that_was_quicker_keeps_what_it_has() -> None:
    first, second = a_run(1), a_run(2, gpus=(TWO,), accepted=True)
    assert unheld((ONE, TWO), [first, second], first) == (ONE,)


async def test_a_drained_agent_tells_that_nothing_is_free(tmp_path: Path) -> None:
    runs = Runs(Resources(1000, 64, 0), Drain(tmp_path), Listing(parse_gpus(TOLD)))
    told = await heartbeat(runs, tmp_path)
    assert (told.gpus_free, told.free.cpu_millis, told.draining) == (2, 1000, False)
    runs.drain.set(True)
    told = await heartbeat(runs, tmp_path)
    assert (told.gpus_free, told.free.cpu_millis, told.draining) == (0, 0, True)
    assert told.capacity.cpu_millis == 1000


async def test_without_the_runtime_there_are_none_and_the_reason_is_told() -> None:
    assert (await list_gpus(("runc", "runsc"))).why == "no NVIDIA runtime is registered"


@pytest.mark.parametrize(
    ("script", "ids", "why"),
    [
        (f"echo '{ONE}, NVIDIA L4, 23034'", (ONE,), ""),
        ("exit 9", (), "nvidia-smi ended with code 9"),
        ("echo No devices were found", (), "nvidia-smi lists none"),
    ],
)
async def test_the_driver_is_asked_where_the_runtime_is(
    script: str, ids: tuple[str, ...], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    found = await list_gpus(("nvidia", "runc"))
    assert (found.ids, found.why) == (ids, why)


def test_a_container_gets_its_own_devices_and_no_other() -> None:
    key = RunKey(JobId(JOB), 1, AGENT)
    image = ImageFacts(Digest(IMAGE), environment=("NVIDIA_VISIBLE_DEVICES=all",))
    body = create_body(key, WANTS_ONE, image, Place("/draas/x/y", gpus=(TWO,)))
    (asked,) = body["HostConfig"]["DeviceRequests"]
    assert (asked["Driver"], asked["DeviceIDs"]) == ("nvidia", [TWO])
    assert f"NVIDIA_VISIBLE_DEVICES={TWO}" in body["Env"]
    assert "NVIDIA_DRIVER_CAPABILITIES=compute,utility" in body["Env"]
    assert body["HostConfig"]["CapDrop"] == ["ALL"]


def test_a_container_without_devices_gets_none_whatever_image_and_manifest_ask() -> None:
    text = "command: run\nenvironment: {NVIDIA_VISIBLE_DEVICES: all}\n"
    image = ImageFacts(Digest(IMAGE), environment=("NVIDIA_VISIBLE_DEVICES=all",))
    key = RunKey(JobId(JOB), 1, AGENT)
    body = create_body(key, parse_manifest(text), image, Place("/draas/x/y"))
    assert body["HostConfig"]["DeviceRequests"] == []
    assert [line for line in body["Env"] if line.startswith("NVIDIA_VISIBLE_DEVICES")] == [
        "NVIDIA_VISIBLE_DEVICES=void"
    ]


def test_the_devices_are_kept_in_the_runs_record(tmp_path: Path) -> None:
    save(tmp_path, a_record(gpus=(ONE, TWO)))
    assert load(tmp_path).gpus == (ONE, TWO)


def facts(gpus_free: int = 0, draining: bool = False) -> Facts:
    return Facts(
        agent=AGENT,
        scheduler=SCHEDULER,
        job_id=JobId(JOB),
        signer=SCHEDULER,
        rates=Rates(1, 1, 1, 1),
        units_free=10**6,
        free=Resources(64_000, 64_000, 64_000),
        now=NOW,
        gpus_free=gpus_free,
        draining=draining,
    )


def test_an_offer_that_wants_more_devices_than_are_free_is_refused() -> None:
    offer = an_offer(WANTS_ONE)
    assert faults_of(offer, facts(gpus_free=1), None) == []
    assert faults_of(offer, facts(), None) == ["1 GPUs are wanted and 0 are free"]


def test_a_drained_agent_refuses_every_offer_and_says_why() -> None:
    assert faults_of(an_offer(), facts(draining=True), None) == [REFUSAL]


def test_no_devices_is_a_list_of_none() -> None:
    assert (NO_GPUS.ids, NO_GPUS.names) == ((), [])

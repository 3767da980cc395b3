"""Programs that take all they can get: each meets its limit, ends with a reason, and its neighbour works on."""

from __future__ import annotations

import pytest

from agent.container.runtime import RuntimeName
from agent.engine.isolation import LOG_FILE_SHARE, LOG_FILES, MIB, PIDS, PIDS_UNDER_GVISOR
from chain.job import Digest
from tests.integration.agent.conftest import Bench
from tests.integration.agent.fenced import attempt, beside, counted, hostile


async def test_a_fork_bomb_ends_at_its_limit_with_a_reason(
    bench: Bench, runtime: RuntimeName, python_image: Digest
) -> None:
    async with beside(bench, python_image) as neighbour:
        job = hostile("bombs", "processes", memory="256M")
        tried = await attempt(bench, runtime, python_image, job)
    assert tried.exit.code != 0
    most = PIDS if runtime == "runc" else PIDS_UNDER_GVISOR
    limits = {f"it reached its limit of {most} processes and threads"}
    if runtime == "gvisor":  # whose kernel's own memory counts too
        limits.add("killed: out of memory (limit 256 MiB)")
    assert tried.exit.why in limits
    assert counted(tried.run, "pids", "pids.peak") <= most
    assert neighbour.did_not_notice(), neighbour


async def test_a_memory_bomb_is_killed_with_a_reason(
    bench: Bench, runtime: RuntimeName, python_image: Digest
) -> None:
    async with beside(bench, python_image) as neighbour:
        tried = await attempt(bench, runtime, python_image, hostile("bombs", "memory"))
    assert (tried.exit.code, tried.exit.why) == (137, "killed: out of memory (limit 128 MiB)")
    assert counted(tried.run, "memory", "memory.max_usage_in_bytes") <= 129 * MIB
    assert neighbour.did_not_notice(), neighbour


async def test_a_disk_filler_finds_each_writable_place_small_and_nothing_else_writable(
    bench: Bench, runtime: RuntimeName, hostile_image: Digest
) -> None:
    writable = ["/tmp", "/dev/shm", "/data"]
    closed = [
        "/",
        "/etc",
        "/run",
        "/var/tmp",
        "/dev",
        "/dev/mqueue",
        "/root",
        "/sys/fs/cgroup",
        "/proc/self",
    ]
    async with beside(bench, hostile_image) as neighbour:
        job = hostile("bombs", "disk", "/output", *closed, *writable, memory="96M")
        tried = await attempt(bench, runtime, hostile_image, job)
    assert neighbour.did_not_notice(), neighbour
    told = tried.told
    assert told["/output"][:3] == ["ENOSPC", 8, "ENOSPC"]
    assert not [folder for folder in closed if told[folder][1] or told[folder][3]]
    if (
        runtime == "gvisor" and tried.exit.code
    ):  # before 2023 its own memory file systems had no size
        assert tried.exit.why == "killed: out of memory (limit 96 MiB)"
        return
    assert tried.exit.code == 0, tried.lines
    assert [told[folder][:2] for folder in writable] == [["ENOSPC", 8]] * 3


async def test_writable_space_is_memory_of_the_job_and_more_than_it_has_kills_it(
    bench: Bench, runtime: RuntimeName, hostile_image: Digest
) -> None:
    places = ("/tmp", "/output", "/dev/shm", "/data")
    job = hostile("bombs", "spread", *places, disk="64M", memory="128M")
    tried = await attempt(bench, runtime, hostile_image, job)
    assert (tried.exit.code, tried.exit.why) == (137, "killed: out of memory (limit 128 MiB)")
    assert counted(tried.run, "memory", "memory.max_usage_in_bytes") <= 129 * MIB


async def test_a_log_flood_is_cut_with_a_notice_and_neither_disk_nor_agent_grows_with_it(
    bench: Bench, runtime: RuntimeName, python_image: Digest
) -> None:
    async with beside(bench, python_image) as neighbour:
        tried = await attempt(bench, runtime, python_image, hostile("bombs", "log", "30"))
    last = tried.run.spool.read(-1, 10**6)[-1]
    assert (last.stream, "limit" in last.text) == ("notice", True)
    stored = sum(path.stat().st_size for path in tried.run.folder.iterdir() if path.is_file())
    assert stored < 4 * bench.log_bytes
    kept = sum(path.stat().st_size for path in bench.log_files(tried.run))
    assert 0 < kept <= LOG_FILES * (LOG_FILE_SHARE * bench.log_bytes + MIB)
    assert neighbour.did_not_notice(), neighbour


async def test_open_files_have_a_limit(
    bench: Bench, runtime: RuntimeName, python_image: Digest
) -> None:
    tried = await attempt(bench, runtime, python_image, hostile("bombs", "files"))
    assert tried.lines == ["EMFILE 4"]


@pytest.mark.parametrize("user", ["toor", "app"])
async def test_an_image_whose_user_has_a_name_is_run_by_number_and_never_by_roots(
    bench: Bench, runtime: RuntimeName, hostile_image: Digest, app_image: Digest, user: str
) -> None:
    image, uid = (hostile_image, "65534") if user == "toor" else (app_image, "1234")
    tried = await attempt(bench, runtime, image, hostile("escapes", "identity"))
    told = tried.told
    assert (told["uid"], told["euid"], told["CapEff"], told["CapBnd"]) == (
        uid,
        uid,
        "0" * 16,
        "0" * 16,
    )
    assert runtime == "gvisor" or (told["NoNewPrivs"], told["Seccomp"]) == ("1", "2")

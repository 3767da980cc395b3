"""Containers on the real Engine: the fences hold, the meter is exact, no line is lost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import docker
import pytest

from agent.container.container import RunContainer
from agent.engine.engine import Engine
from agent.engine.isolation import MIB
from agent.meter.cgroup import directory_of
from agent.observed import Absent, Container
from chain.errors import DraasError, InvalidInput
from chain.job import Digest
from chain.ledger import read_entries
from tests.integration.agent.conftest import AGENT, Bench, a_manifest, of_agent

Texts = Callable[[RunContainer], list[str]]
BURN = (
    "import time; end=time.time()+{0}\nwhile time.time()<end: pass\nprint(time.process_time_ns())"
)

# By its own time, which other programs' load does not shorten, and by the clock, which starts after it.
FIFTH = "import time; end=time.time()+0.2\nwhile time.process_time()<0.2 or time.time()<end: pass"


async def test_a_burning_program_is_metered_within_one_percent_of_the_kernels_count(
    bench: Bench, python_image: Digest
) -> None:
    run, container_id = await bench.start(
        a_manifest(["python3", "-c", BURN.format(2).replace("\n", "\\n")]), python_image
    )
    exit_ = await bench.end(run, container_id)
    kernel = int(
        (Path("/sys/fs/cgroup/cpuacct") / directory_of(run.cgroup) / "cpuacct.usage").read_text()
    )
    assert exit_.code == 0
    assert run.meter.totals.cpu_ns == kernel
    own = int(run.spool.read(-1, 1)[0].text)
    assert (
        own <= run.meter.totals.cpu_ns <= own * 1.01 + 150_000_000
    )  # runc's own start is counted too
    assert run.meter.usage.wall_s == (exit_.finished_ms - exit_.started_ms) // 1000


async def test_a_job_of_a_fifth_of_a_second_has_a_value_in_every_metric_that_it_used(
    bench: Bench, python_image: Digest
) -> None:
    run, container_id = await bench.start(
        a_manifest(["python3", "-c", FIFTH.replace("\n", "\\n")]), python_image
    )
    await asyncio.sleep(1.5)  # nobody samples it while it runs
    await bench.end(run, container_id)
    totals = run.meter.totals
    assert 200 <= run.meter.usage.cpu_ms <= 600
    assert totals.memory_byte_ms > 0
    assert totals.wall_ms >= 200
    assert totals.egress_bytes == 0
    data = (bench.folder / run.cgroup.split("/")[-1] / "usage.jsonl").read_bytes()
    assert [entry.ends for entry in read_entries(data)][-1] == len(data)


async def test_a_program_that_takes_too_much_memory_is_killed_and_the_reason_is_told(
    bench: Bench, python_image: Digest
) -> None:
    _, exit_ = await bench.whole(
        a_manifest(["python3", "-c", "x = bytearray(200_000_000); print(len(x))"]), python_image
    )
    assert exit_.code == 137
    assert exit_.why == "killed: out of memory (limit 64 MiB)"


async def test_a_fork_bomb_stops_at_the_process_limit(bench: Bench, python_image: Digest) -> None:
    code = (
        "import os,time\\nn=0\\ntry:\\n  while True:\\n    if os.fork()==0: time.sleep(5); os._exit(0)\\n"
        "    n+=1\\nexcept OSError: print(n)"
    )
    run, exit_ = await bench.whole(a_manifest(["python3", "-c", code], memory="512M"), python_image)
    assert exit_.code == 0
    assert int(run.spool.read(-1, 1)[0].text) < 256


@pytest.mark.parametrize(
    ("attempt", "told"),
    [
        ("touch /etc/x", "Read-only file system"),
        ("chown 0 /tmp/../tmp && mount -t tmpfs x /mnt", "ermitted"),
        ("ping -c 1 -W 1 1.1.1.1", "er"),
        ("id -u", "65534"),
        ("dd if=/dev/zero of=/tmp/a bs=1M count=20", "No space left"),
        ("dd if=/dev/zero of=/output/a bs=1M count=20", "No space left"),
        ("ls /sys/class/net", "lo"),
    ],
)
async def test_a_container_cannot_get_out_of_its_fence(
    bench: Bench, busybox: Digest, texts: Texts, attempt: str, told: str
) -> None:
    manifest = a_manifest(["sh", "-c", f"{attempt} 2>&1"], more=", disk: 8M")
    run, _ = await bench.whole(manifest, busybox)
    assert told in "\n".join(texts(run))


async def test_without_reserved_egress_there_is_only_the_loopback(
    bench: Bench, busybox: Digest, texts: Texts
) -> None:
    run, _ = await bench.whole(a_manifest(["sh", "-c", "ls /sys/class/net"]), busybox)
    assert texts(run) == ["lo"]


async def test_a_second_agent_object_meters_on_without_gap_or_double_count(
    bench: Bench, python_image: Digest, texts: Texts
) -> None:
    code = BURN.format(3).replace("\n", "\\n")
    first, container_id = await bench.start(a_manifest(["python3", "-uc", code]), python_image)
    await asyncio.sleep(1)
    seen = await first.look(container_id)
    await first.sample(seen)  # type: ignore[arg-type]
    await first.close()
    halfway = first.meter.totals
    assert halfway.cpu_ns > 0
    await asyncio.sleep(0.7)

    second = await bench.run(a_manifest(["python3", "-uc", code]), first._key)
    second.follow(container_id)
    assert second.meter.totals == halfway
    exit_ = await bench.end(second, container_id)
    own = int(second.spool.read(-1, 1)[0].text)
    assert own <= second.meter.totals.cpu_ns <= own + 200_000_000
    assert second.meter.totals.wall_ms == exit_.finished_ms - exit_.started_ms


async def test_log_lines_keep_their_numbers_over_a_restart_and_none_is_lost(
    bench: Bench, busybox: Digest
) -> None:
    script = (
        "i=0; while [ $i -lt 300 ]; do echo line $i; i=$((i+1)); [ $((i%20)) = 0 ] && sleep 0.1; done;"
        " echo end >&2"
    )
    first, container_id = await bench.start(a_manifest(["sh", "-c", script]), busybox)
    while first.spool.length < 50:
        await asyncio.sleep(0.02)
    await first.close()
    before = first.spool.read(-1, 1000)
    second = await bench.run(a_manifest(["sh", "-c", script]), first._key)
    second.follow(container_id)
    await bench.end(second, container_id)
    after = second.spool.read(-1, 1000)
    assert after[: len(before)] == before
    assert [line.text for line in after] == [*(f"line {i}" for i in range(300)), "end"]
    assert [line.seq for line in after] == list(range(301))
    assert after[-1].stream == "stderr"


async def test_long_lines_bad_bytes_and_floods_are_split_replaced_and_cut_off(
    bench: Bench, busybox: Digest, texts: Texts
) -> None:
    run, _ = await bench.whole(
        a_manifest(
            ["sh", "-c", "head -c 40000 /dev/zero | tr '\\\\0' a; echo; printf '\\\\377x\\\\n'"]
        ),
        busybox,
    )
    lines = texts(run)
    assert [len(line) for line in lines[:3]] == [16384, 16384, 7232]
    assert lines[3] == "\ufffdx"
    flood, _ = await bench.whole(a_manifest(["sh", "-c", "yes | head -c 300000"]), busybox)
    last = flood.spool.read(-1, 1_000_000)[-1]
    assert last.stream == "notice"
    assert "log limit" in last.text
    assert (flood.folder / "output.log").stat().st_size <= bench.log_bytes


ODD = (
    "import sys; out = sys.stdout.buffer; out.write(bytes.fromhex('000000fffec3a91b5b324a0de280a80a')); "
    "out.write(b'0123456789' * 1000000 + bytes([10])); out.write(b'half')"
)


async def test_a_line_of_ten_megabytes_comes_whole_and_odd_bytes_stay_as_they_are(
    bench: Bench, python_image: Digest
) -> None:
    bench.log_bytes = 16 * MIB
    run, _ = await bench.whole(a_manifest(["python3", "-c", ODD], memory="128M"), python_image)
    lines = run.spool.read(-1, 100_000)
    assert lines[0].text == "\0\0\0\ufffd\ufffd\u00e9\x1b[2J\r\u2028"
    long = [line for line in lines[1:] if line.text != "half"]
    assert "".join(line.text for line in long) == "0123456789" * 1_000_000
    assert all(line.goes_on for line in long[:-1])
    assert not long[-1].goes_on
    assert lines[-1].text == "half"


async def test_beside_a_flood_another_program_is_heard_and_the_flood_is_cut_and_slowed(
    bench: Bench, busybox: Digest, texts: Texts
) -> None:
    flood, flooding = await bench.start(
        a_manifest(["sh", "-c", "head -c 99 /dev/zero; yes"]), busybox
    )
    other, _ = await bench.whole(a_manifest(["sh", "-c", "echo one; sleep 1; echo two"]), busybox)
    assert texts(other) == ["one", "two"]
    while not flood.spool.full:
        await asyncio.sleep(0.05)
    last = flood.spool.read(flood.spool.length - 2, 9)
    assert [line.stream for line in last] == ["notice"]
    flood.follow(flooding)  # as each look does: nothing more is read
    assert flood.spool.reads == 1
    while flood.brake.flood is None or not flood.brake.flood.slows:
        seen = await flood.look(flooding)
        assert isinstance(seen, Container)
        assert seen.status == "running"
        await flood.sample(seen)
        await asyncio.sleep(0.5)
    await flood.stop(flooding, 1)
    assert not flood.brake.flood.slows
    assert (await bench.end(flood, flooding)).code != 0


async def test_results_are_taken_over_as_plain_files_and_links_are_left(
    bench: Bench, busybox: Digest
) -> None:
    script = (
        "cd /output; echo hi > a; mkdir -p d/e; echo deep > d/e/f;"
        " ln -s /etc/passwd link; mkfifo pipe; ln -s / d/root"
    )
    run, _ = await bench.whole(a_manifest(["sh", "-c", script]), busybox)
    folder, told = await run.take_results()
    assert folder is not None
    assert told == "Left out of the results: 1 devices, pipes or sockets, 2 links."
    files = {str(p.relative_to(folder)): p.read_text() for p in folder.rglob("*") if p.is_file()}
    assert files == {"a": "hi\n", "d/e/f": "deep\n"}
    empty, _ = await bench.whole(a_manifest(["true"]), busybox)
    assert await empty.take_results() == (None, "")


async def test_everything_of_a_run_is_gone_after_cleaning(bench: Bench, busybox: Digest) -> None:
    run, container_id = await bench.start(a_manifest(["sleep", "60"]), busybox)
    client = docker.from_env()
    try:
        host = client.api.inspect_container(container_id)["HostConfig"]
        volumes = len(client.volumes.list())
    finally:
        client.close()
    assert host["CgroupParent"] == run.cgroup
    group = directory_of(run.cgroup)
    assert (Path("/sys/fs/cgroup/memory") / group).is_dir()
    await run.clean(container_id)
    assert await of_agent(bench.engine, AGENT) == {}
    assert not [p for p in Path("/sys/fs/cgroup").glob(f"*/{group}")]
    assert str(bench.folder) not in Path("/proc/mounts").read_text()
    assert volumes >= 0
    bench.made[-1][1].clear()


async def test_a_stop_is_gentle_first(bench: Bench, busybox: Digest, texts: Texts) -> None:
    script = "trap 'echo bye; exit 7' TERM; echo up; while true; do sleep 0.1; done"
    run, container_id = await bench.start(a_manifest(["sh", "-c", script]), busybox)
    while not texts(run):
        await asyncio.sleep(0.05)
    await run.stop(container_id, 10)
    exit_ = await bench.end(run, container_id)
    assert (exit_.code, texts(run)) == (7, ["up", "bye"])


async def test_an_image_that_is_nowhere_is_refused_with_what_to_do(bench: Bench) -> None:
    absent = Digest("sha256:" + "0" * 64)
    with pytest.raises(InvalidInput, match="no place to pull it from"):
        await bench.engine.ensure_image(absent, "")
    with pytest.raises(DraasError):  # another image, or no registry that answers
        await bench.engine.ensure_image(absent, "busybox:latest")


def test_the_manifest_helper_writes_what_it_is_given() -> None:
    assert json.loads(a_manifest(["a b", "c"]).model_dump_json())["command"] == ["a b", "c"]


async def test_a_container_that_was_made_and_never_written_down_is_cleaned_away_too(
    bench: Bench, busybox: Digest, engine: Engine
) -> None:
    run = await bench.run(a_manifest(["true"]))
    made = await run.create(await engine.ensure_image(busybox, ""))
    assert made in await of_agent(engine, AGENT)
    later = await bench.run(a_manifest(["true"]), run._key)
    await later.clean("")
    assert made not in await of_agent(engine, AGENT)


async def test_a_container_that_is_gone_before_its_start_is_told_and_not_waited_for(
    bench: Bench, busybox: Digest, engine: Engine
) -> None:
    run = await bench.run(a_manifest(["true"]))
    made = await run.create(await engine.ensure_image(busybox, ""))
    assert await run.look(made) == Container("created")
    await engine.remove(made)
    assert await run.start(made) == "it was removed from outside"
    assert await run.look(made) == Absent()

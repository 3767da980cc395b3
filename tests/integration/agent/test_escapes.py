"""Programs that try to get out of their container: every way is closed, and nothing outside has changed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from agent.container.runtime import RuntimeName
from chain.job import Digest
from tests.integration.agent.conftest import Bench
from tests.integration.agent.fenced import DENIED, Tried, attempt, beside, hostile

HOST_FILES = ("/etc/passwd", "/etc/shadow", "/etc/hosts", "/proc/sys/kernel/core_pattern",
              "/proc/sys/kernel/modprobe", "/proc/sys/kernel/hostname")  # fmt: skip


def of_the_host() -> dict[str, str]:
    """Files of this machine that an attempt would have changed."""
    return {
        path: hashlib.sha256(Path(path).read_bytes()).hexdigest()
        for path in HOST_FILES
        if os.access(path, os.R_OK)
    }


def got(told: Mapping[str, str], apart_from: Iterable[str] = ()) -> dict[str, str]:
    """The tries that were not denied."""
    allowed = set(apart_from)
    return {name: what for name, what in told.items() if name not in allowed and what not in DENIED}


@pytest.fixture
def unchanged() -> Iterable[None]:
    """This machine's files and mounts, before and after."""
    before = of_the_host()
    yield
    assert of_the_host() == before
    assert "draas-escape" not in Path("/proc/mounts").read_text()


async def tried(
    bench: Bench, runtime: RuntimeName, image: Digest, *words: str, **resources: str
) -> Tried:
    done = await attempt(bench, runtime, image, hostile("escapes", *words, **resources))
    assert done.exit.code == 0, done.lines
    return done


async def test_raw_sockets_are_denied(
    bench: Bench, runtime: RuntimeName, python_image: Digest
) -> None:
    told = (await tried(bench, runtime, python_image, "raw_sockets")).told
    assert len(told) == 4
    assert got(told) == {}


@pytest.mark.usefixtures("unchanged")
async def test_nothing_can_be_mounted_and_the_root_stays_read_only(
    bench: Bench, runtime: RuntimeName, python_image: Digest
) -> None:
    told = (await tried(bench, runtime, python_image, "mounts")).told
    own = ["user namespace"] if runtime == "gvisor" else []  # of gVisor's kernel, not of the host's
    assert len(told) == 10
    assert got(told, own) == {}


async def test_processes_of_others_can_be_neither_seen_traced_read_nor_killed(
    bench: Bench, runtime: RuntimeName, python_image: Digest
) -> None:
    async with beside(bench, python_image) as neighbour:
        assert Path(f"/proc/{neighbour.pid}").exists()
        done = await tried(bench, runtime, python_image, "others", str(neighbour.pid))
    assert neighbour.did_not_notice(), neighbour
    assert got(done.told, ["seen", "namespace"]) == {}  # the namespace is its own
    assert done.told["seen"] == "own alone"


async def test_no_engine_answers_inside(
    bench: Bench, runtime: RuntimeName, python_image: Digest
) -> None:
    told = (await tried(bench, runtime, python_image, "engine")).told
    assert (told.pop("sockets"), told.pop("abstract")) == ("[]", "[]")
    assert len(told) == 5
    assert got(told) == {}


async def test_the_setuid_bit_gives_nothing(
    bench: Bench, runtime: RuntimeName, hostile_image: Digest
) -> None:
    told = (await tried(bench, runtime, hostile_image, "setuid", "/rootpy")).told
    assert told.pop("bit") == "0o4000"
    assert told.pop("ids") == "65534 65534 65534 65534"
    assert got(told) == {}


async def test_there_are_no_devices_and_none_can_be_made(
    bench: Bench, runtime: RuntimeName, python_image: Digest
) -> None:
    told = (await tried(bench, runtime, python_image, "devices")).told
    own = ["fuse"] if runtime == "gvisor" else []  # gVisor's kernel has one of its own
    assert told.pop("unknown") == str(own)
    assert len(told) == 7
    assert got(told, own) == {}


@pytest.mark.usefixtures("unchanged")
async def test_the_kernel_takes_no_module_and_no_orders(
    bench: Bench, runtime: RuntimeName, python_image: Digest
) -> None:
    told = (await tried(bench, runtime, python_image, "kernel")).told
    own = ["syslog", "/proc/self/oom_score_adj"] if runtime == "gvisor" else []
    assert len(told) == 20
    assert got(told, own) == {}


@pytest.mark.usefixtures("unchanged")
async def test_links_in_the_results_lead_nowhere(
    bench: Bench, runtime: RuntimeName, python_image: Digest, tmp_path: Path
) -> None:
    secret = tmp_path / "provider.key"
    secret.write_text("the provider's own")
    done = await tried(
        bench, runtime, python_image, "links", str(secret), "/etc/shadow", "../../run.json"
    )
    assert done.told["hard"] in DENIED
    assert done.told["hard by proc"] in DENIED
    folder, left = await done.run.take_results()
    assert folder is not None
    assert left
    taken = {str(path.relative_to(folder)) for path in folder.rglob("*")}
    assert taken == {"good", "deep"}
    assert (folder / "good").read_text() == "good"
    assert secret.read_text() == "the provider's own"

"""From the receipt of a claim to the program's first log line at the consumer, against the docker command.

Ours: a real chain, scheduler and agent; the consumer is signed in and its event stream open. The claim waits for a
block, as on any real chain; the clock runs from that block to the line. The command: `docker create`, `docker start`,
and the first line of `docker logs -f`, for the same image with the limits that our own container was given. Both in
turn, and then twenty at once: claims of one block, up to the last of the first lines, against twenty such chains of
commands side by side.

    python -m tests.bench.start [--rounds 9] [--crowds 3]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker

from chain.job import Cid, JobId
from chain.manifest import Manifest
from tests.bench._one_machine import Machine, a_machine

ONE_MOST, CROWD_MOST, CROWD = 1.25, 1.15, 20
LINE = "it runs"
SCRIPT = f"echo {LINE}; exec sleep 6"
DOCKERFILE = f'FROM busybox\nUSER 1000\nENTRYPOINT ["/bin/sh", "-c", "{SCRIPT}"]\n'
MANIFEST = (
    "name: start\nresources: {cpus: 0.2, memory: 32M, disk: 8M}\nclaim_within: 10m\nduration: 10m\n"
)


@dataclass(frozen=True)
class Subject:
    """What is started, both ways."""

    machine: Machine
    manifest: Manifest
    cid: Cid
    prepared: list[float]  # seconds from the jobs' block until the last of their claims was sent

    async def ours(self, count: int) -> list[float]:
        """Seconds from the block of so many claims to each one's first line."""
        machine = self.machine
        terms = [machine.terms(self.manifest, self.cid) for _ in range(count)]
        jobs = await machine.post(terms)
        posted = time.monotonic()
        readers = [asyncio.create_task(first_line(machine, job)) for job in jobs]
        await machine.pending("claimJob", count)
        self.prepared.append(time.monotonic() - posted)
        await asyncio.sleep(1.0)  # no step before the claim counts, and none is still under way
        began = time.monotonic()
        await machine.mine()
        lines = await asyncio.gather(*readers)
        await machine.go_on()
        return [at - began for at in lines]

    async def over(self, within_s: float = 60) -> None:
        """Wait until no container of ours is left."""
        ends = time.monotonic() + within_s
        while await asyncio.to_thread(containers_of, self.machine):
            assert time.monotonic() < ends, "containers are left"
            await asyncio.sleep(0.2)


async def first_line(machine: Machine, job: JobId) -> float:
    """When the first line of a job came to its consumer, by the monotonic clock."""
    path = f"/v1/deployments/{job}/logs"
    while True:
        async with machine.http.stream("GET", path, params={"follow": "true"}) as answer:
            if answer.status_code == 404:  # the scheduler has not read the block yet
                await asyncio.sleep(0.05)
                continue
            assert answer.status_code == 200, await answer.aread()
            async for line in answer.aiter_lines():
                if line.startswith("data:") and LINE in line:
                    return time.monotonic()
        raise SystemExit(f"The log of {job} ended without a line; see {machine.home}")


def containers_of(machine: Machine) -> list[str]:
    """The agent's containers."""
    engine = docker.from_env()
    try:
        wanted = {"label": f"draas.agent={machine.agent}"}
        return [item["Id"] for item in engine.api.containers(all=True, filters=wanted)]
    finally:
        engine.close()


def facts_of(container: str) -> dict[str, Any]:
    """What the Engine says of a container."""
    engine = docker.from_env()
    try:
        facts: dict[str, Any] = engine.api.inspect_container(container)
        return facts
    finally:
        engine.close()


def options_of(container: dict[str, Any]) -> list[str]:
    """The options of `docker create` that give a container the limits and fences of this one. Its results space is a
    mount of the host, and a tmpfs here."""
    host, config = container["HostConfig"], container["Config"]
    spaces = dict(host["Tmpfs"] or {})
    spaces |= {one["Target"]: next(iter(spaces.values())) for one in host.get("Mounts") or []}
    options = [
        f"--memory={host['Memory']}",
        f"--memory-swap={host['MemorySwap']}",
        f"--cpus={host['NanoCpus'] / 1e9}",
        f"--pids-limit={host['PidsLimit']}",
        f"--shm-size={host['ShmSize']}",
        f"--network={host['NetworkMode']}",
        f"--ipc={host['IpcMode']}",
        f"--runtime={host['Runtime']}",
        f"--oom-score-adj={host['OomScoreAdj']}",
        f"--log-driver={host['LogConfig']['Type']}",
        f"--user={config['User']}",
    ]
    options += [f"--cap-drop={name}" for name in host["CapDrop"] or []]
    options += [f"--security-opt={one}" for one in host["SecurityOpt"] or []]
    options += [f"--tmpfs={path}:{how}" for path, how in spaces.items()]
    options += [f"--log-opt={name}={value}" for name, value in host["LogConfig"]["Config"].items()]
    options += [f"--ulimit={u['Name']}={u['Soft']}:{u['Hard']}" for u in host["Ulimits"] or []]
    options += ["--read-only"] if host["ReadonlyRootfs"] else []
    options += ["--init"] if host.get("Init") else []
    return options


async def by_command(options: list[str], image: str) -> tuple[float, str]:
    """Seconds that the docker command takes to the first line; the container's id."""
    began = time.monotonic()
    made = (await _run("create", *options, image)).strip()
    await _run("start", made)
    logs = await asyncio.create_subprocess_exec(
        "docker", "logs", "-f", made, stdout=asyncio.subprocess.PIPE
    )
    assert logs.stdout is not None
    line = await logs.stdout.readline()
    took = time.monotonic() - began
    assert LINE in line.decode()
    logs.kill()
    await logs.wait()
    return took, made


async def _run(*words: str) -> str:
    process = await asyncio.create_subprocess_exec("docker", *words, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    assert process.returncode == 0, words
    return out.decode()


async def crowd_by_command(options: list[str], image: str, count: int) -> float:
    """Seconds to the last first line of so many at once."""
    began = time.monotonic()
    async with _removed() as made:
        found = await asyncio.gather(*(by_command(options, image) for _ in range(count)))
        took = time.monotonic() - began
        made += [name for _, name in found]
    return took


@contextlib.asynccontextmanager
async def _removed() -> AsyncIterator[list[str]]:
    made: list[str] = []
    yield made
    await _run("rm", "-f", *made)


@contextlib.asynccontextmanager
async def a_subject() -> AsyncIterator[Subject]:
    """The market with the bundle in it."""
    async with a_machine(cpus="20", memory="4G") as machine:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            (place / "Dockerfile").write_text(DOCKERFILE)
            (place / "draas.yaml").write_text(MANIFEST)
            manifest, cid = await machine.bundle(place)
        yield Subject(machine, manifest, cid, [])


async def main(rounds: int, crowds: int) -> bool:
    """Measure, print, and judge."""
    ones: list[float] = []
    commands: list[float] = []
    crowd: list[float] = []
    crowd_commands: list[float] = []
    async with a_subject() as subject:
        await subject.ours(1)  # builds the image
        (container,) = await asyncio.to_thread(containers_of, subject.machine)
        sample = await asyncio.to_thread(facts_of, container)
        options, image = options_of(sample), str(sample["Image"])
        print("docker create " + " ".join(options))
        await subject.over()
        for _ in range(rounds):
            ones += await subject.ours(1)
            await subject.over()
            commands.append(await crowd_by_command(options, image, 1))
            print(
                f"one: {1000 * ones[-1]:.0f} ms, by command {1000 * commands[-1]:.0f} ms; "
                f"offered, made and claimed in {1000 * subject.prepared[-1]:.0f} ms before"
            )
        for _ in range(crowds):
            crowd.append(max(await subject.ours(CROWD)))
            await subject.over()
            crowd_commands.append(await crowd_by_command(options, image, CROWD))
            print(
                f"{CROWD} at once: {crowd[-1]:.2f} s, by command {crowd_commands[-1]:.2f} s; "
                f"offered, made and claimed in {subject.prepared[-1]:.2f} s before"
            )
    return report(ones, commands, crowd, crowd_commands)


def report(
    ones: list[float], commands: list[float], crowd: list[float], crowd_commands: list[float]
) -> bool:
    """The line of JSON; whether the promise holds."""
    one, command = statistics.median(ones), statistics.median(commands)
    many, many_command = statistics.median(crowd), statistics.median(crowd_commands)
    holds = one <= ONE_MOST * command and many <= CROWD_MOST * many_command
    figures = {
        "bench": "start",
        "one_ms": round(1000 * one),
        "one_by_command_ms": round(1000 * command),
        "one_ratio": round(one / command, 2),
        "one_most": ONE_MOST,
        "at_once": CROWD,
        "at_once_s": round(many, 2),
        "at_once_by_command_s": round(many_command, 2),
        "at_once_ratio": round(many / many_command, 2),
        "at_once_most": CROWD_MOST,
        "holds": holds,
    }
    print(json.dumps(figures))
    return holds


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--crowds", type=int, default=3)
    told = parser.parse_args()
    sys.exit(0 if asyncio.run(main(told.rounds, told.crowds)) else 1)

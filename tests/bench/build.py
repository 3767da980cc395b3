"""The whole build path against `docker build` of the same folder, in turn.

Ours: a bundle in the content store, asked for until its row holds an image: fetched, every block checked, its manifest
read, the Dockerfile checked and labelled, built within its limits, rows written. The command: `docker build --no-cache`
of the same folder and Dockerfile, with the same network, memory and processor limits. Ours is cold too: each round is
another consumer's, with a cache of its own. Then the redeploys: an unchanged folder must ask nothing of the builder,
and one with a changed source file must run nothing but its last steps.

    python -m tests.bench.build [--rounds 5]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import docker

from chain import ipfs
from chain.job import Address, Cid
from chain.store_process import start_store
from scheduler.decide.reconcile import Image, InHand
from scheduler.images.builder import Builder
from scheduler.images.limits import BuildLimits
from scheduler.rows.database import open_store
from scheduler.settings import Settings
from tests.integration.scheduler.placing import TERMS, Rows, a_job

MOST = 1.10
LAST_STEPS = 4  # COPY of the source, USER, CMD, the bundle's label
FILES, FILE_BYTES = 300, 16 * 1024
# Installing stands for what an installation does: many small files, compiled and written.
INSTALL = "cp -r /usr/lib/python3.11 /deps && python3 -m compileall -q -f /deps"
DOCKERFILE = (
    "FROM python:3.11-slim\nWORKDIR /app\nENV PYTHONUNBUFFERED=1\nCOPY requirements.txt /app/\n"
    f'RUN {INSTALL}\nCOPY . /app\nUSER 10001:10001\nCMD ["python3", "main.py"]\n'
)
MARK = f"bench-build-{os.getpid()}"
DOCKERFILE = DOCKERFILE.replace("ENV ", f"ENV BENCH={MARK} ")


@dataclass
class Ours:
    """Our path: a builder with its rows and the store that bundles are in."""

    rows: Rows
    builder: Builder
    api: str
    jobs: int = 0
    built: int = 0  # bundles that were asked of the builder

    async def image_of(self, cid: Cid, consumer: int) -> float:
        """Seconds from the wish for a bundle's image to its row."""
        self.jobs += 1
        terms = replace(TERMS, cid=cid, consumer=Address(f"0x{consumer:040x}"))
        job = a_job(self.jobs, self.rows.clock, terms=terms)
        await self.rows.save(job)
        with self.rows.signals.listen("work") as woken:
            begun = time.monotonic()
            while True:
                woken.clear()
                standing, _ = await self.builder.look(cid)
                if isinstance(standing, Image):
                    return time.monotonic() - begun
                assert standing is None or isinstance(standing, InHand), standing
                if not isinstance(standing, InHand):
                    self.built += 1
                    self.builder.request(job)
                await woken.wait()

    async def steps(self, cid: Cid) -> tuple[int, int]:
        """How many steps a bundle's build had, and how many of them ran."""
        log = await self.builder.log_of(cid)
        parts = log.split("\nStep ")
        return len(parts) - 1, sum("Using cache" not in part for part in parts[2:])


def a_folder(folder: Path) -> Path:
    """A program with its data, some MiB in a few hundred files."""
    (folder / "data").mkdir(parents=True)
    for number in range(FILES):
        (folder / "data" / f"{number}.bin").write_bytes(os.urandom(FILE_BYTES))
    (folder / "requirements.txt").write_text(f"# {MARK}\n")
    (folder / "main.py").write_text("print('hello')\n")
    (folder / "Dockerfile").write_text(DOCKERFILE)
    return folder


def by_command(folder: Path) -> float:
    """Seconds that the docker command takes."""
    words = ["docker", "build", "--no-cache", "--quiet", "--network=none", "--memory=2g", "--cpu-period=100000",
             "--cpu-quota=200000", "--tag", f"{MARK}:command", str(folder)]  # fmt: skip
    begun = time.monotonic()
    environ = os.environ | {"DOCKER_BUILDKIT": "0"}
    subprocess.run(words, check=True, capture_output=True, env=environ)
    return time.monotonic() - begun


async def measured(rounds: int, home: Path, ours: Ours) -> dict[str, object]:
    """All figures."""
    folder = a_folder(home / "app")
    command: list[float] = []
    path: list[float] = []
    added = Cid("")
    for number in range(1, rounds + 1):
        (folder / "requirements.txt").write_text(f"# {MARK} {number}\n")
        added = await ipfs.add_folder(ours.api, folder)
        turns = [0, 1] if number % 2 else [1, 0]
        for turn in turns:
            if turn:
                path.append(await ours.image_of(added, consumer=number))
                assert "Using cache" not in await ours.builder.log_of(added)
            else:
                command.append(await asyncio.to_thread(by_command, folder))
        print(
            f"round {number}: docker build {command[-1]:.2f} s, ours {path[-1]:.2f} s", flush=True
        )
    before = ours.built
    unchanged = await ours.image_of(added, consumer=rounds + 1)
    unchanged_builds = ours.built - before
    (folder / "main.py").write_text("print('hello again')\n")
    changed = await ipfs.add_folder(ours.api, folder)
    redeployed = await ours.image_of(changed, consumer=rounds)
    steps, ran = await ours.steps(changed)
    ratio = statistics.median(path) / statistics.median(command)
    return {
        "docker_build_s": round(statistics.median(command), 3),
        "ours_s": round(statistics.median(path), 3),
        "ratio": round(ratio, 3),
        "most": MOST,
        "unchanged_s": round(unchanged, 3),
        "unchanged_builds": unchanged_builds,
        "changed_s": round(redeployed, 3),
        "changed_steps": steps,
        "changed_steps_run": ran,
        "holds": ratio <= MOST and unchanged_builds == 0 and ran <= LAST_STEPS,
    }


async def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    home = Path(tempfile.mkdtemp(prefix="bench-build-"))
    store = await start_store(home / "store")
    rows = Rows(await open_store(f"sqlite:///{home / 'rows.sqlite3'}"))
    settings = Settings(home=home, rpc_url="", database_url="", build=BuildLimits())
    builder = Builder(rows.store, rows.signals, rows.clock, settings, store.api, "bench:1")
    try:
        told = await measured(rounds, home, Ours(rows, builder, store.api))
    finally:
        await builder.close()
        await rows.store.close()
        await store.stop()
        await asyncio.to_thread(clear_up)
        shutil.rmtree(home, ignore_errors=True)
    print(json.dumps(told))
    return 0 if told["holds"] else 1


def clear_up() -> None:
    """Remove the images of this run."""
    engine = docker.from_env()
    for image in engine.images.list():
        if MARK in str(image.tags) or MARK in str(image.attrs["Config"]["Env"]):
            engine.images.remove(image.id, force=True)
    engine.close()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))

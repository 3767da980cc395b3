"""The machine's GPUs: which there are, and which runs hold them.

They are offered where NVIDIA's runtime is registered with the Engine, and there is no other kind. A run is handed
whole devices, by their ids, and gives them back when its program has ended.
"""

from __future__ import annotations

import asyncio
import csv
import re
import shutil
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from agent.runs.record import RunRecord

RUNTIME = "nvidia"
GPUS_MOST = 64
ANSWER_SECONDS = 20.0
QUERY = ("nvidia-smi", "--query-gpu=uuid,name,memory.total", "--format=csv,noheader,nounits")
_UUID = re.compile(r"^(GPU|MIG)-[0-9A-Za-z-]{1,80}$")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")


@dataclass(frozen=True, slots=True)
class Gpu:
    """One device; its memory is in MiB, 0 where that is not told."""

    uuid: str
    name: str
    memory_mib: int


@dataclass(frozen=True, slots=True)
class Listing:
    """What was found; `why` says why there is nothing, or nothing more."""

    gpus: tuple[Gpu, ...] = ()
    why: str = ""

    @property
    def ids(self) -> tuple[str, ...]:
        """The devices that can be handed out."""
        return tuple(gpu.uuid for gpu in self.gpus)

    @property
    def names(self) -> list[str]:
        """What they are called, with their memory."""
        return [f"{gpu.name} {gpu.memory_mib} MiB"[:64] for gpu in self.gpus]

    def first(self, most: int | None) -> Listing:
        """At most so many of them; None for all."""
        if most is None or most >= len(self.gpus):
            return self
        return Listing(self.gpus[:most], f"{most} of {len(self.gpus)} are offered (AGENT_GPUS)")


NO_GPUS = Listing()


def parse_gpus(text: str) -> tuple[Gpu, ...]:
    """Read what `nvidia-smi` prints for `QUERY`; lines that are no device are passed over.

    Args:
        text: lines of id, name and MiB of memory, separated by commas.
    """
    found: dict[str, Gpu] = {}
    for row in csv.reader(text.splitlines(), skipinitialspace=True):
        if len(row) < 3 or not _UUID.match(row[0].strip()):
            continue
        memory = row[-1].strip()
        name = _UNPRINTABLE.sub("", ", ".join(row[1:-1])).strip()[:50] or "GPU"
        uuid = row[0].strip()
        found[uuid] = Gpu(uuid, name, int(memory) if memory.isascii() and memory.isdigit() else 0)
    return tuple(found.values())[:GPUS_MOST]


async def list_gpus(runtimes: Collection[str]) -> Listing:
    """The GPUs that can be handed to containers. No error: what stands in the way is told.

    Args:
        runtimes: those that are registered with the Engine.
    """
    if RUNTIME not in runtimes:
        return Listing(why="no NVIDIA runtime is registered")
    if shutil.which(QUERY[0]) is None:
        return Listing(why=f"{QUERY[0]} is not installed")
    try:
        code, out = await asyncio.wait_for(_ask(), ANSWER_SECONDS)
    except (OSError, TimeoutError) as error:
        return Listing(why=f"{QUERY[0]} does not answer: {error or 'it hangs'}")
    if code != 0:
        return Listing(why=f"{QUERY[0]} ended with code {code}")
    gpus = parse_gpus(out)
    return Listing(gpus, "" if gpus else f"{QUERY[0]} lists none")


async def _ask() -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *QUERY, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        out, _ = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        raise
    return process.returncode or 0, out.decode(errors="replace")


def unheld(
    ids: Sequence[str], records: Iterable[RunRecord], apart_from: RunRecord | None = None
) -> tuple[str, ...]:
    """The devices that no run holds; for a run: nor are promised to one that was offered before it.

    Args:
        ids: of all devices.
        records: of all runs, in the order of their offers.
        apart_from: the run that asks.
    """
    held: set[str] = set()
    promised = 0
    earlier = True
    for record in records:
        if apart_from is not None and record.offer == apart_from.offer:
            earlier = False
        elif record.holds_resources and record.gpus:
            held |= set(record.gpus)
        elif record.holds_resources and earlier:
            promised += record.offer.manifest.resources.gpus
    return tuple(one for one in ids if one not in held)[promised:]

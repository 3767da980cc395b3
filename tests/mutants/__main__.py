"""`python -m tests.mutants`: so many damaged inputs, over all parsers and processes. Prints what was done, and of each
failure how to see it again; exits with 1 when there is one."""

from __future__ import annotations

import argparse
import logging
import os
import random
import signal
import sys
import tempfile
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from types import FrameType

from tests.mutants.parsers import PARSERS, fails

A_TURN = 500  # inputs
SLOW_S = 5


def turn(name: str, seed: int, first: int, count: int) -> list[str]:
    """Some inputs of one parser; what failed, by number."""
    logging.disable(logging.WARNING)  # what a library says of each
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGVTALRM, _too_slow)
    parser, found = PARSERS[name], []
    with tempfile.TemporaryDirectory(dir=_memory()) as place:
        guard = Path(place, "guard")
        guard.mkdir()
        for number in range(first, first + count):
            data = parser.make(parser.seeds, random.Random(f"{seed}/{name}/{number}"))
            inner = Path(place, "inner")
            inner.mkdir(exist_ok=True)
            signal.setitimer(signal.ITIMER_VIRTUAL, SLOW_S)
            why = fails(parser, data, inner)
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            if sorted(os.listdir(place)) != ["guard", "inner"] or os.listdir(guard):
                why = why or "something appeared outside its folder"
            if why:
                found.append(f"{name} {number}: {why}")
    return found


def _too_slow(number: int, frame: FrameType | None) -> None:
    raise TimeoutError(f"it takes over {SLOW_S} s")


def _memory() -> str | None:
    """A folder in memory, where there is one: the disk is not what is looked at."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def main() -> int:
    """All of them, or one again."""
    asked = _asked()
    if asked.only:
        found = turn(asked.only, asked.seed, asked.number, 1)
        print(*found or ["nothing is wrong with it"], sep="\n")
        return int(bool(found))
    turns, shares = [], sum(parser.share for parser in PARSERS.values())
    for name, parser in PARSERS.items():
        count = -(-asked.count * parser.share // shares)
        turns += [(name, asked.seed, at, min(A_TURN, count - at)) for at in range(0, count, A_TURN)]
    began = time.monotonic()
    with ProcessPoolExecutor(asked.processes) as pool:
        found = [why for one in pool.map(turn, *zip(*turns, strict=True)) for why in one]
    done, took = sum(one[3] for one in turns), time.monotonic() - began
    print(
        f"seed {asked.seed}: {done} inputs, {len(PARSERS)} parsers, {took:.0f} s, {len(found)} failures"
    )
    for why in found[:20]:
        name, _, number = why.partition(":")[0].rpartition(" ")
        again = f"python -m tests.mutants --seed {asked.seed} --only {name!r} --number {number}"
        print(f"{why}\n  again: {again}")
    return int(bool(found))


def _asked() -> argparse.Namespace:
    reader = argparse.ArgumentParser("python -m tests.mutants", description=__doc__)
    reader.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    reader.add_argument("--count", type=int, default=100_000)
    reader.add_argument("--processes", type=int, default=os.cpu_count())
    reader.add_argument("--only", default="", help="one parser: one input again")
    reader.add_argument("--number", type=int, default=0)
    return reader.parse_args()


if __name__ == "__main__":
    sys.exit(main())

"""How exactly processor time is metered: jobs of 0.1 s, 10 s and 2 min, under runc and gVisor, the agent killed with
-9 in the middle of each and started again, against the kernel's own count of the run's control group. What a program
counts itself is shown beside it: under gVisor that is by a clock of gVisor's, which on a busy machine runs ahead.

    python -m tests.bench.metering [--longest 120]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from pathlib import Path

import docker

from chain.job import Digest
from chain.ledger_check import check_ledger
from tests.integration.agent.killed import Killed

LENGTHS = (0.1, 10.0, 120.0)
RUNTIMES = ("runc", "gvisor")
MOST_PERCENT = 1.0


async def measure(folder: Path, runtime: str, image: Digest, cpu_s: float) -> dict[str, object]:
    """One job; how far what was metered is from the kernel's count, in percent."""
    run = Killed(folder / f"{runtime}-{cpu_s:g}", runtime, image, cpu_s)
    try:
        told = await run.through(after_s=0 if cpu_s < 1 else 0.4 * cpu_s)
        kernel = run.kernel_ns(told["cgroup"])
        checked = check_ledger((run.folder / "usage.jsonl").read_bytes())
    finally:
        await run.clean()
    error = 100 * abs(told["cpu_ns"] - kernel) / kernel
    own = int(told["lines"][-1])
    print(
        f"{runtime:<7}{cpu_s:>6g} s: metered {told['cpu_ns'] / 1e6:.3f} ms, kernel {kernel / 1e6:.3f} ms, "
        f"off by {error:.4f} %; the program itself counts {own / 1e6:.1f} ms; ran {told['ran_ms']} ms, "
        f"metered {told['wall_ms']} ms"
    )
    whole = not checked.faults and checked.starts == 1
    return {
        "runtime": runtime, "cpu_s": cpu_s, "error_percent": round(error, 4), "ledger_holds": whole,
    }  # fmt: skip


async def main(longest: float) -> None:
    """Measure, print, and judge."""
    client = docker.from_env()
    image = Digest(str(client.images.get("python:3.11-slim").id))
    client.close()
    results = []
    with tempfile.TemporaryDirectory(prefix="metering-") as folder:
        for cpu_s in LENGTHS:
            if cpu_s <= longest:
                pair = (measure(Path(folder), runtime, image, cpu_s) for runtime in RUNTIMES)
                results += await asyncio.gather(*pair)
    worst = max(float(str(one["error_percent"])) for one in results)
    held = worst <= MOST_PERCENT and all(one["ledger_holds"] for one in results)
    print(json.dumps({"jobs": results, "worst_percent": worst, "holds": held}))
    if not held:
        raise SystemExit(1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--longest", type=float, default=120)
    asyncio.run(main(parser.parse_args().longest))

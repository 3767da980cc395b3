"""Burns a known amount of processor time, says so as it goes, and leaves a result behind.

BURN_CPU_S is how many seconds of processor time to burn. The last line is the kernel's own account of this
process (getrusage), which the bill can be compared with.
"""

import hashlib
import json
import os
import resource
import time


def cpu_ms() -> int:
    """Processor time of this process from its start, user and system, in milliseconds."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return round((used.ru_utime + used.ru_stime) * 1000)


def main() -> None:
    goal_ms = round(float(os.environ.get("BURN_CPU_S", "5")) * 1000)
    began = time.monotonic()
    digest = b"draas"
    rounds = 0
    told_ms = 0
    print(f"burning {goal_ms} ms of processor time", flush=True)
    while (used_ms := cpu_ms()) < goal_ms:
        for _ in range(2000):
            digest = hashlib.sha256(digest).digest()
        rounds += 2000
        if used_ms - told_ms >= 1000:
            told_ms = used_ms
            print(f"{used_ms} ms burnt, {rounds} hashes, {used_ms * 100 // goal_ms} %", flush=True)
    result = {"rounds": rounds, "digest": digest.hex(), "wall_ms": round((time.monotonic() - began) * 1000)}
    with open("/output/result.json", "w", encoding="utf-8") as file:
        json.dump(result, file)
    print(json.dumps({"kernel_cpu_ms": cpu_ms()}), flush=True)


if __name__ == "__main__":
    main()

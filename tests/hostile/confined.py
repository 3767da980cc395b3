"""Every hostile archive, one after another, in a process that has little memory and time: `python -m` it in a folder of
its own. Prints how many were refused."""

from __future__ import annotations

import io
import resource
from pathlib import Path

from chain.archive import unpack
from chain.errors import DraasError
from chain.folder import Limits
from tests.hostile import tars, zips

MEMORY_BYTES, CPU_S = 400 * 1024**2, 120
LIMITS = Limits(max_bytes=64 * 1024**2, max_files=1_000)


def main() -> None:
    """Unpack them all here."""
    archives = [case.make() for case in (*tars.TARS.values(), *tars.GZIPS.values(), *zips.ZIPS.values())
                if case.told]  # fmt: skip
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    refused = 0
    for archive in archives:
        try:
            unpack(io.BytesIO(archive), Path("out"), LIMITS)
        except DraasError:
            refused += 1
    print(f"{refused} of {len(archives)}")  # noqa: T201 - for whoever started it


if __name__ == "__main__":
    main()

"""Runs inside a container and takes all it can get of one thing: `bombs.py THING ARGUMENTS`. And one that works
beside it, and counts what it could not do."""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

CHUNK = b"x" * 1024 * 1024


def processes(*_: str) -> None:
    """Every process forks for as long as it may; the first one gives up when it was denied thrice."""
    first, denied = os.getpid(), 0
    while denied < 3:
        try:
            denied = denied if os.fork() else 0
        except OSError:
            denied += 1
            time.sleep(0.1)
    if os.getpid() == first:
        sys.exit("no more processes")
    time.sleep(60)


def memory(*_: str) -> None:
    kept = []
    while True:
        kept.append(bytearray(CHUNK * 4))


def disk(*folders: str) -> None:
    """Fill each folder with one file, and then with empty ones."""
    for folder in folders:
        _say(json.dumps({folder: [*_filled(Path(folder)), *_littered(Path(folder))]}))


def _filled(folder: Path) -> tuple[str, int]:
    size = 0
    try:
        with (folder / "bomb").open("wb", buffering=0) as file:
            while size < 2**32:
                size += file.write(CHUNK)
    except OSError as error:
        return errno.errorcode[error.errno or 0], size // len(CHUNK)
    return "endless", size // len(CHUNK)


def _littered(folder: Path) -> tuple[str, int]:
    for number in range(5000):
        try:
            (folder / "bomb").unlink(missing_ok=True)
            os.close(os.open(folder / f"n{number}", os.O_CREAT | os.O_WRONLY))
        except OSError as error:
            return errno.errorcode[error.errno or 0], number
    return "endless", 5000


def spread(*folders: str) -> None:
    """Fill one folder after the other and keep it all."""
    for folder in folders:
        _filled(Path(folder))
    _say("survived")


def log(mib: str, *_: str) -> None:
    line = b"y" * 1023 + b"\n"
    for _number in range(int(mib) * 1024):
        os.write(1, line)


def files(*_: str) -> None:
    """Open descriptors until no more are given."""
    read, number = os.pipe()[0], 0
    try:
        while number < 10**6:
            os.dup(read)
            number += 1
    except OSError as error:
        _say(f"{errno.errorcode[error.errno or 0]} {number // 1000}")


def neighbour(*_: str) -> None:
    """Fork, allocate and write, over and over, until told to end; then say how it went."""
    seen = {"ticks": 0, "failed": 0, "longest_ms": 0}
    last = time.monotonic()

    def end(*_: object) -> None:
        _say(json.dumps(seen))
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
    _say("up")
    while True:
        try:
            _work()
        except (OSError, MemoryError):
            seen["failed"] += 1
        now = time.monotonic()
        seen["longest_ms"] = max(seen["longest_ms"], int((now - last) * 1000))
        seen["ticks"] += 1
        last = now
        time.sleep(0.05)


def _work() -> None:
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
    Path("/tmp/work").write_bytes(bytearray(CHUNK))


def _say(text: str) -> None:
    os.write(1, text.encode() + b"\n")


THINGS: dict[str, Callable[..., None]] = {
    one.__name__: one for one in (processes, memory, disk, spread, log, files, neighbour)
}
if __name__ == "__main__":
    THINGS[sys.argv[1]](*sys.argv[2:])

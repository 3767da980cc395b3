"""A container must not outlive a silent agent: the contract lets its job lapse to another provider, and it would run
twice. So each running container has a lease that ends before the job can lapse. The agent renews it whenever it has
seen its report on-chain; a small process of its own kills containers whose lease has run out, also when the agent is
dead or hangs. It ends by itself when no lease is left.

Times are seconds of the kernel's boot clock: it never jumps, and goes on while the machine sleeps.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from pathlib import Path

LEASE_NAME = "lease.json"
ENDED_NAME = "lease-ended"
LOCK_NAME = "leases.lock"
LOOK_SECONDS = 0.3
_PASSED_ON = (
    "PATH",
    "HOME",
    "DOCKER_HOST",
    "DOCKER_CERT_PATH",
    "DOCKER_TLS_VERIFY",
    "DOCKER_CONFIG",
)


def boot_clock() -> float:
    """Seconds since the machine started."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def lease_seconds(lapses_at: int, now: int, lapse_after: int) -> float:
    """How long a container may still run without news; the margin covers clocks that differ.

    Args:
        lapses_at: chain second from which the job can lapse.
        now: chain time.
        lapse_after: the contract's span without a report.
    """
    return lapses_at - now - min(5.0, lapse_after / 4)


def renew(folder: Path, container_id: str, pid: int, seconds: float) -> None:
    """Let a run's container go on for so long from now; `pid` 0 stands for one that is about to start."""
    new = folder / f"{LEASE_NAME}.new"
    body = {"container": container_id, "pid": pid, "until": boot_clock() + seconds}
    new.write_text(json.dumps(body))
    new.rename(folder / LEASE_NAME)


def keep(folder: Path, seconds: float) -> None:
    """Have the process that ends leases be there for so long: a container was made, and may be started soon."""
    if not (folder / LEASE_NAME).exists():
        renew(folder, "", 0, seconds)


def drop(folder: Path) -> None:
    """The container has ended."""
    (folder / LEASE_NAME).unlink(missing_ok=True)


def begin_anew(folder: Path) -> None:
    """The container is started again, on another lease."""
    (folder / ENDED_NAME).unlink(missing_ok=True)


def ran_out(folder: Path) -> bool:
    """Whether the container was killed because its lease had run out."""
    return (folder / ENDED_NAME).exists()


class Leases:
    """Sees to it that the process that ends leases runs.

    Args:
        runs: the folder of all runs' folders.
    """

    def __init__(self, runs: Path) -> None:
        self._runs = runs
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def watched(self) -> bool:
        """Whether the process that we started runs."""
        return self._process is not None and self._process.poll() is None

    def watch(self) -> None:
        """Start the process if none runs; blocking, for a thread."""
        if self.watched:
            return
        self._runs.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self._runs / LOCK_NAME).open("w") as lock:
            if not _locked(lock.fileno()):
                return  # one of an earlier agent
        self._process = subprocess.Popen(
            [sys.executable, "-m", "agent.container.lease", str(self._runs)],
            env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def watch_leases(runs: Path) -> None:
    """Kill what has outlived its lease, until there is no lease left."""
    with (runs / LOCK_NAME).open("w") as lock:
        if not _locked(lock.fileno()):
            return
        while _look(runs):
            time.sleep(LOOK_SECONDS)


def _look(runs: Path) -> bool:
    """One look at every lease; whether any is left."""
    left = False
    for path in runs.glob(f"*/{LEASE_NAME}"):
        try:
            lease = json.loads(path.read_text())
            pid = int(lease["pid"])
            lives = pid == 0 or Path(f"/proc/{pid}").exists()
            over = boot_clock() > float(lease["until"])
        except (OSError, ValueError, KeyError):
            continue  # it was dropped or renewed this moment
        if not lives or (over and _kill(str(lease["container"]), path.parent)):
            path.unlink(missing_ok=True)
        else:
            left = True
    return left


def _kill(container_id: str, folder: Path) -> bool:
    """Kill a container by its id, if one was started; False when the Engine does not answer, to be tried again."""
    if not container_id:
        return True
    import docker
    from docker.errors import APIError, DockerException, NotFound

    (folder / ENDED_NAME).touch()
    try:
        docker.from_env().api.kill(container_id)
    except NotFound:
        return True
    except APIError as error:
        if error.status_code != 409:
            return False
        begin_anew(folder)  # it had ended by itself
        return True
    except (DockerException, OSError):
        return False
    return True


if __name__ == "__main__":
    watch_leases(Path(sys.argv[1]))

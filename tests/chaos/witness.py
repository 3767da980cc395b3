"""What the Docker Engine itself says of the runs: every start and end, recorded while it happens."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import docker
from docker.errors import DockerException

FOREVER = float("inf")


@dataclass
class Interval:
    """One life of a container; Unix seconds by the Engine."""

    job: str
    attempt: int
    container: str
    start: float
    end: float = FOREVER


class Witness:
    """Listens to the Engine from `start` to `stop`.

    Args:
        agents: whose containers are ours.
    """

    def __init__(self, agents: Collection[str]) -> None:
        self._agents = {agent.lower() for agent in agents}
        self._engine = docker.from_env(timeout=3600)
        self._events: Any = None
        self._lives: list[Interval] = []
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._listen, name="witness", daemon=True)

    def start(self) -> None:
        """Listen from now on."""
        wanted = {"type": "container", "event": ["start", "die"]}
        self._events = self._engine.events(decode=True, filters=wanted)
        self._thread.start()

    def stop(self) -> None:
        """Listen no more."""
        self._events.close()
        self._engine.close()

    def _listen(self) -> None:
        try:
            for event in self._events:
                self._note(event)
        except (DockerException, OSError, ValueError, AttributeError):
            return  # closed

    def _note(self, event: dict[str, Any]) -> None:
        told = event["Actor"]["Attributes"]
        if told.get("draas.agent", "").lower() not in self._agents:
            return
        at, container = event["timeNano"] / 1e9, event["Actor"]["ID"]
        with self._lock:
            if event["Action"] == "start":
                job, attempt = told["draas.job"], int(told["draas.attempt"])
                self._lives.append(Interval(job, attempt, container, at))
                return
            for life in self._lives:
                if life.container == container and life.end == FOREVER:
                    life.end = at

    def lives(self) -> dict[str, list[Interval]]:
        """Every life so far by its job, oldest first."""
        found: dict[str, list[Interval]] = defaultdict(list)
        with self._lock:
            for life in self._lives:
                found[life.job].append(life)
        for each in found.values():
            each.sort(key=lambda life: life.start)
        return found


def overlaps(lives: list[Interval]) -> list[tuple[Interval, Interval]]:
    """The lives of one job that were at the same time."""
    found: list[tuple[Interval, Interval]] = []
    for i, one in enumerate(lives):
        found += [(one, other) for other in lives[i + 1 :] if other.start < one.end]
    return found

"""A build's turn: where it stands, and what is remembered of one that failed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from chain.clock import unix_ms
from chain.job import Cid
from scheduler.images.build_log import BuildLog

Step = Literal["fetching", "building"]


@dataclass
class Turn:
    """A build under way."""

    log: BuildLog
    step: Step = "fetching"
    since_ms: int = field(default_factory=unix_ms)

    def building(self) -> None:
        """The bundle is here, and its build begins."""
        self.step = "building"


@dataclass(frozen=True, slots=True)
class FailedBuild:
    """One that failed, and why, as everybody may read it."""

    cid: Cid
    step: Step
    why: str
    at_ms: int

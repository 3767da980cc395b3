"""What is held against the promises at the end, and the one line that tells it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.chaos.consumers import Posting
from tests.chaos.jobs import expected_lines
from tests.chaos.reader import Line, Place
from tests.chaos.witness import Interval, overlaps

MUST_BE_ZERO = (
    "jobs_lost",
    "double_runs",
    "double_payments",
    "tokens_unaccounted",
    "log_lines_lost",
)


@dataclass
class Verdict:
    """The figures, and what they are made of."""

    jobs: int = 0
    kills: int = 0
    reorgs: int = 0
    jobs_lost: int = 0
    double_runs: int = 0
    double_payments: int = 0
    tokens_unaccounted: int = 0
    log_lines_lost: int = 0
    seed: int = 0
    seconds: int = 0
    schedulers: int = 1
    lines_delivered: int = 0
    runs: int = 0
    kills_by_kind: dict[str, int] = field(default_factory=dict)

    def line(self) -> str:
        """As JSON."""
        return json.dumps(self.__dict__)

    def holds(self, jobs: int, kills: int, reorgs: int) -> bool:
        """Whether nothing was lost or doubled, and as much was done as was asked for."""
        enough = self.jobs >= jobs and self.kills >= kills and self.reorgs >= reorgs
        return enough and not any(getattr(self, name) for name in MUST_BE_ZERO)


def double_runs(lives: Mapping[str, list[Interval]]) -> list[str]:
    """Runs of one job that were at the same time, in words."""
    return [
        f"{job}: attempt {one.attempt} from {one.start:.1f} to {one.end:.1f} "
        f"and attempt {other.attempt} from {other.start:.1f}"
        for job, each in lives.items()
        for one, other in overlaps(each)
    ]


def missing_lines(given: Mapping[Place, Line], kept: Sequence[Line]) -> list[str]:
    """Lines that were delivered once and are not there, or not the same, at the end."""
    found = {line.at: line for line in kept}
    return [f"{line.at} {line.text!r}" for place, line in given.items() if found.get(place) != line]


def unprinted_lines(posting: Posting, attempt: int, kept: Sequence[Line]) -> list[str]:
    """Lines that the run that came to its own end has printed and that are not in the log."""
    printed = [line.text for line in kept if line.at[0] == attempt and line.stream == "stdout"]
    expected = expected_lines(posting.plan)
    if printed == expected:
        return []
    missing = [text for text in expected if text not in set(printed)]
    return missing or [f"{len(printed)} lines instead of {len(expected)}"]

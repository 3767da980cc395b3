"""What a check has found: one line each, with the way to mend it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

Level = Literal["ok", "warn", "fail", "skip"]
MARKS: dict[Level, str] = {"ok": "✓", "warn": "!", "fail": "✗", "skip": "–"}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing looked at.

    Args:
        level: `warn` where the agent works with less, `fail` where it cannot be let work, `skip` where it does not
            apply or could not be seen.
        told: what was found.
        fix: what to do about it.
    """

    name: str
    level: Level
    told: str
    fix: str = ""

    def text(self) -> str:
        """For people."""
        first = f"{MARKS[self.level]} {self.name:<10} {self.told}"
        return f"{first}\n  {'':<10} fix: {self.fix}" if self.fix else first

    def json(self) -> str:
        """For programs."""
        return json.dumps(asdict(self))


def rated(name: str, told: str, warn: str = "", fail: str = "") -> Line:
    """A line that is well unless there is something to mend: `warn` and `fail` say what to do."""
    if fail:
        return Line(name, "fail", told, fail)
    return Line(name, "warn", told, warn) if warn else Line(name, "ok", told)


def exit_code(lines: Iterable[Line]) -> int:
    """1 when anything has failed."""
    return int(any(line.level == "fail" for line in lines))

"""A program does not start without its secrets: it waits for them, and fails only when it was told that there are
none."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from agent.container.host import JobContainer
from agent.runs.record import RunRecord
from agent.runs.start import SECRETS_WITHIN_S, Beginning
from agent.runs.surroundings import Surroundings
from chain.errors import Conflict, NotFound, Unavailable
from tests.unit.agent.builders import NOW, a_record

CLAIMED = a_record(claimed_at=NOW)


@dataclass
class Space:
    """What the run has of its secrets."""

    kept: dict[str, bytes] = field(default_factory=dict)

    @property
    def lacks(self) -> bool:
        return not self.kept

    def keep(self, values: dict[str, bytes]) -> None:
        self.kept = values


@dataclass
class Clock:
    """Chain time."""

    at: int

    def now(self) -> int:
        return self.at


def beginning(
    tmp_path: Path, *answers: dict[str, bytes] | Exception, now: int = NOW
) -> tuple[Beginning, Space, Clock]:
    """A run whose scheduler answers so, the last of them ever after."""
    left = list(answers)

    async def secrets(_: RunRecord) -> dict[str, bytes]:
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    clock, space = Clock(now), Space()
    around = SimpleNamespace(home=tmp_path, secrets=secrets, view=SimpleNamespace(clock=clock))
    container = cast(JobContainer, SimpleNamespace(secrets=space))
    return Beginning(cast(Surroundings, around), CLAIMED, container), space, clock


async def test_they_are_fetched_once(tmp_path: Path) -> None:
    begin, space, _ = beginning(tmp_path, {"A": b"value"})
    assert await begin.have_secrets(CLAIMED) == ""
    assert space.kept == {"A": b"value"}
    begin, space, _ = beginning(tmp_path, AssertionError("not asked again"))
    space.kept = {"A": b"value"}
    assert await begin.have_secrets(CLAIMED) == ""


async def test_a_scheduler_that_has_none_is_asked_again_until_the_time_is_up(
    tmp_path: Path,
) -> None:
    long_after_the_claim = NOW + 100_000
    begin, _, clock = beginning(tmp_path, NotFound("none"), now=long_after_the_claim)
    for later in (0, SECRETS_WITHIN_S):
        clock.at = long_after_the_claim + later
        with pytest.raises(Unavailable, match="waiting for its secrets"):
            await begin.have_secrets(CLAIMED)
    clock.at += 1
    assert "did not come" in await begin.have_secrets(CLAIMED)


async def test_a_word_that_comes_after_silence_is_the_first_one(tmp_path: Path) -> None:
    answers = [NotFound("none"), Conflict("not seen"), NotFound("none"), NotFound("none")]
    begin, _, clock = beginning(tmp_path, *answers)
    for step in range(4):
        clock.at = NOW + step * SECRETS_WITHIN_S
        with pytest.raises(Unavailable):
            await begin.have_secrets(CLAIMED)


async def test_one_that_does_not_answer_ends_nothing(tmp_path: Path) -> None:
    begin, _, _ = beginning(tmp_path, Unavailable("silent"), now=NOW + 100_000)
    with pytest.raises(Unavailable):
        await begin.have_secrets(CLAIMED)

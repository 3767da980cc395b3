"""A program does not start without its secrets: it waits for them, and fails only when it was told that there are
none."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from agent.container.host import JobContainer
from agent.runs.record import RunRecord
from agent.runs.start import SECRETS_WITHIN_S, Beginning
from agent.runs.surroundings import Surroundings
from chain.errors import NotFound, Unavailable
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


def beginning(tmp_path: Path, answer: Any, now: int) -> tuple[Beginning, Space]:
    async def secrets(_: RunRecord) -> dict[str, bytes]:
        if isinstance(answer, Exception):
            raise answer
        return cast(dict[str, bytes], answer)

    clock = SimpleNamespace(now=lambda: now)
    around = SimpleNamespace(home=tmp_path, secrets=secrets, view=SimpleNamespace(clock=clock))
    space = Space()
    container = SimpleNamespace(secrets=space)
    return Beginning(cast(Surroundings, around), CLAIMED, cast(JobContainer, container)), space


async def test_they_are_fetched_once(tmp_path: Path) -> None:
    begin, space = beginning(tmp_path, {"A": b"value"}, NOW)
    assert await begin.have_secrets(CLAIMED) == ""
    assert space.kept == {"A": b"value"}
    begin, space = beginning(tmp_path, AssertionError("not asked again"), NOW)
    space.kept = {"A": b"value"}
    assert await begin.have_secrets(CLAIMED) == ""


async def test_a_scheduler_that_has_none_is_asked_again_until_the_time_is_up(
    tmp_path: Path,
) -> None:
    begin, _ = beginning(tmp_path, NotFound("none"), NOW + SECRETS_WITHIN_S)
    with pytest.raises(Unavailable, match="waiting for its secrets"):
        await begin.have_secrets(CLAIMED)
    begin, _ = beginning(tmp_path, NotFound("none"), NOW + SECRETS_WITHIN_S + 1)
    assert "did not come" in await begin.have_secrets(CLAIMED)


async def test_one_that_does_not_answer_ends_nothing(tmp_path: Path) -> None:
    begin, _ = beginning(tmp_path, Unavailable("silent"), NOW + 100_000)
    with pytest.raises(Unavailable):
        await begin.have_secrets(CLAIMED)

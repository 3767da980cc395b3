"""Where a job's secrets can be had, and what is said where they cannot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agent.container import secrets
from agent.container.secrets import SecretSpace, why_not
from agent.engine.facts import EngineFacts
from chain.secret_spec import SecretSpec

GOOD = EngineFacts(2, False, False, True)
SPECS = [SecretSpec(name="A"), SecretSpec(name="B", env=True)]


@pytest.mark.parametrize(
    ("facts", "root", "can"),
    [
        (GOOD, True, True),
        (GOOD, False, False),
        (replace(GOOD, local=False), True, False),
        (replace(GOOD, remapped=True), True, False),
    ],
)
def test_an_agent_that_cannot_keep_them_says_so(
    monkeypatch: pytest.MonkeyPatch, facts: EngineFacts, root: bool, can: bool
) -> None:
    monkeypatch.setattr(secrets, "can_mount", lambda: root)
    assert bool(why_not(SPECS, facts)) is not can
    assert why_not([], facts) == ""


def test_a_run_without_any_has_no_space_and_lacks_nothing(tmp_path: Path) -> None:
    space = SecretSpace(tmp_path / "run")
    assert not space.lacks
    assert space.prepare("1000") == ""
    assert space.environment() == ()
    assert not (tmp_path / "run").exists()


def test_what_has_not_come_is_lacking(tmp_path: Path) -> None:
    space = SecretSpace(tmp_path, SPECS)
    assert space.lacks
    assert space.values() == {}

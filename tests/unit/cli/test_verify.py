"""`draas verify` says what a document is worth, and ends with a code that a script can read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from chain.errors import InvalidInput, NotFound
from chain.job import Usage
from cli.screen import Screen
from cli.verify import DOES_NOT_HOLD, Expected, verify
from tests.unit.chain.ledgers import AGENT, BEGAN, JOB, an_honest_one, written
from tests.unit.chain.test_evidence import METERED, a_document, stated

Told = Callable[[], dict[str, object]]


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    """The object that was printed last."""
    return lambda: json.loads(capsys.readouterr().out.splitlines()[-1])


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    path = tmp_path / "usage.jsonl"
    path.write_bytes(written(an_honest_one(20)))
    return path


ANYTHING = Expected()


async def checked(path: Path, expected: Expected = ANYTHING, beside: Path | None = None) -> int:
    return await verify(Screen(as_json=True), str(path), expected, beside, {"DRAAS_HOME": "/none"})


async def test_an_honest_ledger_holds(ledger: Path, told: Told) -> None:
    assert await checked(ledger, Expected(JOB[:10], 1, AGENT.address)) == 0
    shown = told()
    assert (shown["holds"], shown["faults"]) == (True, [])
    assert shown["facts"]["job"] == JOB  # type: ignore[index]


@pytest.mark.parametrize(
    "expected", [Expected(job="0x1234"), Expected(attempt=2), Expected(agent="0x" + "01" * 20)]
)
async def test_a_document_about_something_else_does_not_hold(
    ledger: Path, told: Told, expected: Expected
) -> None:
    assert await checked(ledger, expected) == DOES_NOT_HOLD
    assert str(told()["faults"]).startswith("['it is about")


async def test_a_changed_ledger_does_not_hold(ledger: Path, told: Told) -> None:
    ledger.write_bytes(ledger.read_bytes().replace(str(BEGAN).encode(), str(BEGAN + 1).encode(), 1))
    assert await checked(ledger) == DOES_NOT_HOLD
    assert "line 3 does not follow" in str(told()["faults"])


async def test_a_watchers_evidence_is_told_from_what_it_proves(tmp_path: Path, told: Told) -> None:
    path = tmp_path / "evidence.json"
    path.write_text(a_document(stated(METERED)))
    assert await checked(path, Expected(job=JOB)) == 0
    shown = told()
    assert shown["kind"] == "watcher's evidence"
    assert len(shown["proofs"]) == 1  # type: ignore[arg-type]


async def test_a_ledger_is_held_against_what_was_signed_before_it(
    ledger: Path, tmp_path: Path, told: Told
) -> None:
    beside = tmp_path / "evidence.json"
    beside.write_text(a_document(stated(Usage(cpu_ms=1, wall_s=10))))
    assert await checked(ledger, beside=beside) == DOES_NOT_HOLD
    assert "which is not in it" in str(told()["faults"])


async def test_what_is_neither_file_nor_cid_and_what_nobody_can_fetch_is_refused(
    tmp_path: Path,
) -> None:
    with pytest.raises(InvalidInput, match="no file here"):
        await checked(tmp_path / "none")
    with pytest.raises(NotFound, match="No IPFS node"):
        await checked(Path("bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi"))
    (tmp_path / "text").write_text("hello")
    with pytest.raises(InvalidInput, match="no signed evidence"):
        await checked(tmp_path / "text")

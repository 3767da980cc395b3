"""Documents name tests and files; what they name must be there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
TEST = re.compile(r"`(test_\w+)`")


FENCES = ROOT / "docs/isolation.md"


def of_the_contracts() -> set[str]:
    """The names of every forge test."""
    text = "".join(path.read_text() for path in (ROOT / "tests/forge").rglob("*.t.sol"))
    return set(re.findall(r"function (test_\w+)", text))


def of_the_fence() -> set[str]:
    """The names of every attempt to get out of a container."""
    paths = (ROOT / "tests/integration/agent").glob("test_escapes*.py")
    return set(re.findall(r"def (test_\w+)", "".join(path.read_text() for path in paths)))


def test_every_test_that_a_document_names_exists() -> None:
    known = of_the_contracts() | of_the_fence()
    named = {name for path in DOCUMENTS for name in TEST.findall(path.read_text())}
    assert len(named) > 50
    assert not named - known


def test_every_attempt_to_get_out_of_a_container_has_its_measure_in_the_table() -> None:
    rows = [line for line in FENCES.read_text().splitlines() if line.startswith("| ")]
    assert set(TEST.findall("".join(rows))) == of_the_fence()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_that_a_document_links_to_exists(path: Path) -> None:
    assert not [
        link for link in LINK.findall(path.read_text()) if not (path.parent / link).exists()
    ]

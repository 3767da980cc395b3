"""Which images a build may start from."""

from __future__ import annotations

import pytest

from chain.errors import InvalidInput
from scheduler.images.bases import pinned

PIN = "sha256:" + "ab" * 32
OTHER = "sha256:" + "cd" * 32


def test_without_a_list_every_base_is_as_it_is_written() -> None:
    assert pinned("python:3.12", ()) == "python:3.12"


@pytest.mark.parametrize(
    "base",
    [
        "localhost/x",
        "127.0.0.1:5000/x",
        "10.0.0.5/x",
        "registry:5000/x",
        "a.example:22/x",
        "0x7f.1/x",
    ],
)
def test_a_registry_without_a_public_name_is_the_operators_to_list(base: str) -> None:
    with pytest.raises(InvalidInput, match="no public name"):
        pinned(base, ())
    assert pinned(base, [base]) == base


@pytest.mark.parametrize("base", ["busybox", "some/body", "ghcr.io/some/body", "a-b.example/x:1"])
def test_a_public_registry_needs_no_list(base: str) -> None:
    assert pinned(base, ()) == base


@pytest.mark.parametrize(
    "base", ["python", "python:3.12-slim", "docker.io/library/python:3.9", f"python@{OTHER}"]
)
def test_a_name_on_the_list_stands_for_all_of_its_tags(base: str) -> None:
    assert pinned(base, ["busybox", "python"]) == base


def test_a_digest_on_the_list_is_what_is_built_from() -> None:
    listed = [f"python:3.12@{PIN}"]
    assert pinned("python:3.12", listed) == f"python:3.12@{PIN}"
    assert pinned(f"python@{PIN}", [f"python@{PIN}"]) == f"python@{PIN}"


@pytest.mark.parametrize(
    ("base", "listed"),
    [
        ("node", "python"),
        ("evil/python", "python"),
        ("ghcr.io/library/python", "python"),
        ("python:3.11", "python:3.12"),
        ("python:3.12", "python"[:-1]),
        (f"python:3.12@{OTHER}", f"python:3.12@{PIN}"),
    ],
)
def test_what_is_not_on_the_list_is_refused(base: str, listed: str) -> None:
    with pytest.raises(InvalidInput, match="not allowed here"):
        pinned(base, [listed])

"""A folder, an archive of one, and the tree of a commit are all deployed alike."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from chain.bundle import pack
from chain.errors import InvalidInput
from cli.source import folder_of


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "data").mkdir(parents=True)
    (folder / "main.py").write_text("print(1)\n")
    (folder / "data" / "x").write_text("x")
    return folder


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
    subprocess.run(["git", "-C", str(folder), *who, *words], check=True, capture_output=True)


@pytest.mark.parametrize("form", ["tar", "gztar", "zip"])
def test_an_archive_is_the_folder_that_was_packed(project: Path, form: str) -> None:
    for inside in (None, "project"):
        target = str(project.parent / f"packed-{inside}")
        name = shutil.make_archive(
            target, form, project if inside is None else project.parent, inside
        )
        with folder_of(Path(name)) as folder:
            assert pack(folder).cid == pack(project).cid
        assert not folder.exists()


def test_a_commit_is_deployed_as_it_was(project: Path) -> None:
    before = pack(project).cid
    git(project, "init", "-q")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "one")
    (project / "main.py").write_text("print(2)\n")
    with folder_of(project, "HEAD") as folder:
        assert pack(folder).cid == before
        assert folder.name == "project"
    with folder_of(project) as folder:
        assert pack(folder).cid != before


def test_what_git_does_not_know_is_told(project: Path) -> None:
    git(project, "init", "-q")
    for rev in ("gone", "--output=/tmp/x"):
        with pytest.raises(InvalidInput, match="git has no"), folder_of(project, rev):
            pass


def test_a_file_that_is_no_archive_is_refused(project: Path) -> None:
    with pytest.raises(InvalidInput), folder_of(project / "main.py"):
        pass

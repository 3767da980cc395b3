"""What is left out of a bundle, as git and Docker leave it out."""

from __future__ import annotations

from pathlib import Path

import pytest

from chain.bundle import bundle_cid, pack
from chain.errors import InvalidInput
from chain.folder import DEFAULT_LIMITS
from chain.folder_reader import read_folder
from chain.ignore import NEEDED, Ignored
from chain.manifest import MANIFEST_NAME
from chain.manifests import compose, procfile, sdl


def kept(folder: Path) -> list[str]:
    names = []
    for entry in read_folder(folder, DEFAULT_LIMITS, Ignored()):
        if entry.file:
            entry.file.read()
            names.append("/".join(entry.path))
    return names


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_patterns_of_git_hold_from_where_they_stand(tmp_path: Path) -> None:
    write(
        tmp_path, _gitignore="*.log\nbuild/\n/only_top\n", a_log="", main_py="",
        build__x="", sub__a_log="", sub__keep_txt="", sub___gitignore="*.txt\n!keep.txt\n",
        sub__other_txt="",
    )  # fmt: skip
    assert kept(tmp_path) == [".gitignore", "main.py", "sub/.gitignore", "sub/keep.txt"]


def test_dockers_patterns_are_told_from_the_top_and_count_last(tmp_path: Path) -> None:
    write(
        tmp_path, _gitignore="dist/\n", _dockerignore="secret\n**/*.tmp\n!dist\n",
        secret="", sub__secret="", sub__x_tmp="", dist__page_html="",
    )  # fmt: skip
    assert kept(tmp_path) == [".dockerignore", ".gitignore", "dist/page.html", "sub/secret"]


@pytest.mark.parametrize(
    "text", ["x\n" * 1001, "# \n" * 30_000 + ".env\n"], ids=["patterns", "bytes"]
)
def test_a_pattern_is_never_passed_over(tmp_path: Path, text: str) -> None:
    write(tmp_path, _gitignore=text)
    with pytest.raises(InvalidInput, match="more than 1000 patterns, or 64 KiB"):
        kept(tmp_path)


def test_what_is_needed_to_build_is_never_left_out(tmp_path: Path) -> None:
    write(tmp_path, _dockerignore="*\n", Dockerfile="FROM busybox", draas_yaml="", x="")
    assert kept(tmp_path) == [".dockerignore", "Dockerfile", "draas.yaml"]


def test_what_is_left_out_may_be_a_link_or_a_pipe(tmp_path: Path) -> None:
    write(tmp_path, _gitignore="link\n", main_py="")
    (tmp_path / "link").symlink_to("/etc/passwd")
    assert kept(tmp_path) == [".gitignore", "main.py"]


def test_a_packed_folder_is_the_same_with_and_without_what_is_left_out(tmp_path: Path) -> None:
    write(tmp_path, _gitignore="*.log\n", main_py="print(1)")
    before = pack(tmp_path).cid
    assert before == bundle_cid(tmp_path)
    write(tmp_path, a_log="noise")
    assert pack(tmp_path).cid == before
    assert bundle_cid(tmp_path) != before  # what was stored is stored as it is


def test_a_pattern_file_that_is_a_link_is_not_read(tmp_path: Path) -> None:
    write(tmp_path, main_py="")
    (tmp_path / ".gitignore").symlink_to("/etc/passwd")
    ignored = Ignored()
    ignored.enter((), {".gitignore": ""})
    assert not ignored.has(("main.py",), is_folder=False)


def test_what_says_how_a_folder_runs_is_never_left_out(tmp_path: Path) -> None:
    assert {MANIFEST_NAME, *compose.NAMES, *sdl.NAMES, procfile.NAME} <= NEEDED
    write(
        tmp_path, _dockerignore="**/compose.y*ml\n**/docker-compose*\n", compose_yaml="a: 1", x=""
    )
    assert kept(tmp_path) == [".dockerignore", "compose.yaml", "x"]

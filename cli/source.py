"""What is deployed: a folder, an archive of one, or the tree of a commit."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chain.archive import unpack
from chain.errors import InvalidInput

GIT_SECONDS = 120


@contextmanager
def folder_of(path: Path, rev: str = "") -> Iterator[Path]:
    """The folder, for as long as it is needed; an archive or a commit is unpacked into a passing one.

    Args:
        rev: what git takes for a tree: a commit, a tag, a branch; "" for the files as they are.

    Raises:
        InvalidInput: nothing is there, or it is no archive, or git has no such commit.
        TooLarge: the archive is over a limit.
    """
    if rev:
        with tempfile.TemporaryDirectory(prefix="draas-") as place:
            _check_out(path, rev, Path(place) / path.resolve().name)
            yield Path(place) / path.resolve().name
    elif path.is_file():
        with tempfile.TemporaryDirectory(prefix="draas-") as place:
            folder = Path(place) / (path.name.partition(".")[0] or "bundle")
            with path.open("rb") as archive:
                unpack(archive, folder)
            yield _inner(folder)
    else:
        yield path.resolve()


def _inner(folder: Path) -> Path:
    """An archive often holds one folder with everything in it."""
    inside = list(folder.iterdir())
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else folder


def _check_out(path: Path, rev: str, dest: Path) -> None:
    """The files of a commit below a folder, by `git archive`."""
    with tempfile.TemporaryFile() as spool:
        try:
            done = subprocess.run(
                ["git", "-C", str(path), "archive", "--format=tar", "--end-of-options", rev, "."],
                stdout=spool,
                stderr=subprocess.PIPE,
                stdin=subprocess.DEVNULL,
                timeout=GIT_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise InvalidInput(f"git does not answer: {error}.", "Install git.") from None
        if done.returncode != 0:
            told = done.stderr.decode(errors="replace").strip()[:300]
            raise InvalidInput(f"git has no {rev} here: {told}", "Name a commit, tag or branch.")
        spool.seek(0)
        unpack(spool, dest)

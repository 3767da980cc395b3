"""What of a folder does not belong to a bundle: as `.gitignore` says, and `.dockerignore` after it.

The last pattern that matches counts, so a `!pattern` of `.dockerignore` brings back what `.gitignore` leaves out. A
folder that is left out is not entered, as git does it. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pathspec import GitIgnoreSpec

from chain.errors import InvalidInput

GIT, DOCKER = ".gitignore", ".dockerignore"
IGNORE_FILES = (GIT, DOCKER)
MAX_PATTERN_BYTES = 64 * 1024
MAX_PATTERNS = 1000
MAX_PATTERN_LENGTH = 1000
MAX_STARS = 4  # in one pattern
# Without these there is nothing to build, or another thing is run; no pattern leaves them out.
NEEDED = {
    "draas.yaml", "compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml", "deploy.yaml",
    "deploy.yml", "Procfile", "Dockerfile", DOCKER,
}  # fmt: skip


class Ignored:
    """The patterns of one walk through a folder, parents first.

    Args:
        heed: whether anything is left out at all.
    """

    def __init__(self, *, heed: bool = True) -> None:
        self._heed = heed
        self._specs: list[tuple[tuple[str, ...], GitIgnoreSpec]] = []

    def enter(self, folder: tuple[str, ...], files: Mapping[str, str]) -> None:
        """Take in the ignore files of a folder.

        Args:
            folder: its path; () for the top, where alone a `.dockerignore` counts.
            files: name → text.

        Raises:
            InvalidInput: a pattern that is none, or that would take for ever to match, or too many of them.
        """
        if not self._heed:
            return
        lines = _lines(files.get(GIT, ""))
        if not folder:
            lines += [_anchored(line) for line in _lines(files.get(DOCKER, ""))]
        long = any(len(text.encode()) > MAX_PATTERN_BYTES for text in files.values())
        if long or len(lines) > MAX_PATTERNS:  # a pattern passed over would publish something
            raise _too_many()
        if lines:
            self._specs.append((folder, _spec(lines)))

    def has(self, path: tuple[str, ...], *, is_folder: bool) -> bool:
        """Whether a file or folder is left out."""
        if len(path) == 1 and path[0] in NEEDED:
            return False
        verdict = False
        for folder, spec in self._specs:
            if path[: len(folder)] != folder:
                continue
            text = "/".join(path[len(folder) :]) + ("/" if is_folder else "")
            found = spec.check_file(text).include
            verdict = verdict if found is None else found
        return verdict


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _spec(lines: list[str]) -> GitIgnoreSpec:
    """The patterns, as what matches them."""
    for line in lines:
        # Each star multiplies the ways in which it can fail.
        if len(re.findall(r"\*\*?", line)) > MAX_STARS or len(line) > MAX_PATTERN_LENGTH:
            raise _refused(line)
    try:
        return GitIgnoreSpec.from_lines(lines)
    except (ValueError, re.error) as error:
        raise _refused(str(error)) from None


def _too_many() -> InvalidInput:
    told = (
        f"An ignore file has more than {MAX_PATTERNS} patterns, or {MAX_PATTERN_BYTES // 1024} KiB."
    )
    return InvalidInput(told, "Shorten it.")


def _refused(line: str) -> InvalidInput:
    return InvalidInput(
        f"An ignore file has the pattern {line[:80]!a}, which is not read.",
        f"Write it with at most {MAX_STARS} stars.",
    )


def _anchored(line: str) -> str:
    """A pattern of Docker's, which is always told from the top, as one of git's."""
    mark, plain = ("!", line[1:]) if line.startswith("!") else ("", line)
    return f"{mark}/{plain.strip().lstrip('/')}" if not plain.startswith("**") else mark + plain

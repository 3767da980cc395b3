"""What a recipe may look at: the names at the top of a folder, and the beginnings of small files there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chain.errors import InvalidInput

MAX_READ = 1024 * 1024
USER = "10001:10001"
APP = "/app"


@dataclass(frozen=True, slots=True)
class Source:
    """A folder, and what its manifest names.

    Args:
        names: of files and folders at the top.
        command: the manifest's; None when it names none.
        bases: language → base image.
    """

    folder: Path
    names: frozenset[str]
    command: Sequence[str] | None
    bases: dict[str, str]

    @staticmethod
    def of(folder: Path, command: Sequence[str] | None, bases: dict[str, str]) -> Source:
        """Look at a folder."""
        return Source(folder, frozenset(entry.name for entry in folder.iterdir()), command, bases)

    def has(self, *names: str) -> str:
        """The first of the names that is there; "" for none."""
        return next((name for name in names if name in self.names), "")

    def read(self, name: str) -> bytes:
        """The beginning of a file; empty when it is none."""
        path = self.folder / name
        if path.is_symlink() or not path.is_file():
            return b""
        with path.open("rb") as file:
            return file.read(MAX_READ)

    def read_json(self, name: str) -> dict[str, Any]:
        """A file that has to be a JSON object.

        Raises:
            InvalidInput: it is none.
        """
        try:
            found = json.loads(self.read(name))
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise InvalidInput(f"{name} is not a JSON object.", "Correct it.")
        return found


def words(command: Sequence[str]) -> str:
    """A command in the form that no shell takes apart."""
    return json.dumps(list(command))


def dockerfile(*lines: str) -> str:
    """Lines as a text; empty ones are left out."""
    return "\n".join(line for line in lines if line) + "\n"

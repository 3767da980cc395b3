"""Which Dockerfile a folder is built by: its own, or one that is written for its language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from chain.errors import InvalidInput
from chain.manifest import BuildSpec, Manifest
from chain.recipes import binary, golang, node, python, static
from chain.recipes.source import Source, dockerfile

MAX_DOCKERFILE_BYTES = 128 * 1024
OWN = "Dockerfile"
DEFAULT_BASES = {
    "python": "python:3.11-slim",
    "node": "node:22-slim",
    "go": "golang:1.24",
    "static": "busybox",
    "binary": "debian:bookworm-slim",
}


@dataclass(frozen=True, slots=True)
class _Language:
    recognises: Callable[[Source], bool]
    recipe: Callable[[Source], str]


# In the order in which they are tried: a page beside a program is the program's.
LANGUAGES = {
    "python": _Language(python.recognises, python.recipe),
    "node": _Language(node.recognises, node.recipe),
    "go": _Language(golang.recognises, golang.recipe),
    "binary": _Language(binary.recognises, binary.recipe),
    "static": _Language(static.recognises, static.recipe),
}


def dockerfile_of(
    folder: Path, manifest: Manifest, bases: Mapping[str, str] | None = None
) -> tuple[str, str]:
    """The text of the Dockerfile that a folder is built by, and how it was come by: "own", "image" or a language.

    Args:
        bases: base images by language, in place of the defaults.

    Raises:
        InvalidInput: there is nothing to build, or what is named is not there.
    """
    build = manifest.build
    if build.image is not None:
        return dockerfile(f"FROM {build.image}"), "image"
    source = Source.of(folder, manifest.command, DEFAULT_BASES | dict(bases or {}))
    if build.language is None and (build.dockerfile is not None or source.has(OWN)):
        return _own(folder, build), "own"
    name = build.language or _recognised(source)
    if not name:
        raise InvalidInput(
            "There is no Dockerfile, and nothing here tells Python, Node, Go, a built program or a static site.",
            "Add a Dockerfile, or one of: main.py, package.json, go.mod, one ELF program, index.html.",
        )
    if not LANGUAGES[name].recognises(source):
        raise InvalidInput(
            f"build.language says {name}, and nothing here is of it.",
            "Leave it out, or correct it.",
        )
    return LANGUAGES[name].recipe(source), name


def _recognised(source: Source) -> str:
    """The first language that a folder is of; "" for none."""
    return next((name for name, one in LANGUAGES.items() if one.recognises(source)), "")


def _own(folder: Path, build: BuildSpec) -> str:
    path = folder / (build.dockerfile or OWN)
    if path.is_symlink() or not path.is_file():
        raise InvalidInput(f"There is no {build.dockerfile}.", "Correct build.dockerfile.")
    with path.open("rb") as file:
        text = file.read(MAX_DOCKERFILE_BYTES + 1)
    if len(text) > MAX_DOCKERFILE_BYTES:
        raise InvalidInput(
            f"The Dockerfile is larger than {MAX_DOCKERFILE_BYTES // 1024} KiB.", "Shorten it."
        )
    return text.decode(errors="replace")

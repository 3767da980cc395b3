"""The manifest of a folder: its `draas.yaml`, else what another tool's file there says, else the defaults."""

from __future__ import annotations

from pathlib import Path

from chain.manifest import MANIFEST_NAME, MAX_MANIFEST_BYTES, Manifest, parse_manifest
from chain.manifests import compose, procfile, sdl
from chain.manifests.conversion import Conversion


def manifest_of(folder: Path) -> Conversion:
    """Read it, and what did not map.

    Args:
        folder: without symbolic links at its top that lead out, as everything that was unpacked here is.

    Raises:
        InvalidInput: what is there cannot be read, or not be run.
    """
    if (text := _read(folder / MANIFEST_NAME)) is not None:
        return Conversion(parse_manifest(text), ())
    for name in compose.NAMES:
        if (text := _read(folder / name)) is not None:
            return compose.read_compose(text, name)
    for name in sdl.NAMES:
        text = _read(folder / name)
        if text is not None and sdl.looks_like_sdl(text):
            return sdl.read_sdl(text, name)
    if (text := _read(folder / procfile.NAME)) is not None:
        return procfile.read_procfile(text)
    return Conversion(Manifest(), ())


def _read(path: Path) -> bytes | None:
    """A file's beginning: more than fits is refused by whoever parses it. None: there is none."""
    if path.is_symlink() or not path.is_file():
        return None
    with path.open("rb") as file:
        return file.read(MAX_MANIFEST_BYTES + 1)

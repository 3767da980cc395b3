"""What may be written in a manifest, where it is not what is kept."""

from __future__ import annotations

import shlex


def as_words(value: object) -> object:
    """A line is split as a shell does."""
    return shlex.split(value) if isinstance(value, str) else value


def as_restart(value: object) -> object:
    """YAML reads `no` as false."""
    return "no" if value is False else value


def inside(value: str | None) -> str | None:
    """A path that stays in the bundle."""
    if value is not None and (
        len(value) > 255 or value.startswith("/") or {"", ".", ".."} & set(value.split("/"))
    ):
        raise ValueError("not a plain path within the bundle, like docker/Dockerfile")
    return value

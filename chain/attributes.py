"""What an agent says of itself, as people write it in a setting: region=eu,disk=ssd."""

from __future__ import annotations

from pydantic import TypeAdapter

from chain.manifest import Attributes


def attributes_of(text: str) -> dict[str, str]:
    """Read it.

    Raises:
        ValueError: a name stands twice, or is none, or a value is none; there are too many.
    """
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    named = {name.strip(): value.strip() for name, _, value in pairs}
    if len(named) != len(pairs):
        raise ValueError("a name stands twice")
    return TypeAdapter[dict[str, str]](Attributes).validate_python(named)

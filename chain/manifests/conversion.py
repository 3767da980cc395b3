"""What the readers of other tools' files share: the result, and what to say of what did not map."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chain.errors import InvalidInput
from chain.manifest import Manifest

NOTES_MOST = 50


@dataclass(frozen=True, slots=True)
class Conversion:
    """A manifest made of another tool's file.

    Args:
        notes: what was changed or left out, in words.
    """

    manifest: Manifest
    notes: tuple[str, ...]


@dataclass(slots=True)
class Notes:
    """Collects what is to be said of one file.

    Args:
        name: of the file.
    """

    name: str
    _said: list[str] = field(default_factory=list)

    def say(self, what: str) -> None:
        """Once each, up to a number."""
        note = f"{self.name}: {what}"[:300]
        if note not in self._said and len(self._said) < NOTES_MOST:
            self._said.append(note)

    def left_out(self, keys: Iterable[object], where: str) -> None:
        """These keys have no meaning here; what begins with x- is for others anyway."""
        for key in sorted(str(key) for key in keys):
            if not key.startswith("x-"):
                self.say(f"{where}{key} has no meaning here and is left out")

    def all(self) -> tuple[str, ...]:
        """Everything that was said."""
        return tuple(self._said)


def as_mapping(value: Any, name: str, what: str) -> Mapping[str, Any]:
    """The value, when it is a mapping.

    Raises:
        InvalidInput: it is none.
    """
    if not isinstance(value, dict):
        raise InvalidInput(f"{name}: {what[:100]} is not a mapping.", "Correct it.")
    return {str(key): item for key, item in value.items()}


def as_list(value: Any, name: str, what: str) -> list[Any]:
    """The value, when it is a list.

    Raises:
        InvalidInput: it is none.
    """
    if not isinstance(value, list):
        raise InvalidInput(f"{name}: {what[:100]} is not a list.", "Correct it.")
    return value

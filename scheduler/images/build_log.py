"""What a build prints, harmless to whoever shows it, readable while it grows."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

WHY = 4000  # characters
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_RETURN = re.compile(r"\r+\n?")
# Controls, what turns the direction of text, what cannot be seen, and halves of characters.
_ACTING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)


def _nobody() -> None:
    return None


@dataclass
class BuildLog:
    """The log of one build; written by the building thread, read by anybody.

    Args:
        limit: characters.
        changed: called after each piece, in the thread that wrote it.
    """

    limit: int
    changed: Callable[[], None] = _nobody
    parts: list[str] = field(default_factory=list)
    size: int = 0

    def add(self, text: str) -> None:
        """Append, up to the limit."""
        if self.size >= self.limit:
            return
        plain = harmless(text)
        if not plain:
            return
        self.parts.append(plain[: self.limit])
        self.size += len(plain)
        if self.size >= self.limit:
            self.parts.append("\nThe build log is cut here: it reached its limit.\n")
        self.changed()

    def end(self, why: str) -> None:
        """Say why it ended, also where the limit is reached."""
        self.parts.append(f"\n{harmless(why)[:WHY]}\n")
        self.changed()

    @property
    def text(self) -> str:
        """All there is so far."""
        return "".join(self.parts)


def harmless(text: str) -> str:
    """Lines that no terminal, page or database acts on; what returns to the line's beginning begins a new one."""
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return _ACTING.sub("\ufffd", _RETURN.sub("\n", _ANSI.sub("", text)))

"""One call of the RPC, as it was asked: what is not supported is refused, never ignored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from chain.content.upload import Part, read_parts
from chain.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Ask:
    """One call: `arg` may come several times, options once; an upload has a body."""

    args: tuple[str, ...]
    options: Mapping[str, str]
    body: BinaryIO | None = None
    content_type: str = ""

    def arg(self) -> str:
        """The one argument."""
        if len(self.args) != 1:
            raise InvalidInput('argument "ipfs-path" is required')
        return self.args[0]

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean as Python or Kubo writes it."""
        text = self.options.get(name, str(default)).lower()
        if text not in {"true", "false"}:
            raise InvalidInput(f"option {name} must be true or false")
        return text == "true"

    def number(self, name: str, default: int) -> int:
        """A whole number."""
        text = self.options.get(name, str(default))
        if not text.isascii() or not text.removeprefix("-").isdigit() or len(text) > 19:
            raise InvalidInput(f"option {name} must be a number")
        return int(text)

    def refuse(self, **only: tuple[str, ...]) -> None:
        """Refuse options whose value is none of those that are supported."""
        for name, values in only.items():
            option = name.replace("_", "-")
            if self.options.get(option, values[0]).lower() not in values:
                raise InvalidInput(f"option {option}={self.options[option]} is not supported")

    def parts(self) -> Iterator[Part]:
        """The uploaded files and folders."""
        if self.body is None:
            raise InvalidInput("argument 'path' is required")
        return read_parts(self.body, self.content_type)

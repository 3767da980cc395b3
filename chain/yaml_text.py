"""YAML of strangers: plain values only, no aliases and no key twice, bounded in size and depth; and where in the text
each value stands, so that whoever wrote it can be told."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import yaml

from chain.errors import InvalidInput

MAX_BYTES = 64 * 1024
MAX_DEPTH = 24
MAX_DIGITS = 40  # of a number: longer ones cost more to read, and to tell of, than they are worth
_KEY_SHOWN = 60
_MERGE = "tag:yaml.org,2002:merge"
_NUMBERS = {"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}
_TURNING = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # the direction of writing (UAX 9)
_NO_TEXT = re.compile("[\0\ud800-\udfff]")  # no database, environment or JSON takes these
_NO_KEY = re.compile(f"[\0-\x1f\x7f-\x9f\u2028\u2029{_TURNING}\ud800-\udfff]")

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class YamlText:
    """A parsed text.

    Args:
        data: mappings, lists and plain values; None for an empty text.
        lines: path of each key or list entry → its line, from 1.
    """

    data: Any
    lines: dict[Path, int]

    def line_of(self, path: Sequence[str | int]) -> int:
        """The line of a value, or of the nearest thing around it that stands in the text; 0: of nothing."""
        for length in range(len(path), 0, -1):
            found = self.lines.get(tuple(path[:length]))
            if found is not None:
                return found
        return 0


def read_yaml(text: bytes | str, name: str, max_bytes: int = MAX_BYTES) -> YamlText:
    """Read one document.

    Args:
        text: at most `max_bytes` long.
        name: of its file, for messages.

    Raises:
        InvalidInput: too large, not YAML, or with what is not allowed; the message names the line.
    """
    if len(text) > max_bytes:
        raise InvalidInput(f"{name} is larger than {max_bytes // 1024} KiB.", "Shorten it.")
    lines: dict[Path, int] = {}
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return YamlText(None, lines)
            _note_lines(node, (), lines)
            return YamlText(loader.construct_document(node), lines)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        where = f" line {error.problem_mark.line + 1}" if error.problem_mark else ""
        what = error.problem or "it cannot be read"
        raise InvalidInput(f"{name}{where}: {what}.", "Correct it there.") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        what = re.sub(r"\s+", " ", str(error))[:300]
        raise InvalidInput(f"{name} is not valid YAML: {what}.", "Correct it.") from None


class _Loader(yaml.SafeLoader):
    """Refuses aliases, by which a few lines can stand for gigabytes, tags, which ask for more than plain values, and
    nesting without end."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = cast(Any, self).peek_event()
        mark = event.start_mark
        if getattr(event, "tag", None) is not None:
            raise yaml.MarkedYAMLError(None, None, "tags (!name) are not allowed", mark)
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(None, None, "aliases (*name) are not allowed", mark)
        if self.depth >= MAX_DEPTH:
            raise yaml.MarkedYAMLError(None, None, f"more than {MAX_DEPTH} levels deep", mark)
        self.depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


def _note_lines(node: yaml.Node, path: Path, lines: dict[Path, int]) -> None:
    """Where each key and entry stands; a key that stands twice in one mapping is refused, and so is what is no text."""
    if isinstance(node, yaml.ScalarNode):
        _check_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            lines[(*path, index)] = item.start_mark.line + 1
            _note_lines(item, (*path, index), lines)
    if not isinstance(node, yaml.MappingNode):
        return
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.tag == _MERGE:
            what = "a key has to be one plain word"
            raise yaml.MarkedYAMLError(None, None, what, key.start_mark)
        if _NO_KEY.search(key.value):
            raise yaml.MarkedYAMLError(None, None, _NOT_TEXT, key.start_mark)
        inner = (*path, str(key.value))
        if inner in lines:
            what = f"{key.value[:_KEY_SHOWN]!r} stands here for the second time"
            raise yaml.MarkedYAMLError(None, None, what, key.start_mark)
        lines[inner] = key.start_mark.line + 1
        _note_lines(value, inner, lines)


_NOT_TEXT = "there are characters that are not text"


def _check_scalar(node: yaml.ScalarNode) -> None:
    if _NO_TEXT.search(node.value):
        raise yaml.MarkedYAMLError(None, None, _NOT_TEXT, node.start_mark)
    if node.tag in _NUMBERS and len(node.value) > MAX_DIGITS:
        what = f"a number of more than {MAX_DIGITS} digits"
        raise yaml.MarkedYAMLError(None, None, what, node.start_mark)

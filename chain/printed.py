"""What programs print, packed: one record a line, made once by the agent and passed on as it is.

A record is 19 digits of Unix nanoseconds, a letter for its stream, the text, and a line feed. A text has no line feed
and at most `MAX_TEXT` characters; of a longer line, every record but the last has a capital letter, and so has one
that was cut off at the end without a line feed. What is packed can be counted, cut and joined without reading it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

Stream = Literal["stdout", "stderr", "notice"]
STAMP, HEAD = 19, 20  # characters before the letter, and before the text
MAX_TEXT = (
    16 * 1024 + 16
)  # the Docker Engine cuts at 16 KiB, and a character may be cut in the middle
MAX_BODY = 256 * 1024  # bytes of records in one message, of all its runs
LINE_OVERHEAD = 64  # bytes that a line counts against a limit beside its text
_COUNTED = LINE_OVERHEAD - HEAD - 1
_STREAMS: dict[str, Stream] = {
    "o": "stdout",
    "O": "stdout",
    "e": "stderr",
    "E": "stderr",
    "n": "notice",
    "N": "notice",
}
LETTERS: dict[Stream, str] = {"stdout": "o", "stderr": "e", "notice": "n"}
_RECORDS = re.compile(rf"(?>[0-9]{{19}}[oOeEnN][^\n]{{0,{MAX_TEXT}}}\n)*+")


class Printed(NamedTuple):
    """One line, or a piece of one.

    Args:
        goes_on: the next one of this stream belongs to the same line, or the program ended in the middle of it.
    """

    at_ms: int
    stream: Stream
    text: str
    goes_on: bool


def record(at_ns: int, stream: Stream, text: str, goes_on: bool = False) -> str:
    """Pack one; line feeds in it are replaced."""
    letter = LETTERS[stream].upper() if goes_on else LETTERS[stream]
    plain = text.replace("\n", " ")[:MAX_TEXT]
    return f"{at_ns:0{STAMP}d}{letter}{plain}\n"


def unpack(body: str) -> Iterator[Printed]:
    """The lines of what was packed."""
    for one in body.split("\n")[:-1]:
        letter = one[STAMP]
        yield Printed(int(one[:13]), _STREAMS[letter], one[HEAD:], letter.isupper())


def check(body: str) -> str:
    """The same, when it is packed as it should be.

    Raises:
        ValueError: it is not.
    """
    if not body or _RECORDS.fullmatch(body) is None:
        raise ValueError("these are no records of lines")
    return body


def weight(body: bytes, lines: int) -> int:
    """How much packed lines count against a limit."""
    return len(body) + lines * _COUNTED


def after(body: bytes, lines: int) -> bytes:
    """What follows so many records."""
    at = 0
    for _ in range(lines):
        at = body.index(b"\n", at) + 1
    return body[at:]


def within(body: bytes, room: int) -> tuple[bytes, int]:
    """As many whole records as weigh no more than that, and their number."""
    at = lines = 0
    while at < len(body):
        end = body.index(b"\n", at) + 1
        if weight(body[:0], lines + 1) + end > room:
            break
        at, lines = end, lines + 1
    return body[:at], lines

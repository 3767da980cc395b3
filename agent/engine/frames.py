"""The Docker Engine's stream of a container's output, made into packed records (`chain.printed`).

The Engine sends a frame for each line, or for each 16 KiB of a longer one, with its stream and its time, and each in
an HTTP chunk of its own. Everything here works on what one read of the socket gave, since a line at a time would cost
more than the Engine's own work. Pure.
"""

from __future__ import annotations

from datetime import datetime

from chain.errors import Unavailable
from chain.printed import MAX_TEXT

_HEADER, _STAMP = (
    8,
    30,
)  # bytes before a frame's body, and of a time like 2026-01-02T03:04:05.123456789Z
_LETTERS = {1: (b"o", b"O"), 2: (b"e", b"E")}
_NEEDS = {
    0b1100: 2,
    0b1101: 2,
    0b1110: 3,
    0b1111: 4,
}  # bytes of a character, by the first one's high half
_LONGEST_SIZE = 20  # digits of a chunk's size, with what may follow it
_LONGEST_FRAME = 1024**2


class Dechunker:
    """Takes HTTP/1.1's chunks apart."""

    def __init__(self) -> None:
        self._rest = b""
        self.ended = False

    def feed(self, data: bytes) -> bytes:
        """What the chunks hold that are whole.

        Raises:
            Unavailable: these are no chunks.
        """
        rest = self._rest + data if self._rest else data
        parts, at, have = [], 0, len(rest)
        while at < have and not self.ended:
            line = rest.find(b"\r\n", at, at + _LONGEST_SIZE)
            if line < 0:
                if have - at >= _LONGEST_SIZE:
                    raise Unavailable("The Docker Engine's answer cannot be read.")
                break
            try:
                size = int(rest[at:line], 16)
            except ValueError:
                raise Unavailable("The Docker Engine's answer cannot be read.") from None
            end = line + 2 + size
            if end + 2 > have:
                break
            parts.append(rest[line + 2 : end])
            self.ended = size == 0
            at = end + 2
        self._rest = rest[at:]
        return b"".join(parts)


class Frames:
    """Makes frames into records."""

    def __init__(self) -> None:
        self._rest = b""
        self._second = b""
        self._unix = b""
        self._last = b""
        self._cut: dict[
            int, bytes
        ] = {}  # stream -> the beginning of a character that a frame ended in

    def feed(self, data: bytes) -> list[bytes]:
        """The records of the frames that are whole.

        Raises:
            Unavailable: these are no frames with times.
        """
        rest = self._rest + data if self._rest else data
        found: list[bytes] = []
        at, have = 0, len(rest)
        while have - at >= _HEADER:
            body = at + _HEADER
            size = int.from_bytes(rest[at + 4 : body], "big")
            end = body + size
            if size > _LONGEST_FRAME:
                raise Unavailable("The Docker Engine's output cannot be read.")
            if end > have:
                break
            stream, text = rest[at], rest[body + _STAMP + 1 : end]
            stamp = self._stamp(rest[body : body + _STAMP])
            if text.endswith(b"\n") and text.isascii() and stream not in self._cut:
                text = text[:-2] if text.endswith(b"\r\n") else text[:-1]
                if b"\n" not in text and len(text) <= MAX_TEXT:
                    found.append(stamp + _LETTERS.get(stream, _LETTERS[1])[0] + text + b"\n")
                    at = end
                    continue
                text += b"\n"
            found += self._odd(stream, stamp, text)
            at = end
        self._rest = rest[at:]
        return found

    def end(self) -> list[bytes]:
        """The records of what is left when the output has ended: characters that were never finished."""
        left, self._cut = self._cut, {}
        return [
            self._last
            + _LETTERS.get(stream, _LETTERS[1])[1]
            + text.decode(errors="replace").encode()
            + b"\n"
            for stream, text in left.items()
        ]

    def _stamp(self, text: bytes) -> bytes:
        """An RFC 3339 time in UTC as 19 digits of Unix nanoseconds."""
        if not text[20:29].isdigit():
            raise Unavailable("The Docker Engine's output has no times.")
        if text[:19] != self._second:
            try:
                read = datetime.fromisoformat(text[:19].decode() + "+00:00")
            except ValueError:
                raise Unavailable("The Docker Engine's output has no times.") from None
            self._second, self._unix = text[:19], b"%010d" % int(read.timestamp())
        self._last = self._unix + text[20:29]
        return self._last

    def _odd(self, stream: int, stamp: bytes, text: bytes) -> list[bytes]:
        """What is not a plain line: cut off, too long, or not all ASCII."""
        whole, going_on = _LETTERS.get(stream, _LETTERS[1])
        text = self._cut.pop(stream, b"") + text
        goes_on = not text.endswith(b"\n")
        if goes_on:
            kept = _cut_off(text)
            if kept:
                self._cut[stream], text = text[-kept:], text[:-kept]
        else:
            text = text[:-1].removesuffix(b"\r")
        plain = text.decode(errors="replace").replace("\n", " ")
        pieces = [plain[i : i + MAX_TEXT] for i in range(0, len(plain), MAX_TEXT)] or [""]
        records = [stamp + going_on + piece.encode() + b"\n" for piece in pieces[:-1]]
        return [*records, stamp + (going_on if goes_on else whole) + pieces[-1].encode() + b"\n"]


def _cut_off(text: bytes) -> int:
    """How many bytes at the end are the beginning of a character of UTF-8."""
    for count in range(1, min(3, len(text)) + 1):
        lead = text[-count]
        if lead & 0xC0 == 0x80:
            continue
        needs = _NEEDS.get(lead >> 4, 1)  # a lead byte past 0xf4 is none, and is replaced later
        return count if needs > count else 0
    return 0

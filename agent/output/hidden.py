"""What must not be seen in a run's output is hidden before it is stored: the values of its secrets, and the common
ways to write them down. Pure.

Records come in and go out in the same number, order and stamps, since by those a reader goes on where it stopped. A
line that is not finished may end in the beginning of a secret: it is held back, with what follows it, until the rest
comes; never more than `HELD_MOST` bytes. It cannot hide what a program has changed itself, letter by letter, say.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from urllib.parse import quote, quote_plus

from chain.printed import HEAD, STAMP

HIDDEN = b"***"
SHORTEST = 6  # bytes; a shorter secret is a word that stands elsewhere too
HELD_MOST = 512 * 1024
MOST_LINES = 512  # of one secret that are hidden each: every form is looked for in every line
WRAPS = (48, 57)  # bytes a line of base64, as OpenSSL and everybody else breaks it
Span = tuple[int, int]


def forms_of(values: Iterable[bytes]) -> tuple[bytes, ...]:
    """All that is to be hidden: each value, each of its lines, and the whole as base64 (in one line or broken into
    several), hexadecimal, in a URL and in JSON."""
    found: set[bytes] = set()
    for value in values:
        for whole in {value, value.strip()}:
            if len(whole) >= SHORTEST:
                lines = whole.splitlines()[:MOST_LINES]
                found |= {whole, *(line.strip() for line in lines), *_written(whole)}
    plain = {one for one in found if len(one) >= SHORTEST and b"\n" not in one and _is_text(one)}
    return tuple(sorted(plain, key=len, reverse=True))


def _written(value: bytes) -> Iterator[bytes]:
    for before in range(3):  # base64 of something longer that has it inside
        end, start = (before + len(value)) * 8 // 6, (0, 2, 3)[before]
        padded = bytes(before) + value
        yield base64.b64encode(padded)[start:end]
        yield base64.urlsafe_b64encode(padded)[start:end]
    for size in WRAPS:
        pieces = range(0, min(len(value), size * MOST_LINES), size)
        yield from (base64.b64encode(value[at : at + size]) for at in pieces)
    yield from (value.hex().encode(), value.hex().upper().encode())
    yield from (quote(value, safe="").encode(), quote_plus(value).encode(), quote(value).encode())
    text = value.decode(errors="replace")
    yield from (json.dumps(text, ensure_ascii=ascii)[1:-1].encode() for ascii in (True, False))


def _is_text(value: bytes) -> bool:
    """Other bytes are never printed: the output is made text first."""
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


class Hider:
    """Hides in one reading of an output.

    Args:
        forms: of `forms_of`.
    """

    def __init__(self, forms: Sequence[bytes]) -> None:
        self._forms = forms
        self._held: list[bytes] = []

    def of(self, records: list[bytes]) -> list[bytes]:
        """The records that may be stored by now."""
        if not self._forms or not records:
            return records
        if not self._held and not self._concerns(records):
            return records
        return self._release(self._held + records, last=False)

    def end(self) -> list[bytes]:
        """The output has ended: what was held back."""
        return self._release(self._held, last=True) if self._held else []

    def _concerns(self, records: list[bytes]) -> bool:
        if any(_goes_on(record) for record in records):
            return True
        together = b"".join(records)
        return any(form in together for form in self._forms)

    def _release(self, records: list[bytes], last: bool) -> list[bytes]:
        self._held = []
        open_from = len(records)
        for line in _lines(records):
            text, ends = b"", list[Span]()
            for place in line:
                piece = records[place][HEAD:-1]
                ends.append((len(text), len(text) + len(piece)))
                text += piece
            spans = _spans(text, self._forms)
            if _goes_on(records[line[-1]]):
                begun = self._beginning(text, spans[-1][1] if spans else 0)
                if begun < len(text) and not last and len(text) - begun < HELD_MOST:
                    at = next(n for n, (_, end) in enumerate(ends) if begun < end)
                    open_from = min(open_from, line[at])
                elif len(text) - begun >= SHORTEST:
                    spans.append((begun, len(text)))
            if spans:
                for place, piece in zip(line, _joined_without(text, ends, spans), strict=True):
                    records[place] = records[place][:HEAD] + piece + b"\n"
        if sum(map(len, records[open_from:])) > HELD_MOST:
            return self._release(records, last=True)
        self._held = records[open_from:]
        return records[:open_from]

    def _beginning(self, text: bytes, after: int) -> int:
        """Where the beginning of something hidden starts, that the text ends in; its length for nowhere."""
        first = len(text)
        for form in self._forms:
            at = max(after, len(text) - len(form) + 1)
            while (at := text.find(form[:1], at)) >= 0 and at < first:
                if form.startswith(text[at:]):
                    first = at
                at += 1
        return first


def _goes_on(record: bytes) -> bool:
    return record[STAMP:HEAD].isupper()


def _lines(records: Sequence[bytes]) -> Iterator[list[int]]:
    """The places of the pieces of each line, which other streams' may stand between."""
    pieces: dict[bytes, list[int]] = {}
    for place, record in enumerate(records):
        stream = record[STAMP:HEAD].lower()
        pieces.setdefault(stream, []).append(place)
        if not _goes_on(record):
            yield pieces.pop(stream)
    yield from pieces.values()


def _spans(text: bytes, forms: Collection[bytes]) -> list[Span]:
    """Where they stand, in order and without overlap."""
    found: list[Span] = []
    for form in forms:
        at = text.find(form)
        while at >= 0:
            found.append((at, at + len(form)))
            at = text.find(form, at + 1)
    merged: list[Span] = []
    for start, end in sorted(found):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _joined_without(text: bytes, pieces: Sequence[Span], spans: Sequence[Span]) -> list[bytes]:
    """Each piece with the spans left out of it; where one begins, there is a mark."""
    done = []
    for start, end in pieces:
        kept, at = b"", start
        for hidden, over in spans:
            if over <= start or hidden >= end:
                continue
            kept += text[at : max(at, hidden)] + (HIDDEN if hidden >= start else b"")
            at = max(at, min(over, end))
        done.append(kept + text[at:end])
    return done

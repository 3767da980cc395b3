"""What a build prints, as server-sent events: from a position on, as it comes, until the build is over.

A build that is tried again prints anew. A position therefore names how much of a text was read and what that was, by
its CRC-32: read on where it still fits, from the beginning where it does not.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii

from chain.job import Address, Cid, JobId
from scheduler.api.context import Context
from scheduler.api.streams import KEEP_ALIVE_S, LOOK_S, OVER, event, glance, whole
from scheduler.decide.reconcile import Image, Refused
from scheduler.signals import wait_for

PIECE = 16 * 1024  # characters of one event
POSITION = r"^([0-9]{1,8}-[0-9a-f]{8})?$"


@dataclass(frozen=True, slots=True)
class Read:
    """How much of a build's log was read: characters, and the CRC-32 of them in UTF-8."""

    size: int = 0
    crc: int = 0

    def __str__(self) -> str:
        return f"{self.size}-{self.crc:08x}"

    def fits(self, text: str) -> bool:
        """Whether the text begins with what was read."""
        return len(text) >= self.size and zlib.crc32(text[: self.size].encode()) == self.crc

    def on(self, piece: str) -> Read:
        """After one more piece."""
        return Read(self.size + len(piece), zlib.crc32(piece.encode(), self.crc))


def parse_read(text: str) -> Read:
    """A position that has the form of `POSITION`; "" is the beginning."""
    size, _, crc = text.partition("-")
    return Read(int(size), int(crc, 16)) if size else Read()


def next_piece(text: str, read: Read, over: bool) -> str:
    """What comes next: whole lines as long as the build goes on, and not too much at once."""
    end = min(len(text), read.size + PIECE)
    if end < len(text) or not over:
        end = text.rfind("\n", read.size, end) + 1 or (
            end if end - read.size >= PIECE else read.size
        )
    return text[read.size : end]


async def build_lines(
    context: Context, job_id: JobId, build: tuple[Cid, Address], read: Read, until: int | None
) -> AsyncIterator[str]:
    """Events `build` with a text of one or more lines, `again` before a log that begins anew, `end` after the last.

    Args:
        build: the bundle, and the consumer whose job it is of.
        until: Unix seconds at which the reader's session ends; None when everybody may read.
    """
    quiet, (cid, consumer) = 0.0, build
    with context.signals.listen(f"builds/{cid}") as hint:
        while True:
            if until is not None and context.access.now() > until:
                yield event("expired", "{}")
                return
            hint.clear()
            over = await whole(_is_over(context, job_id, cid))
            text = await context.builder.log_of(cid, consumer)
            if not read.fits(text):
                read = Read()
                yield event("again", "{}", str(read))
            while piece := next_piece(text, read, over):
                read, quiet = read.on(piece), 0.0
                told = f'{{"text": {encode_basestring_ascii(piece)}}}'
                yield event("build", told, str(read))
            if over:
                yield event("end", "{}")
                return
            await wait_for(hint, LOOK_S)
            if (quiet := quiet + LOOK_S) >= KEEP_ALIVE_S:
                quiet = 0.0
                yield ": keep-alive\n\n"


async def _is_over(context: Context, job_id: JobId, cid: Cid) -> bool:
    """Whether nothing more will be built for this job: there is an image, a refusal, or the job is over."""
    standing, _ = await context.builder.look(cid)
    if isinstance(standing, Image | Refused):
        return True
    seen = await glance(context, job_id)
    return seen is not None and seen.state in OVER

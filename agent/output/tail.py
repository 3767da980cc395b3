"""A run's lines as server-sent events, pushed as they come. However many read, the Engine is read once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable

from agent.output.spool import Spool, unpacked

KEEP_ALIVE_S = 10.0
AT_ONCE = 64 * 1024


async def tail(spool: Spool, after: int, over: Callable[[], bool]) -> AsyncIterator[str]:
    """Events `log` (its id is the line's number, to go on after it), and `end` when the output is over.

    Args:
        after: the last line that the reader has; -1: none.
        over: whether the program has ended and its output is read to the end.
    """
    news = asyncio.Event()
    spool.waiting.add(news)
    try:
        while True:
            news.clear()
            ended = over()
            body, count = spool.packed(after, AT_ONCE)
            if count:
                lines = unpacked(body, after + 1)
                yield "".join(
                    f"event: log\nid: {line.seq}\ndata: {json.dumps(line.model_dump())}\n\n"
                    for line in lines
                )
                after += count
                continue
            if ended:
                break
            try:
                await asyncio.wait_for(news.wait(), KEEP_ALIVE_S)
            except TimeoutError:
                yield ": keep-alive\n\n"
        yield "event: end\ndata: {}\n\n"
    finally:
        spool.waiting.discard(news)

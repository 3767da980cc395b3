"""The loops of a process: started together, begun again should one fail, stopped together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack

import structlog

log = structlog.get_logger()
AGAIN_S = 1.0


Loop = Callable[[], Awaitable[None]]


async def run_loops(stack: AsyncExitStack, loops: Iterable[Loop]) -> None:
    """Run them until the stack is closed."""
    tasks = [asyncio.create_task(_forever(loop)) for loop in loops]

    async def stop() -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    stack.push_async_callback(stop)


async def _forever(loop: Loop) -> None:
    """A loop that ends has met a fault of ours: told, and begun again, since the others need it."""
    while True:
        task = asyncio.ensure_future(loop())
        try:
            await asyncio.wait([task])
        finally:
            task.cancel()
            await asyncio.wait([task])
        error = None if task.cancelled() else task.exception()
        log.error("loop.failed", loop=str(loop), exc_info=error)
        await asyncio.sleep(AGAIN_S)

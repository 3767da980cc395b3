"""The agent's WebSockets to a scheduler: outbound, with its token, and made again after a pause."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine

from websockets.asyncio.client import connect

OPEN_S = 10.0  # for the connection, and for the first answer on it
PING_S = 10.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.3, 5.0
DICE = random.SystemRandom()


def outbound(url: str, name: str, token: str, max_size: int) -> connect:
    """A WebSocket of the scheduler's for agents.

    Args:
        name: `link` or `tunnel`.
        max_size: bytes of a message.
    """
    return connect(
        f"ws{url.removeprefix('http')}/v1/agents/{name}",
        additional_headers={"Authorization": f"Bearer {token}"},
        max_size=max_size,
        compression=None,
        open_timeout=OPEN_S,
        ping_interval=PING_S,
        ping_timeout=PING_S,
        proxy=None,
    )


def pause_s(failures: int, schedulers: int, least: float, chance: float) -> float:
    """Seconds before the next try: short until each scheduler was tried once, then twice as long each round.

    Args:
        failures: in a row.
        least: what the scheduler asked for.
        chance: from 0 to 1, so that agents that were lost together do not come back together.
    """
    rounds = (failures - 1) // schedulers
    pause: float = min(FIRST_PAUSE_S * 2.0 ** min(rounds, 10), LONGEST_PAUSE_S)
    return max(least, pause) * (0.5 + chance)


async def first_of(*loops: Coroutine[None, None, None]) -> None:
    """Run them until one ends, and end as it did."""
    tasks = [asyncio.create_task(loop) for loop in loops]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

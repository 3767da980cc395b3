"""A loop that stands still is seen from beside it, with what holds it."""

from __future__ import annotations

import asyncio
import time

from structlog.testing import capture_logs

from chain.loop_watch import LoopWatch


def hold_the_loop(seconds: float) -> None:
    time.sleep(seconds)


async def test_a_blocked_loop_is_told_once_with_its_stack() -> None:
    watch = LoopWatch()
    with capture_logs() as logged:
        watch.start()
        await asyncio.sleep(0.6)
        assert watch.blocked == 0
        hold_the_loop(2.5)
        await asyncio.sleep(0.6)
    await watch.stop()
    (line,) = [line for line in logged if line["event"] == "loop.blocked"]
    assert "hold_the_loop" in line["stack"]
    assert watch.blocked == 1
    assert watch.lag_s > 1.5

"""The agent's own stream of a run's lines: from any line on, pushed as they come, to its end."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from agent.output.spool import Spool
from agent.output.tail import tail
from chain.printed import record


def told(events: str) -> list[int]:
    return [json.loads(row[6:])["seq"] for row in events.split("\n") if row.startswith('data: {"s')]


async def test_lines_are_pushed_as_they_come_until_the_program_has_ended(tmp_path: Path) -> None:
    spool, ended = Spool(tmp_path / "log"), asyncio.Event()
    spool.add([record(1, "stdout", "a\rb").encode()] * 3)
    readers = [tail(spool, after, ended.is_set) for after in (-1, 1)]
    assert [told(await anext(reader)) for reader in readers] == [[0, 1, 2], [2]]
    waiting = [asyncio.ensure_future(anext(reader)) for reader in readers]
    await asyncio.sleep(0)
    spool.add([record(2, "stdout", "more").encode()])
    spool.wake()
    assert [told(await one) for one in waiting] == [[3], [3]]
    waiting = [asyncio.ensure_future(anext(reader)) for reader in readers]
    await asyncio.sleep(0)
    ended.set()
    spool.wake()
    assert [await one for one in waiting] == ["event: end\ndata: {}\n\n"] * 2
    for reader in readers:
        assert [part async for part in reader] == []
    assert not spool.waiting
    spool.close()

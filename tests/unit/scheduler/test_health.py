"""What is needed, what is not, and since when."""

from __future__ import annotations

import asyncio

from structlog.testing import capture_logs

from chain.errors import Unavailable
from scheduler.telemetry.health import Health, Probe


class Part:
    """A dependency that can be taken away."""

    def __init__(self) -> None:
        self.fault = ""
        self.asked = 0

    async def ask(self) -> None:
        self.asked += 1
        if self.fault:
            raise Unavailable(self.fault, "Look at it.")


async def test_nothing_counts_as_there_before_it_was_looked_at() -> None:
    health = Health({"chain": Probe(Part().ask)})
    assert not health.ready
    assert health.degraded() == {"chain": "it was not looked at yet"}


async def test_what_is_needed_makes_it_unready_and_the_rest_is_only_named() -> None:
    chain, engine = Part(), Part()
    health = Health({"chain": Probe(chain.ask), "engine": Probe(engine.ask, needed=False)})
    engine.fault = "it is away"
    await health.look()
    assert health.ready
    assert health.degraded() == {"engine": "it is away"}
    chain.fault = "silence"
    await health.look()
    assert not health.ready
    assert set(health.degraded()) == {"chain", "engine"}


async def test_it_tells_once_when_something_goes_and_once_when_it_comes_back() -> None:
    part = Part()
    health = Health({"chain": Probe(part.ask)})
    with capture_logs() as logged:
        for fault in ("", "gone", "gone", "gone for long", "", ""):
            part.fault = fault
            await health.look()
    assert [line["event"] for line in logged] == ["health.found", "health.lost", "health.found"]
    assert health.ready


async def test_since_stays_while_the_reason_changes() -> None:
    part = Part()
    part.fault = "one reason"
    health = Health({"chain": Probe(part.ask)})
    await health.look()
    first = health.findings()["chain"]
    part.fault = "another"
    await health.look()
    second = health.findings()["chain"]
    assert (second.since, second.why) == (first.since, "another")


async def test_who_does_not_answer_holds_up_nobody_else() -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    part = Part()
    health = Health({"silent": Probe(never), "chain": Probe(part.ask)}, deadline_s=0.01)
    async with asyncio.timeout(10):
        await health.look()
    assert health.degraded() == {"silent": "no answer within 0.01 s"}


async def test_what_was_found_just_now_is_not_asked_again() -> None:
    part = Part()
    health = Health({"chain": Probe(part.ask)})
    await health.look()
    await asyncio.gather(*(health.look(60) for _ in range(20)))
    assert part.asked == 1

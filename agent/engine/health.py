"""Whether a running program is well. A `test` is the Docker Engine's to run, inside the container and within its
limits, and goes on while the agent is down; an `http` path is asked here, from outside. Both are judged alike.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import httpx

from chain.manifest import HealthSpec
from chain.measures import seconds
from chain.wire import Health

_NS = 1_000_000_000
_WHY_MOST = 300


@dataclass(frozen=True, slots=True)
class Checks:
    """What the checks of one start have shown.

    Args:
        failed: in a row.
        why: what the last one said; "" when it passed.
    """

    health: Health = "starting"
    failed: int = 0
    why: str = ""


def after_check(before: Checks, fault: str, spec: HealthSpec, ran_s: float) -> Checks:
    """What is known after one more check.

    Args:
        fault: why it failed; "" when it passed.
        ran_s: seconds since the program's start.
    """
    if not fault:
        return Checks("healthy")
    if before.health == "starting" and ran_s < seconds(spec.start_period):
        return replace(before, why=fault)
    failed = before.failed + 1
    return Checks("unhealthy" if failed >= spec.retries else before.health, failed, fault)


def engine_check(spec: HealthSpec | None) -> dict[str, Any]:
    """The Engine's `Healthcheck`; what an image brings of its own is never run."""
    if spec is None or spec.test is None:
        return {"Test": ["NONE"]}
    return {
        "Test": ["CMD", *spec.test],
        "Interval": seconds(spec.interval) * _NS,
        "Timeout": seconds(spec.timeout) * _NS,
        "Retries": spec.retries,
        "StartPeriod": seconds(spec.start_period) * _NS,
    }


async def ask(url: str, within_s: float) -> str:
    """GET a page, of which nothing but its status is read; why it is no good, "" when it is."""
    try:
        async with (
            asyncio.timeout(within_s),
            httpx.AsyncClient(trust_env=False, timeout=within_s) as client,
            client.stream("GET", url) as answer,
        ):
            good = 200 <= answer.status_code < 400
            return "" if good else f"it answered {answer.status_code}"
    except TimeoutError:
        return f"no answer within {within_s:g} s"
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        return f"no answer: {type(error).__name__}"


class Prober:
    """Asks one program's first port at its interval.

    Args:
        port: of the container.
        changed: called in the event loop when the health has changed.
    """

    def __init__(
        self, spec: HealthSpec, port: int, changed: Callable[[], None] = lambda: None
    ) -> None:
        self._spec = spec
        self._port = port
        self._changed = changed
        self._start = ("", 0)
        self._task: asyncio.Task[None] | None = None
        self.checks = Checks()

    def watch(self, address: str, started_ms: int) -> None:
        """See to it that the start of that moment is asked; begins anew for another start.

        Args:
            address: the container's, in the network that it shares with this machine.
        """
        if not address or self._start == (address, started_ms):
            return
        self.stop()
        self._start, self.checks = (address, started_ms), Checks()
        self._task = asyncio.create_task(self._ask_on(address))

    async def _ask_on(self, address: str) -> None:
        spec, began = self._spec, time.monotonic()
        url = f"http://{address}:{self._port}{spec.http}"
        while True:
            fault = (await ask(url, seconds(spec.timeout)))[:_WHY_MOST]
            before = self.checks
            self.checks = after_check(before, fault, spec, time.monotonic() - began)
            if self.checks.health != before.health:
                self._changed()
            await asyncio.sleep(self._pause_s())

    def _pause_s(self) -> float:
        """While it comes up it is asked each second: nobody is led to it before it answers."""
        every = seconds(self._spec.interval)
        return min(1, every) if self.checks.health == "starting" else every

    def stop(self) -> None:
        """Ask no more of this start."""
        if self._task is not None:
            self._task.cancel()

    async def close(self) -> None:
        """Ask no more."""
        self.stop()
        if self._task is not None:
            with suppress(asyncio.CancelledError):
                await self._task

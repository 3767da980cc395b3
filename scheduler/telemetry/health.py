"""What this copy needs, and whether it has it: looked at every few seconds, told as it is.

Silence of one of these ends nothing: it is named here, on every deployment, and tried again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

import structlog

from chain.errors import DraasError, Unavailable

log = structlog.get_logger()
DEADLINE_S = 2.0  # for one dependency's answer
LOOK_S = 2.0

Ask = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Probe:
    """How to ask one dependency.

    Args:
        ask: returns when all is well, and raises a DraasError that says why not.
        needed: whether this copy cannot work at all without it.
    """

    ask: Ask
    needed: bool = True


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one dependency. `since` is in Unix seconds: when it became so."""

    ok: bool
    needed: bool
    why: str
    since: int


class Health:
    """The dependencies of this process."""

    def __init__(self, probes: Mapping[str, Probe], deadline_s: float = DEADLINE_S) -> None:
        now = int(time.time())
        self._probes = dict(probes)
        self._deadline_s = deadline_s
        self._found = {
            name: Finding(False, probe.needed, "it was not looked at yet", now)
            for name, probe in probes.items()
        }
        self._looked = float("-inf")
        self._turn = asyncio.Lock()

    @property
    def ready(self) -> bool:
        """Whether everything needed is there."""
        return all(one.ok for one in self._found.values() if one.needed)

    def findings(self) -> dict[str, Finding]:
        """All of it, as last looked at."""
        return dict(self._found)

    def degraded(self) -> dict[str, str]:
        """What does not answer as it should, by name, and why."""
        return {name: one.why for name, one in self._found.items() if not one.ok}

    async def look(self, max_age_s: float = 0.0) -> None:
        """Ask all of them at once, unless that was done within `max_age_s`; takes as long as the deadline at most."""
        async with self._turn:
            if time.monotonic() - self._looked <= max_age_s:
                return
            names = list(self._probes)
            asked = (_ask(self._probes[name].ask, self._deadline_s) for name in names)
            whys = await asyncio.gather(*asked)
            for name, why in zip(names, whys, strict=True):
                self._note(name, why)
            self._looked = time.monotonic()

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_S)

    def _note(self, name: str, why: str) -> None:
        before = self._found[name]
        if before.ok == (not why):
            self._found[name] = replace(before, why=why)
            return
        self._found[name] = replace(before, ok=not why, why=why, since=int(time.time()))
        if why:
            log.warning("health.lost", part=name, why=why, needed=before.needed)
        else:
            log.info("health.found", part=name)


async def _ask(ask: Ask, deadline_s: float) -> str:
    """Why it is not well; "" when it is."""
    try:
        async with asyncio.timeout(deadline_s):
            await ask()
    except TimeoutError:
        return f"no answer within {deadline_s:g} s"
    except DraasError as error:
        return error.message
    return ""


def require(good: bool, why: str) -> None:
    """Raises Unavailable with this reason unless it is good."""
    if not good:
        raise Unavailable(why)

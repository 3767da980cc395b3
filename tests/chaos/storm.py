"""Carries a plan out: each strike at its moment, and put right after its time."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections import Counter

from chain.connect import connect
from chain.rpc import request
from tests.chaos.market import Market
from tests.chaos.plan import Plan, Strike
from tests.chaos.proxy import Mood


class Storm:
    """The seeded hand."""

    def __init__(self, market: Market, plan: Plan) -> None:
        self._market = market
        self._plan = plan
        self._began = 0.0
        self.kills: Counter[str] = Counter()
        self.reorgs = 0

    def now(self) -> float:
        """Seconds since the storm began; -1 before."""
        return time.monotonic() - self._began if self._began else -1.0

    async def blow(self) -> None:
        """From begin to end; afterwards everything runs again."""
        self._began = time.monotonic()
        strikes = [asyncio.create_task(self._strike(one)) for one in self._plan.strikes]
        await asyncio.gather(*strikes)
        await asyncio.sleep(max(0.0, self._plan.lasts_s - self.now()))

    async def _strike(self, strike: Strike) -> None:
        await asyncio.sleep(max(0.0, strike.at_s - self.now()))
        match strike.kind:
            case "kill":
                await self._kill(strike)
            case "freeze":
                await self._freeze(strike)
            case "reorg":
                await self._reorganise(strike.depth)
            case "cut":
                self._market.proxies[strike.target].cut()
            case "refuse" | "stall":
                await self._trouble(strike, strike.kind)
        if strike.counts_as:
            self.kills[strike.counts_as] += 1
        sys.stderr.write(f"· {self.now():6.1f} s  done: {strike}\n")

    async def _kill(self, strike: Strike) -> None:
        process = self._market.processes[strike.target]
        process.kill()
        await asyncio.sleep(strike.for_s)
        process.allow()

    async def _freeze(self, strike: Strike) -> None:
        process = self._market.processes[strike.target]
        process.send(signal.SIGSTOP)
        await asyncio.sleep(strike.for_s)
        process.send(signal.SIGCONT)

    async def _trouble(self, strike: Strike, mood: Mood) -> None:
        proxy = self._market.proxies[strike.target]
        proxy.set_mood(mood)
        await asyncio.sleep(strike.for_s)
        proxy.set_mood("open")

    async def _reorganise(self, depth: int) -> None:
        """The last blocks give way to empty ones; the chain's clock goes on as it did."""
        w3 = connect(self._market.chain.rpc_url)
        try:
            await request(w3, "anvil_reorg", depth, [])
            await request(w3, "evm_setTime", int(time.time()))
        finally:
            await w3.provider.disconnect()
        self.reorgs += 1

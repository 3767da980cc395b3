"""A market in which something happens in every block, by accounts that the node holds: a chain to reorganise."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from eth_account.signers.local import LocalAccount

from chain.calls import Call
from chain.job import Address, JobTerms, Usage
from chain.messages import Assignment, sign_assignment
from chain.rpc import request
from tests.fixtures_chain import IMAGE, RATES, UNITS, ChainMarket

WORDS = ["post"] * 3 + ["claim"] * 5 + ["report"] * 4 + ["complete"] * 2
WORDS += ["cancel", "top_up", "set_rates", "leave", "come_back", "come_back"]
DEPOSIT = 10**15


@dataclass
class Busy:
    """Acts at random, and remembers what it sent."""

    market: ChainMarket
    dice: random.Random
    posted: list[JobTerms] = field(default_factory=list)
    sent: list[dict[str, str]] = field(default_factory=list)  # one a block, the newest last

    async def begin(self) -> None:
        """Who acts has what it needs, in blocks that stay."""
        await self.market.with_provider()
        await self.market.give(self.market.provider, 10**22)
        await self.market.give(self.market.consumer, 10**18)
        await request(self.market.w3, "anvil_mine", hex(70))

    async def act(self, times: int) -> None:
        """So many blocks with one transaction each. Some fail; that is told by no event."""
        for _ in range(times):
            who, call = self._choose()
            await self._send(who, call)
            if self.dice.random() < 0.2:
                await request(self.market.w3, "evm_increaseTime", 2)

    async def reorganise(self, depth: int, how: str) -> None:
        """The last blocks are replaced, by blocks with all, some or none of their transactions, in order or not."""
        again = self.sent[-depth:]
        del self.sent[-depth:]
        if how == "dropped":
            again = []
        elif how == "some":
            again = [one for one in again if self.dice.random() < 0.6]
        elif how == "shuffled":
            self.dice.shuffle(again)
        pairs = [[transaction, place] for place, transaction in enumerate(again)]
        await request(self.market.w3, "anvil_reorg", depth, pairs)
        self.sent += [*again, *([{}] * (depth - len(again)))]

    def _choose(self) -> tuple[LocalAccount, Call]:  # noqa: PLR0911 - one case a word
        market, escrow = self.market, self.market.escrow
        terms = self.dice.choice(self.posted[-4:]) if self.posted else market.terms()
        job_id = escrow.job_id(terms)
        match self.dice.choice(WORDS) if self.posted else "post":
            case "post":
                self.posted.append(market.terms(salt=1000 + len(self.posted)))
                return market.consumer, escrow.post_job(self.posted[-1], DEPOSIT)
            case "claim":
                provider = Address(market.provider.address)
                assignment = Assignment(job_id, 1, provider, IMAGE, 2**33)
                signature = sign_assignment(market.scheduler, market.domain, assignment)
                return market.provider, escrow.claim_job(terms, assignment, signature)
            case "report":
                usage = Usage(wall_s=self.dice.randrange(1, 5))
                return market.provider, escrow.report_usage([(job_id, 1, usage)])
            case "complete":
                usage = Usage(wall_s=9)
                return market.provider, escrow.complete_job(job_id, 1, usage, 0, "")
            case "cancel":
                return market.consumer, escrow.cancel_job(terms)
            case "top_up":
                return market.consumer, escrow.top_up(job_id, self.dice.randrange(1, 99))
            case "set_rates":
                return market.provider, escrow.set_rates(RATES)
            case "leave":
                return market.provider, escrow.start_unbond()
            case _:
                return market.provider, escrow.register(UNITS, RATES)

    async def _send(self, who: LocalAccount, call: Call) -> None:
        sent: dict[str, Any] = {"from": who.address, "to": call.to, "data": "0x" + call.data.hex()}
        sent["gas"] = hex(900_000)
        before = await request(self.market.w3, "eth_blockNumber")
        await request(self.market.w3, "eth_sendTransaction", sent)
        while await request(self.market.w3, "eth_blockNumber") == before:
            pass  # the node takes a transaction before it has mined it
        self.sent.append(sent)

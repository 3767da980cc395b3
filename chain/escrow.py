"""The escrow contract: typed reads at a block, and writes as unsigned calls (`EscrowCalls`).

Reads raise `Unavailable` when the node does not answer.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from eth_utils.crypto import keccak
from web3 import AsyncWeb3

from chain.contracts import AddressBook
from chain.escrow_calls import EscrowCalls
from chain.interface import CODEC, Abi, camel, from_abi
from chain.job import (
    Address,
    DisputeRecord,
    Job,
    JobId,
    JobState,
    Parameters,
    Provider,
    Rates,
    Resources,
    Run,
)
from chain.rpc import Block, block_parameter, call, request


class Escrow(EscrowCalls):
    """One deployed escrow."""

    def __init__(
        self, w3: AsyncWeb3[Any], address: Address, abi: Abi, chain_id: int | None = None
    ) -> None:
        super().__init__(address, abi, chain_id)
        self.w3 = w3
        self._parameters: Parameters | None = None

    @classmethod
    def of(cls, w3: AsyncWeb3[Any], book: AddressBook) -> Escrow:
        """The escrow that an address book names."""
        return cls(w3, book.escrow, book.escrow_abi, book.chain_id)

    async def prepare(self) -> Escrow:
        """Learn the chain's id, which `job_id` needs, where it was not given."""
        if self._chain_id is None:
            self._chain_id = int(await request(self.w3, "eth_chainId"), 16)
        return self

    async def meta_evidence(self, block: int) -> str:
        """The path on IPFS of what disputes are about (ERC-1497), told in the block that the escrow was made in."""
        topic = "0x" + keccak(text="MetaEvidence(uint256,string)").hex()
        where = {"address": self.address, "topics": [topic]}
        span = dict.fromkeys(("fromBlock", "toBlock"), block_parameter(block))
        for log in await request(self.w3, "eth_getLogs", where | span):
            (path,) = CODEC.decode(["string"], bytes.fromhex(log["data"].removeprefix("0x")))
            return str(path)
        return ""

    async def job(self, job_id: JobId, block: Block = "latest") -> Job:
        """The stored facts; an id never posted gives state ABSENT."""
        (found,) = await self._read("jobs", block, job_id)
        deposit, cpu, memory, egress, *rest = found
        deadline, duration, rate_card, attempt, state, settled = rest
        return Job(
            deposit=deposit,
            resources=Resources(cpu, memory, egress),
            deadline=deadline,
            duration=duration,
            rate_card=rate_card,
            attempt=attempt,
            state=JobState(state),
            settled=settled,
        )

    async def state(self, job_id: JobId, block: Block = "latest") -> JobState:
        """The state at the block's time."""
        (found,) = await self._read("stateOf", block, job_id)
        return JobState(found)

    async def run(
        self, job_id: JobId, attempt: int, provider: Address, block: Block = "latest"
    ) -> Run:
        """One attempt of this provider's; state ABSENT when it never claimed that."""
        (found,) = await self._read("runs", block, job_id, attempt, provider)
        run: Run = from_abi(Run, found)
        return run

    async def provider(self, address: Address, block: Block = "latest") -> Provider:
        """A provider's stake; rate card 0 when it never registered."""
        (found,) = await self._read("providers", block, address)
        provider: Provider = from_abi(Provider, found)
        return provider

    async def rates(self, provider: Address, rate_card: int, block: Block = "latest") -> Rates:
        """One of a provider's rate cards."""
        (found,) = await self._read("ratesOf", block, provider, rate_card)
        rates: Rates = from_abi(Rates, found)
        return rates

    async def earned(
        self, job_id: JobId, attempt: int, provider: Address, block: Block = "latest"
    ) -> tuple[int, int]:
        """What reports have released to the attempt's provider, and the part of it that is final."""
        earned, final = await self._read("earnedOf", block, job_id, attempt, provider)
        return earned, final

    async def withdrawable(
        self, job_id: JobId, attempt: int, provider: Address, block: Block = "latest"
    ) -> int:
        """What `withdraw` would move for this run now."""
        return await self._number("withdrawableOf", block, job_id, attempt, provider)

    async def refundable(self, job_id: JobId, provider: Address, block: Block = "latest") -> int:
        """What `refund` would pay now; 0 while it cannot.

        Args:
            job_id: the job.
            provider: who ran the last attempt; of no account once that is settled.
            block: to read at.
        """
        return await self._number("refundableOf", block, job_id, provider)

    async def credit(self, account: Address, block: Block = "latest") -> int:
        """What `withdraw` pays besides: released earnings, rulings and returned bonds."""
        return await self._number("creditOf", block, account)

    async def burned(self) -> int:
        """Base units of slashed bonds that are nobody's any more."""
        return await self._number("burned", "latest")

    async def parameters(self) -> Parameters:
        """What the deployment fixed for good."""
        if self._parameters is None:
            names = [camel(field.name) for field in fields(Parameters)]
            self._parameters = Parameters(*[await self._number(name, "latest") for name in names])
        return self._parameters

    async def dispute_record(self, dispute_id: int, block: Block = "latest") -> DisputeRecord:
        """One dispute, by the arbitrator's number."""
        (found,) = await self._read("disputes", block, dispute_id)
        record: DisputeRecord = from_abi(DisputeRecord, found)
        return record

    async def dispute_fee(self) -> int:
        """The wei that `dispute` has to bring for the arbitrator."""
        return await self._number("disputeFee", "latest")

    async def arbitrator(self) -> Address:
        """Who rules disputes (ERC-792)."""
        (found,) = await self._read("arbitrator", "latest")
        return Address(from_abi(Address, found))

    async def token(self) -> Address:
        """The token that everything is paid in."""
        (found,) = await self._read("token", "latest")
        return Address(from_abi(Address, found))

    async def _number(self, name: str, block: Block, *values: object) -> int:
        (found,) = await self._read(name, block, *values)
        return int(found)

    async def _read(self, name: str, block: Block, *values: object) -> tuple[Any, ...]:
        answer = await call(self.w3, self._call(name, *values), block)
        return self.interface.decode_result(name, answer)

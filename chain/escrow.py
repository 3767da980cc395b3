"""The escrow contract: typed reads at a block, and writes as unsigned calls.

What each function does and who may call it stands in `contracts/interfaces/IDRaaSEscrow.sol`. Reads raise
`Unavailable` when the node does not answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eth_utils.crypto import keccak
from web3 import AsyncWeb3

from chain.calls import Call
from chain.contracts import AddressBook
from chain.interface import CODEC, Abi, Interface, from_abi, to_abi, types_of
from chain.job import (
    Address,
    Job,
    JobId,
    JobState,
    JobTerms,
    Parameters,
    Provider,
    Rates,
    Resources,
    Run,
    Usage,
)
from chain.messages import Assignment
from chain.rpc import Block, call, request
from chain.token import Permit

_ID_PREFIX = ({"type": "uint256"}, {"type": "address"})
RunRef = tuple[JobId, int]  # a job and the number of one of its attempts
Report = tuple[JobId, int, Usage]


class Escrow:
    """One deployed escrow."""

    def __init__(
        self, w3: AsyncWeb3[Any], address: Address, abi: Abi, chain_id: int | None = None
    ) -> None:
        self.w3 = w3
        self.address = address
        self.interface = Interface(abi)
        self._chain_id = chain_id
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

    def job_id(self, terms: JobTerms) -> JobId:
        """The id that the contract gives these terms: computed here, no node is asked.

        Raises:
            RuntimeError: the chain's id is not known; see `prepare`.
        """
        if self._chain_id is None:
            raise RuntimeError("await prepare() first, or give the chain id")
        parameter = self.interface.functions["jobIdOf"].inputs[0]
        types = types_of((*_ID_PREFIX, parameter))
        values = (self._chain_id, self.address, to_abi(terms, parameter))
        return JobId("0x" + keccak(CODEC.encode(types, values)).hex())

    # ---- reads ------------------------------------------------------------------------------

    async def job(self, job_id: JobId, block: Block = "latest") -> Job:
        """The stored facts; an id never posted gives state ABSENT."""
        (found,) = await self._read("jobs", block, job_id)
        deposit, cpu, memory, egress, deadline, duration, attempt, state = found
        resources = Resources(cpu, memory, egress)
        return Job(deposit, resources, deadline, duration, attempt, JobState(state))

    async def state(self, job_id: JobId, block: Block = "latest") -> JobState:
        """The state at the block's time."""
        (found,) = await self._read("stateOf", block, job_id)
        return JobState(found)

    async def run(self, job_id: JobId, attempt: int, block: Block = "latest") -> Run:
        """One attempt; its provider is the zero address when nobody claimed it."""
        (found,) = await self._read("runs", block, job_id, attempt)
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

    async def earned(self, job_id: JobId, attempt: int, block: Block = "latest") -> tuple[int, int]:
        """What reports have released to the attempt's provider, and the part of it that is final."""
        earned, final = await self._read("earnedOf", block, job_id, attempt)
        return earned, final

    async def withdrawable(self, job_id: JobId, attempt: int, block: Block = "latest") -> int:
        """What `withdraw` would move now."""
        return await self._number("withdrawableOf", block, job_id, attempt)

    async def refundable(self, job_id: JobId, block: Block = "latest") -> int:
        """What `refund` would pay now; 0 while it cannot."""
        return await self._number("refundableOf", block, job_id)

    async def credit(self, account: Address, block: Block = "latest") -> int:
        """What rulings and returned bonds have credited."""
        return await self._number("creditOf", block, account)

    async def parameters(self) -> Parameters:
        """What the deployment fixed for good."""
        if self._parameters is None:
            names = ("window", "lapseAfter", "settleGrace", "minBond", "disputeBond")
            values = [await self._number(name, "latest") for name in names]
            times = [await self._number(name, "latest") for name in ("rulingTime", "unbondTime")]
            self._parameters = Parameters(*values, *times)
        return self._parameters

    async def arbiter(self) -> Address:
        """Who rules disputes."""
        (found,) = await self._read("arbiter", "latest")
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

    # ---- the consumer's calls ---------------------------------------------------------------

    def post_job(self, terms: JobTerms, deposit: int) -> Call:
        """Needs an allowance of `deposit`."""
        return self._call("postJob", terms, deposit)

    def post_job_with_permit(self, terms: JobTerms, deposit: int, permit: Permit) -> Call:
        """Brings its allowance along."""
        signature = (permit.v, permit.r, permit.s)
        return self._call("postJobWithPermit", terms, deposit, permit.deadline, *signature)

    def top_up(self, job_id: JobId, amount: int) -> Call:
        """Needs an allowance of `amount`."""
        return self._call("topUp", job_id, amount)

    def cancel_job(self, terms: JobTerms) -> Call:
        """Open: all back at once. Running: ends now."""
        return self._call("cancelJob", terms)

    def refund(self, terms: JobTerms) -> Call:
        """The unspent deposit of an Ended job to its consumer; anybody may."""
        return self._call("refund", terms)

    # ---- the scheduler's --------------------------------------------------------------------

    def decline_job(self, terms: JobTerms, reason: str) -> Call:
        """Give an Open job's deposit back, saying why it cannot be run."""
        return self._call("declineJob", terms, reason)

    def lapse_job(self, terms: JobTerms) -> Call:
        """Re-open a job whose agent fell silent; anybody may."""
        return self._call("lapseJob", terms)

    # ---- the provider's ---------------------------------------------------------------------

    def register(self, bond: int, rates: Rates) -> Call:
        """Needs an allowance of `bond`."""
        return self._call("register", bond, rates)

    def set_rates(self, rates: Rates) -> Call:
        """A new rate card, for later claims."""
        return self._call("setRates", rates)

    def start_unbond(self) -> Call:
        """No more claims from now on."""
        return self._call("startUnbond")

    def withdraw_bond(self) -> Call:
        """Once the unbonding time is over."""
        return self._call("withdrawBond")

    def claim_job(self, terms: JobTerms, assignment: Assignment, signature: str) -> Call:
        """Claim with the scheduler's signature; "0x" where the job names no scheduler."""
        return self._call("claimJob", terms, assignment, signature)

    def report_usage(self, reports: Sequence[Report]) -> Call:
        """Cumulative totals of any number of runs."""
        return self._call("reportUsage", list(reports))

    def complete_job(
        self, job_id: JobId, attempt: int, usage: Usage, exit_code: int, result_cid: str
    ) -> Call:
        """The last report and the end, in one."""
        return self._call("completeJob", (job_id, attempt, usage), exit_code, result_cid)

    def withdraw(self, refs: Sequence[RunRef]) -> Call:
        """Everything final of these runs, in one transfer."""
        return self._call("withdraw", list(refs))

    # ---- disputes ---------------------------------------------------------------------------

    def dispute(self, terms: JobTerms, attempt: int, evidence_cid: str) -> Call:
        """Needs an allowance of the dispute bond."""
        return self._call("dispute", terms, attempt, evidence_cid)

    def rule(self, job_id: JobId, attempt: int, share: int) -> Call:
        """The arbiter's: `share` of 10,000 to the provider."""
        return self._call("rule", job_id, attempt, share)

    def rule_by_default(self, job_id: JobId, attempt: int) -> Call:
        """The even split of a dispute nobody ruled in time; anybody may."""
        return self._call("ruleByDefault", job_id, attempt)

    def withdraw_credit(self) -> Call:
        """The caller's credit."""
        return self._call("withdrawCredit")

    def _call(self, name: str, *values: object) -> Call:
        data = self.interface.encode(name, *values)
        return Call(self.address, data, label=name, errors=self.interface.errors)

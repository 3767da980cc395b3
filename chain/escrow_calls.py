"""The escrow's calls, unsigned, and the ids they are about: made here, without asking any node.

What each does and who may make it stands in `contracts/interfaces/IDRaaSEscrow.sol`.
"""

from __future__ import annotations

from collections.abc import Sequence

from eth_utils.crypto import keccak

from chain.calls import Call
from chain.interface import CODEC, Abi, Interface, to_abi, types_of
from chain.job import Address, JobId, JobTerms, Rates, Usage
from chain.messages import Assignment, UsageReport
from chain.token import Permit

_ID_TYPES = ("uint256", "address", "address", "bytes32")
RunRef = tuple[JobId, int]  # a job and the number of one of its attempts
Report = tuple[JobId, int, Usage]
SignedReport = tuple[Address, UsageReport, str]  # a provider, its report, its signature


class EscrowCalls:
    """One escrow, as whoever calls it needs to know it."""

    def __init__(self, address: Address, abi: Abi, chain_id: int | None = None) -> None:
        self.address = address
        self.interface = Interface(abi)
        self._chain_id = chain_id

    def terms_hash(self, terms: JobTerms) -> str:
        """What stands for the terms where the contract needs to know no more of them, 0x-prefixed."""
        return "0x" + self._terms_hash(terms).hex()

    def job_id(self, terms: JobTerms) -> JobId:
        """The id that the contract gives these terms: computed here, no node is asked.

        Raises:
            RuntimeError: the chain's id is not known; see `prepare`.
        """
        if self._chain_id is None:
            raise RuntimeError("await prepare() first, or give the chain id")
        values = (self._chain_id, self.address, terms.consumer, self._terms_hash(terms))
        return JobId("0x" + keccak(CODEC.encode(_ID_TYPES, values)).hex())

    def _terms_hash(self, terms: JobTerms) -> bytes:
        parameter = self.interface.functions["jobIdOf"].inputs[0]
        return keccak(CODEC.encode(types_of([parameter]), [to_abi(terms, parameter)]))

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
        return self._call("cancelJob", self.terms_hash(terms))

    def cancel_job_by_signature(self, terms: JobTerms, deadline: int, signature: str) -> Call:
        """The same, signed by the consumer (`sign_cancel`); anybody may send it."""
        named = (terms.consumer, self.terms_hash(terms))
        return self._call("cancelJobBySignature", *named, deadline, signature)

    def refund(self, terms: JobTerms, provider: Address) -> Call:
        """The unspent deposit of an Ended job to its consumer; anybody may.

        It also settles the last run, when its provider missed the time for its last report.

        Args:
            terms: of the job.
            provider: who ran the last attempt; the zero address when nobody did.
        """
        return self._call("refund", terms.consumer, self.terms_hash(terms), provider)

    # ---- the scheduler's --------------------------------------------------------------------

    def decline_job(self, terms: JobTerms, reason: str) -> Call:
        """Give an Open job's deposit back, saying why it cannot be run."""
        return self._call("declineJob", terms, reason)

    def lapse_job(self, terms: JobTerms, provider: Address) -> Call:
        """Re-open a job that this provider's agent runs, and of which it fell silent; anybody may."""
        return self._call("lapseJob", terms, provider)

    def settle_job(self, job_id: JobId, provider: Address) -> Call:
        """Settle an Ended job of which this provider missed the time for its last report; anybody may."""
        return self._call("settleJob", job_id, provider)

    # ---- the provider's ---------------------------------------------------------------------

    def register(self, units: int, rates: Rates) -> Call:
        """Bond so many more units of capacity; needs an allowance of `units` times the bond of one."""
        return self._call("register", units, rates)

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
        leave = (assignment.image, assignment.deadline, signature)
        return self._call("claimJob", terms, *leave)

    def report_usage(self, reports: Sequence[Report]) -> Call:
        """Cumulative totals of any number of runs."""
        return self._call("reportUsage", list(reports))

    def complete_job(
        self, job_id: JobId, attempt: int, usage: Usage, exit_code: int, result_cid: str
    ) -> Call:
        """The last report and the end, in one."""
        return self._call("completeJob", (job_id, attempt, usage), exit_code, result_cid)

    def withdraw(self, refs: Sequence[RunRef] = ()) -> Call:
        """Everything final of these runs of the caller's, and its credit, in one transfer."""
        return self._call("withdraw", list(refs))

    def relay_reports(self, signed: Sequence[SignedReport]) -> Call:
        """Reports signed by their providers (`sign_report`), none above the caps; anybody may send them."""
        return self._call("relayReports", [_signed(*one) for one in signed])

    def report_final(self, signed: SignedReport, terms: JobTerms, consumer_signature: str) -> Call:
        """A report that the consumer has signed too: all that the run has earned is final at once."""
        named = (terms.consumer, self.terms_hash(terms))
        return self._call("reportFinal", _signed(*signed), *named, consumer_signature)

    # ---- disputes ---------------------------------------------------------------------------

    def dispute(
        self, terms: JobTerms, attempt: int, provider: Address, evidence: str, fee: int
    ) -> Call:
        """Needs an allowance of the dispute bond, and brings `fee` wei, which is exactly `dispute_fee`."""
        return self._call("dispute", terms, attempt, provider, evidence, value=fee)

    def submit_evidence(self, dispute_id: int, evidence: str) -> Call:
        """One more document, by its path on IPFS; by a party."""
        return self._call("submitEvidence", dispute_id, evidence)

    def appeal(self, dispute_id: int, fee: int) -> Call:
        """Have the arbitrator judge again, for exactly its price in wei; by a party, in the first half of the ruling
        time."""
        return self._call("appeal", dispute_id, value=fee)

    def rule(self, dispute_id: int, ruling: int) -> Call:
        """The arbitrator's: 1 and the share of 10,000 to the provider, or 0 when it refuses to rule."""
        return self._call("rule", dispute_id, ruling)

    def rule_by_default(self, dispute_id: int) -> Call:
        """The even split of a dispute nobody ruled in time; anybody may."""
        return self._call("ruleByDefault", dispute_id)

    def _call(self, name: str, *values: object, value: int = 0) -> Call:
        data = self.interface.encode(name, *values)
        return Call(self.address, data, value, label=name, errors=self.interface.errors)


def _signed(provider: Address, report: UsageReport, signature: str) -> tuple[object, ...]:
    plain = (report.job_id, report.attempt, report.usage)
    return provider, plain, report.deadline, signature

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IArbitrable, IEvidence} from "./IArbitration.sol";
import {IEscrowEvents} from "./IEscrowEvents.sol";
import {
    DisputeRecord,
    Job,
    JobState,
    JobTerms,
    Provider,
    Rates,
    Run,
    RunRef,
    SignedReport,
    UsageReport
} from "./Types.sol";

/// @title DRaaS escrow: jobs, usage-metered release, refunds
/// @notice Consumers lock a deposit for a job, providers claim it and report usage, and every report releases
/// payment by itself. Nobody holds anybody else's money, and no step needs a counterparty's good will.
/// @dev Assumptions on others. Token: a plain ERC-20 that moves exactly what is asked and has no hooks
/// (what arrives is measured on entry). Clock: `block.timestamp` errs by seconds, never by a window.
/// Arbitrator: trusted only to split what is not yet final, and to take the bond of that run, until the ruling time is
/// over.
///
/// A job's id is `keccak256(abi.encode(chainid, escrow, consumer, termsHash))`, the chain's id at deployment, with
/// `termsHash = keccak256(abi.encode(terms))`: calls that need nothing but the consumer take the hash alone.
interface IDRaaSEscrow is IEscrowEvents, IArbitrable, IEvidence {
    // ---- Parameters, fixed at deployment --------------------------------------------------------------------

    /// @notice The ERC-20 that deposits, bonds and payments are in
    function token() external view returns (address);
    /// @notice The ERC-792 arbitrator that rules disputes
    function arbitrator() external view returns (address);
    /// @notice Seconds for which a reported amount can be disputed; final between one and two windows later
    function window() external view returns (uint256);
    /// @notice Seconds without a report after which a running job lapses (report interval plus grace)
    function lapseAfter() external view returns (uint256);
    /// @notice Seconds after the end of a run in which the provider may still send its last report
    function settleGrace() external view returns (uint256);
    /// @notice Base units of bond for each unit of capacity: a thousandth of a core or a MiB of memory
    function bondPerUnit() external view returns (uint256);
    /// @notice Base units put down by who opens a dispute; the loser's, to the other side
    function disputeBond() external view returns (uint256);
    /// @notice Seconds after which an unruled dispute is split evenly by anyone
    function rulingTime() external view returns (uint256);
    /// @notice Seconds from the wish to leave, or from the last run's end, to the bond
    function unbondTime() external view returns (uint256);
    /// @notice Number of lapses of which the last costs the bond of its run
    function lapsesPerSlash() external view returns (uint256);
    /// @notice Number of the arbitrator's court for these disputes
    function courtId() external view returns (uint256);
    /// @notice Least number of jurors asked of the arbitrator
    function minJurors() external view returns (uint256);

    // ---- Views ----------------------------------------------------------------------------------------------

    /// @notice The id that these terms have here, posted or not
    function jobIdOf(JobTerms calldata terms) external view returns (bytes32);
    /// @notice The stored state and what time alone has brought since
    function stateOf(bytes32 jobId) external view returns (JobState);
    /// @notice The stored facts of a job
    function jobs(bytes32 jobId) external view returns (Job memory);
    /// @notice The stored facts of one attempt
    function runs(bytes32 jobId, uint8 attempt, address provider) external view returns (Run memory);
    /// @notice A provider's bond and record
    function providers(address provider) external view returns (Provider memory);
    /// @notice One of a provider's rate cards
    function ratesOf(address provider, uint16 rateCard) external view returns (Rates memory);
    /// @notice What one run has earned.
    /// @return earned all that reports have released to this run's provider, final or not
    /// @return finalEarned the part past the window
    function earnedOf(bytes32 jobId, uint8 attempt, address provider)
        external
        view
        returns (uint256 earned, uint256 finalEarned);
    /// @notice Amount that `withdraw` would pay for this run now
    function withdrawableOf(bytes32 jobId, uint8 attempt, address provider) external view returns (uint256);
    /// @notice Amount unspent deposit that `refund` would pay now; 0 while it cannot
    /// @param provider who ran the last attempt; of no account once that is settled
    function refundableOf(bytes32 jobId, address provider) external view returns (uint256);
    /// @notice Base units of slashed bonds that are nobody's any more.
    function burned() external view returns (uint256);
    /// @notice Amount that `withdraw` pays besides: released earnings, rulings, returned bonds
    function creditOf(address account) external view returns (uint256);
    /// @notice A dispute by the arbitrator's number
    function disputes(uint256 disputeId) external view returns (DisputeRecord memory);
    /// @notice Fee in wei that `dispute` has to bring for the arbitrator
    function disputeFee() external view returns (uint256 fee);

    // ---- Consumer -------------------------------------------------------------------------------------------

    /// @notice Post a job; moves `deposit` in by allowance. The caller must be `terms.consumer`.
    function postJob(JobTerms calldata terms, uint256 deposit) external returns (bytes32 jobId);
    /// @notice The same in one transaction with an EIP-2612 permit (a permit already used by a front-runner is
    /// no obstacle: the allowance then stands).
    function postJobWithPermit(
        JobTerms calldata terms,
        uint256 deposit,
        uint256 permitDeadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external returns (bytes32 jobId);
    /// @notice Add to the deposit of an Open or Running job. Anybody may.
    function topUp(bytes32 jobId, uint256 amount) external;
    /// @notice Open: full refund at once. Running: ends the run now; the provider keeps the settle grace for its
    /// last report, capped at what was reserved until now. The caller is the consumer.
    function cancelJob(bytes32 termsHash) external;
    /// @notice The same, signed by the consumer: `Cancel(bytes32 jobId,uint64 deadline)`. Anybody may relay it.
    function cancelJobBySignature(address consumer, bytes32 termsHash, uint64 deadline, bytes calldata signature)
        external;
    /// @notice Pay the unspent deposit of an Ended job to its consumer, and settle the last run when its provider let
    /// the grace for its last report pass. Anybody may call.
    /// @param provider who ran the last attempt; of no account once that is settled
    function refund(address consumer, bytes32 termsHash, address provider) external;

    // ---- Scheduler ------------------------------------------------------------------------------------------

    /// @notice Give back the whole deposit of an Open job that cannot be run (its image does not build, say).
    /// Only the job's scheduler may, and all it can do with this is return the consumer's money.
    function declineJob(JobTerms calldata terms, string calldata reason) external;

    // ---- Provider -------------------------------------------------------------------------------------------

    /// @notice Register, or bond more capacity, and set the current rate card. Moves `units` times `bondPerUnit`
    /// in by allowance. Ends an unbonding.
    function register(uint32 units, Rates calldata rates) external;
    /// @notice A new rate card for later claims; running jobs keep theirs.
    function setRates(Rates calldata rates) external;
    /// @notice No more claims; the bond is free `unbondTime` after this and after the last run was settled.
    function startUnbond() external;
    /// @notice Pay the bond out once its time has come and no run is left that it answers for.
    function withdrawBond() external;
    /// @notice Claim an Open job at the current rate card, reserving its CPU and memory of the bonded capacity.
    /// @param image digest of the image to run (sha-256 of its configuration)
    /// @param deadline last second at which the assignment may be used
    /// @param signature the scheduler's over
    /// `Assignment(bytes32 jobId,uint8 attempt,address provider,bytes32 image,uint64 deadline)`, as EIP-712 typed
    /// data; it and the deadline are ignored when the job names no scheduler
    function claimJob(JobTerms calldata terms, bytes32 image, uint64 deadline, bytes calldata signature) external;
    /// @notice Cumulative totals for any number of runs of the caller; each item releases payment by itself.
    /// Totals above what was reserved for the chain time that passed are capped. A bad item is skipped with
    /// `ReportSkipped`; when every item is bad the call reverts with the first reason.
    function reportUsage(UsageReport[] calldata reports) external;
    /// @notice The last report and the end of the run, in one.
    function completeJob(UsageReport calldata report, int32 exitCode, string calldata resultCid) external;
    /// @notice Pay everything final of these runs, and the caller's credit, to the caller in one transfer. Runs
    /// with nothing final are passed over; reverts `NothingToWithdraw` when the sum is 0.
    function withdraw(RunRef[] calldata refs) external returns (uint256 amount);

    // ---- Anybody --------------------------------------------------------------------------------------------

    /// @notice Reports signed by their providers:
    /// `UsageReport(bytes32 jobId,uint8 attempt,uint64 cpuMs,uint64 memoryMibS,uint64 egressKib,uint64 wallS,`
    /// `uint64 deadline)`. One must be worth more than the run's last and within the caps of now, so none can be used
    /// twice. Bad items are skipped as in `reportUsage`.
    function relayReports(SignedReport[] calldata reports) external;
    /// @notice A report that the consumer has signed too, over the same message: all that the run has earned is
    /// final at once. The provider's signature may be empty when it is the caller.
    function reportFinal(
        SignedReport calldata report,
        address consumer,
        bytes32 termsHash,
        bytes calldata consumerSignature
    ) external;
    /// @notice Settle an Ended job whose provider let the grace for its last report pass; moves no tokens.
    /// @param provider who ran the last attempt
    function settleJob(bytes32 jobId, address provider) external;
    /// @notice Re-open a Running job whose agent has not reported for `lapseAfter`. What was earned stays earned.
    /// @param provider who runs the current attempt
    function lapseJob(JobTerms calldata terms, address provider) external;

    // ---- Disputes -------------------------------------------------------------------------------------------

    /// @notice Freeze what is not final of one attempt (and, for the current attempt, the rest of the deposit)
    /// until a ruling. By the consumer, the attempt's provider or the job's watcher, with `disputeBond` by
    /// allowance and exactly `disputeFee` in wei. A live run ends by it, without a last report: when the opener loses,
    /// what is left of the deposit pays what may have run since the last one.
    /// @param evidence path of the document on IPFS (ERC-1497)
    function dispute(JobTerms calldata terms, uint8 attempt, address provider, string calldata evidence)
        external
        payable
        returns (uint256 disputeId);
    /// @notice One more document, by a party of the dispute or by who opened it.
    function submitEvidence(uint256 disputeId, string calldata evidence) external;
    /// @notice Have the arbitrator judge again, at the caller's cost (exactly its `appealCost` in wei). By a party, in
    /// the first half of the ruling time.
    function appeal(uint256 disputeId) external payable;
    /// @notice Even split of a dispute that nobody ruled in time. Anybody may call.
    function ruleByDefault(uint256 disputeId) external;
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {JobState, JobTerms, Rates, Usage} from "./Types.sol";

/// @title What the escrow tells, and what it refuses with
/// @notice Amounts are token base units, times are seconds, shares are of 10,000.
interface IEscrowEvents {
    // ---- A job's life ---------------------------------------------------------------------------------------

    /// @notice A deposit is locked for a job.
    /// @param claimBy last second at which it can be claimed
    event JobPosted(
        bytes32 indexed jobId,
        address indexed consumer,
        address indexed scheduler,
        uint256 deposit,
        uint256 claimBy,
        JobTerms terms
    );
    /// @notice Somebody added to a job's deposit.
    event JobToppedUp(bytes32 indexed jobId, address indexed from, uint256 amount);
    /// @notice An attempt begins.
    /// @param rateCard number of the provider's rates that it is paid by
    /// @param image sha-256 of the configuration of the image to run
    /// @param deadline second at which it ends at the latest
    event JobClaimed(
        bytes32 indexed jobId, address indexed provider, uint8 attempt, uint16 rateCard, bytes32 image, uint256 deadline
    );
    /// @notice Totals as accepted, and all that the attempt has earned by now: with the whole deposit, it ends.
    event UsageReported(bytes32 indexed jobId, address indexed provider, uint8 attempt, Usage usage, uint256 earned);
    /// @notice One item of a batch was passed over.
    /// @param reason selector of the error that it would have failed with alone
    event ReportSkipped(bytes32 indexed jobId, uint8 attempt, bytes4 reason);
    /// @notice The provider ended its run, with the program's exit code and what it left, on IPFS.
    event JobCompleted(
        bytes32 indexed jobId, address indexed provider, uint8 attempt, int32 exitCode, string resultCid
    );
    /// @notice The consumer ended the job: an Open one is Closed and its deposit `refunded`, a Running one is Ended
    /// and nothing refunded yet.
    event JobCancelled(bytes32 indexed jobId, uint256 refunded);
    /// @notice The scheduler gave an Open job's deposit back.
    event JobDeclined(bytes32 indexed jobId, address indexed scheduler, string reason);
    /// @notice An attempt fell silent; the job is open again until `claimBy`, or Ended if that is 0.
    event JobLapsed(bytes32 indexed jobId, address indexed provider, uint8 attempt, uint256 earned, uint256 claimBy);
    /// @notice An ended run whose provider did not complete it in time is settled; `earned` has left the deposit.
    event JobSettled(bytes32 indexed jobId, address indexed provider, uint8 attempt, uint256 earned);

    // ---- Money ----------------------------------------------------------------------------------------------

    /// @notice Unspent deposit went back to the consumer.
    event Refunded(bytes32 indexed jobId, address indexed consumer, uint256 amount);
    /// @notice Final earnings moved to the provider's credit, by a later report or by the consumer's signature.
    event Released(bytes32 indexed jobId, address indexed provider, uint8 attempt, uint256 amount);
    /// @notice Final earnings were paid out.
    event Withdrawn(bytes32 indexed jobId, address indexed provider, uint8 attempt, uint256 amount);
    /// @notice An account's credit was paid out.
    event CreditWithdrawn(address indexed account, uint256 amount);

    // ---- Disputes -------------------------------------------------------------------------------------------

    /// @notice What is not final of an attempt is frozen.
    event JobDisputed(
        bytes32 indexed jobId,
        uint256 indexed disputeId,
        address indexed opener,
        address provider,
        uint8 attempt,
        uint256 frozen
    );
    /// @notice What was frozen is parted.
    /// @param costs what a consumer that lost pays besides, out of what is left of the deposit
    event DisputeRuled(
        bytes32 indexed jobId,
        uint256 indexed disputeId,
        uint8 attempt,
        uint256 share,
        uint256 toProvider,
        uint256 toConsumer,
        uint256 costs
    );

    // ---- Providers ------------------------------------------------------------------------------------------

    /// @notice A provider's bond stands for so many units of capacity in all.
    event ProviderRegistered(address indexed provider, uint256 bonded);
    /// @notice A new rate card, for later claims.
    event RatesSet(address indexed provider, uint16 rateCard, Rates rates);
    /// @notice A provider leaves: it claims no more. Told again when a run is settled meanwhile, since its bond waits
    /// anew.
    event UnbondStarted(address indexed provider, uint256 unbondAt);
    /// @notice A provider took its bond out.
    event BondWithdrawn(address indexed provider, uint256 amount);
    /// @notice A provider lost the bond of a run, in a dispute or by a lapse. But for the costs of who won a dispute
    /// it is nobody's from then on: what a slash would pay to a consumer, a provider could save by being both.
    event BondSlashed(address indexed provider, bytes32 indexed jobId, uint256 units, uint256 amount);

    // ---- Errors ---------------------------------------------------------------------------------------------

    /// @notice The act is not allowed in this state.
    error WrongState(bytes32 jobId, JobState state);
    /// @notice There is a job of exactly these terms already: choose another salt.
    error AlreadyPosted(bytes32 jobId);
    /// @notice Only the job's scheduler may.
    error NotScheduler(address caller);
    /// @notice Only the arbitrator may.
    error NotArbitrator(address caller);
    /// @notice Only the consumer, the run's provider and the watcher, or who opened the dispute, may.
    error NotParty(address caller);
    /// @notice There has to be something to lock.
    error DepositTooSmall(uint256 deposit, uint256 minimum);
    /// @notice A deposit is below 2^72.
    error DepositTooLarge(uint256 deposit);
    /// @notice A zero duration, claim time, CPU or memory, an empty cid, another consumer than the caller, or an end
    /// beyond the clock's 32 bits.
    error BadTerms();
    /// @notice The signed message was good until then.
    error SignatureExpired(uint256 deadline);
    /// @notice Not by the one it must be by, or over other values than those given.
    error SignatureInvalid();
    /// @notice The provider has to register first.
    error NotRegistered(address provider);
    /// @notice The claim needs more free capacity than is bonded; both in units.
    error BondTooSmall(uint256 bonded, uint256 needed);
    /// @notice Bonded capacity is below 2^32 units.
    error BondTooLarge(uint256 bonded);
    /// @notice The provider's rates are above the job's.
    error RatesTooHigh();
    /// @notice This provider has no such run.
    error NoSuchRun(bytes32 jobId, uint8 attempt);
    /// @notice Settled, under dispute or ruled: no more reports.
    error RunNotLive(bytes32 jobId, uint8 attempt);
    /// @notice The grace for the last report is over.
    error ReportTooLate(bytes32 jobId, uint8 attempt);
    /// @notice The totals are worth less than what was reported before.
    error UsageFell(bytes32 jobId, uint8 attempt);
    /// @notice A signed report of more than was reserved for the time that passed: relay it later.
    error UsageAboveCap(bytes32 jobId, uint8 attempt);
    /// @notice A relayed or co-signed report that changes nothing.
    error NothingNew(bytes32 jobId, uint8 attempt);
    /// @notice A relayed report after its deadline.
    error ReportExpired(bytes32 jobId, uint8 attempt);
    /// @notice A relayed report that is not its provider's.
    error ReportNotSigned(bytes32 jobId, uint8 attempt);
    /// @notice The agent has until then to report.
    error NotLapsed(bytes32 jobId, uint256 lapsesAt);
    /// @notice The provider has until then for its last report.
    error NotSettled(bytes32 jobId, uint256 settlesAt);
    /// @notice The deposit is spent, or went back already.
    error NothingToRefund(bytes32 jobId);
    /// @notice Nothing is final yet, or all of it was taken.
    error NothingToWithdraw();
    /// @notice A batch without items.
    error NothingToReport();
    /// @notice Everything is final already, or under dispute.
    error NothingToDispute(bytes32 jobId, uint8 attempt);
    /// @notice Exactly the arbitrator's price, in wei, is to be sent along.
    error WrongFee(uint256 fee);
    /// @notice No open dispute has this number.
    error NotDisputed(uint256 disputeId);
    /// @notice The arbitrator gave a number twice.
    error DisputeIdTaken(uint256 disputeId);
    /// @notice Appeals end with the first half of the ruling time, so that there is time to rule them.
    error AppealTooLate(uint256 until);
    /// @notice The arbitrator has until then to rule.
    error RulingNotDue(uint256 dueAt);
    /// @notice The arbitrator's time is over; what was frozen is split evenly.
    error RulingTooLate(uint256 dueAt);
    /// @notice A ruling is at most 10,001.
    error RulingTooLarge(uint256 ruling);
    /// @notice The bond is locked until then; 0 when the provider is not leaving.
    error StillBonded(uint256 unbondAt);
    /// @notice Runs of this provider are not settled; in units of capacity.
    error StillReserved(uint256 reserved);
    /// @notice The token moved another amount than asked.
    error TokenMismatch();
    /// @notice The deployment's parameters do not go together.
    error BadParameters();
}

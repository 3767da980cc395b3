// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {JobState, JobTerms, Rates, Usage} from "./Types.sol";

/// @title What the escrow tells, and what it refuses with
interface IEscrowEvents {
    event JobPosted(
        bytes32 indexed jobId,
        address indexed consumer,
        address indexed scheduler,
        uint256 deposit,
        uint256 claimBy,
        JobTerms terms
    );
    event JobToppedUp(bytes32 indexed jobId, address indexed from, uint256 amount);
    event JobClaimed(
        bytes32 indexed jobId, address indexed provider, uint8 attempt, uint16 rateCard, bytes32 image, uint256 deadline
    );
    /// @notice Totals as accepted, and all that the attempt has earned by now; less than the deposit, or the run ends.
    event UsageReported(bytes32 indexed jobId, address indexed provider, uint8 attempt, Usage usage, uint256 earned);
    event ReportSkipped(bytes32 indexed jobId, uint8 attempt, bytes4 reason);
    event JobCompleted(
        bytes32 indexed jobId, address indexed provider, uint8 attempt, int32 exitCode, string resultCid
    );
    /// @notice An Open job is Closed and its deposit `refunded`; a Running one is Ended and nothing refunded yet.
    event JobCancelled(bytes32 indexed jobId, uint256 refunded);
    event JobDeclined(bytes32 indexed jobId, address indexed scheduler, string reason);
    event JobLapsed(bytes32 indexed jobId, address indexed provider, uint8 attempt, uint256 earned, uint256 claimBy);
    /// @notice An ended run whose provider did not complete it in time; `earned` has left the deposit.
    event JobSettled(bytes32 indexed jobId, address indexed provider, uint8 attempt, uint256 earned);
    event Refunded(bytes32 indexed jobId, address indexed consumer, uint256 amount);
    /// @notice Final earnings moved to the provider's credit, by a later report or by the consumer's signature.
    event Released(bytes32 indexed jobId, address indexed provider, uint8 attempt, uint256 amount);
    /// @notice Final earnings paid out.
    event Withdrawn(bytes32 indexed jobId, address indexed provider, uint8 attempt, uint256 amount);
    event CreditWithdrawn(address indexed account, uint256 amount);
    event JobDisputed(
        bytes32 indexed jobId,
        uint256 indexed disputeId,
        address indexed opener,
        address provider,
        uint8 attempt,
        uint256 frozen
    );
    event DisputeRuled(
        bytes32 indexed jobId,
        uint256 indexed disputeId,
        uint8 attempt,
        uint256 share,
        uint256 toProvider,
        uint256 toConsumer
    );
    event ProviderRegistered(address indexed provider, uint256 bonded);
    event RatesSet(address indexed provider, uint16 rateCard, Rates rates);
    event UnbondStarted(address indexed provider, uint256 unbondAt);
    event BondWithdrawn(address indexed provider, uint256 amount);
    event BondSlashed(address indexed provider, bytes32 indexed jobId, uint256 units, uint256 amount);

    error WrongState(bytes32 jobId, JobState state); // the act is not allowed in this state
    error AlreadyPosted(bytes32 jobId);
    error NotScheduler(address caller);
    error NotArbitrator(address caller);
    error NotParty(address caller);
    error DepositTooSmall(uint256 deposit, uint256 minimum);
    error DepositTooLarge(uint256 deposit);
    error BadTerms(); // a zero duration, claim time, CPU or memory, an empty cid, or another consumer than the caller
    error SignatureExpired(uint256 deadline);
    error SignatureInvalid(); // not by the one it must be by, or over other values than those given
    error NotRegistered(address provider);
    error BondTooSmall(uint256 bonded, uint256 needed); // units of capacity
    error BondTooLarge(uint256 bonded);
    error RatesTooHigh();
    error NoSuchRun(bytes32 jobId, uint8 attempt); // by this provider
    error RunNotLive(bytes32 jobId, uint8 attempt); // settled, under dispute or ruled: no more reports
    error ReportTooLate(bytes32 jobId, uint8 attempt); // past the settle grace
    error UsageFell(bytes32 jobId, uint8 attempt); // worth less than what was reported before
    error NothingNew(bytes32 jobId, uint8 attempt); // a relayed or co-signed report that changes nothing
    error ReportExpired(bytes32 jobId, uint8 attempt); // a relayed report after its deadline
    error ReportNotSigned(bytes32 jobId, uint8 attempt); // a relayed report that is not its provider's
    error NotLapsed(bytes32 jobId, uint256 lapsesAt);
    error NotSettled(bytes32 jobId, uint256 settlesAt); // the provider may still send its last report
    error NothingToRefund(bytes32 jobId);
    error NothingToWithdraw();
    error NothingToReport(); // an empty batch
    error NothingToDispute(bytes32 jobId, uint8 attempt); // everything is final already
    error WrongFee(uint256 fee); // the arbitrator's price, in wei, which is to be sent along
    error NotDisputed(uint256 disputeId);
    error DisputeIdTaken(uint256 disputeId); // the arbitrator gave a number twice
    error RulingNotDue(uint256 dueAt);
    error RulingTooLate(uint256 dueAt); // the arbitrator's time is over: split evenly
    error RulingTooLarge(uint256 ruling);
    error StillBonded(uint256 unbondAt);
    error StillReserved(uint256 reserved); // runs of this provider are not settled
    error TokenMismatch(); // the token moved another amount than asked
    error BadParameters(); // of the deployment
}

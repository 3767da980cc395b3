// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @notice Where a job stands. 0 is `Absent`, so an empty slot is never a job.
/// @dev Mirrored once in Python (`chain/job.py`); a test holds the two equal.
enum JobState {
    Absent, // never posted
    Open, // deposit locked, waiting to be claimed
    Running, // claimed; usage reports release payment
    Ended, // no more work; the unspent deposit is refundable, the last window becomes final by time
    Disputed, // what is not final, and the rest of the deposit, wait for a ruling
    Closed // terminal: no money of the current attempt is left in escrow
}

/// @notice What a job reserves on the provider's machine. Every cap on usage follows from it.
struct Resources {
    uint32 cpuMillis; // thousandths of a CPU core
    uint32 memoryMib; // MiB
    uint32 egressKibS; // KiB a second of outbound traffic; 0 means no network
}

/// @notice Price of one unit of each metric, in token base units.
struct Rates {
    uint64 cpuMs; // per CPU millisecond
    uint64 memoryMibS; // per MiB-second of memory
    uint64 egressKib; // per KiB sent
    uint64 wallS; // per second of wall time
}

/// @notice Cumulative metrics of one attempt. They only ever rise.
struct Usage {
    uint64 cpuMs; // CPU milliseconds
    uint64 memoryMibS; // memory integrated over time, MiB-seconds
    uint64 egressKib; // KiB sent
    uint64 wallS; // seconds the container has run
}

/// @notice All that is agreed when a job is posted. The job's id is a hash of it, so that no signature
/// over an id can ever meet other terms, whatever a reorganisation does.
struct JobTerms {
    address consumer; // who pays, and who gets refunds
    address scheduler; // whose assignment a claim needs; the zero address lets any provider claim
    address watcher; // may dispute for the consumer; zero for nobody
    bytes32 salt; // chosen by the consumer to tell equal jobs apart
    Resources resources;
    Rates maxRates; // a provider's rates may not exceed these
    uint32 duration; // seconds the job may run in all, over all attempts
    uint32 claimWithin; // seconds for which a job stays Open before it ends unclaimed
    string cid; // the bundle on IPFS
}

/// @notice The scheduler's leave to claim one attempt of one job (EIP-712 typed data).
struct Assignment {
    bytes32 jobId;
    uint8 attempt;
    address provider;
    bytes32 image; // digest of the image to run (sha-256 of its configuration)
    uint64 deadline; // last second at which it may be used
}

/// @notice One item of a batch of usage reports.
struct UsageReport {
    bytes32 jobId;
    uint8 attempt;
    Usage usage; // cumulative totals of this attempt
}

/// @notice One stint of a job on one provider.
struct RunRef {
    bytes32 jobId;
    uint8 attempt;
}

/// @notice What a deployment fixes for good; seconds and base units.
struct Parameters {
    uint256 window; // in which a reported amount can be disputed
    uint256 lapseAfter; // without a report, before a running job lapses
    uint256 settleGrace; // after the end of a run, for its last report
    uint256 minBond; // of a provider
    uint256 disputeBond; // of whoever opens a dispute
    uint256 rulingTime; // after which an unruled dispute is split evenly
    uint256 unbondTime; // between leaving and taking the bond out
}

/// @notice Stored facts of a job. One storage slot.
struct Job {
    uint80 deposit; // base units left for the current attempt: its earned part and the unspent rest
    uint32 cpuMillis; // as in the terms
    uint32 memoryMib;
    uint32 egressKibS;
    uint32 deadline; // Open: last second to claim. Afterwards: second at which the run ends or ended
    uint32 duration; // seconds of running that are left, counted at the last claim or lapse
    uint8 attempt; // 1 for the first; rises at every lapse
    JobState state; // last state entered by a transaction; `stateOf` adds what time brings
}

/// @notice Stored facts of one attempt. Three storage slots.
struct Run {
    address provider;
    uint32 startedAt; // second of the claim
    uint32 reportedAt; // second of the last report (of the claim before the first)
    uint16 rateCard; // which of the provider's rate cards applies
    bool settled; // completed, lapsed or ruled: no more reports
    Usage usage; // last accepted totals
    // Cumulative earned amounts. Epochs are aligned to the window W: an amount reported in epoch e is final
    // from epoch e + 2 on, that is between W and 2W after it was reported.
    uint80 earnedBefore; // at the end of the epoch before `earnedPrevious` was reached: final
    uint80 earnedPrevious; // at the end of the epoch before that of the last report
    uint80 withdrawn; // taken by the provider
    bool frozen; // under dispute: final stops at `earnedBefore`
    bool ruled; // ruled: earned is `earnedPrevious`, all of it final
}

/// @notice A provider's stake and which rate card is current. One storage slot.
struct Provider {
    uint96 bond; // base units staked
    uint40 unbondAt; // second from which the bond may be withdrawn; 0 while bonded
    uint16 rateCard; // number of the current rate card, from 1; 0 means not registered
}

/// @title DRaaS escrow: jobs, usage-metered release, refunds
/// @notice Consumers lock a deposit for a job, providers claim it and report usage, and every report releases
/// payment by itself. Nobody holds anybody else's money, and no step needs a counterparty's good will.
/// @dev Assumptions on others. Token: a plain ERC-20 that moves exactly what is asked and has no hooks
/// (what arrives is measured on entry). Clock: `block.timestamp` errs by seconds, never by a window.
/// Arbiter: trusted only to split what is not yet final, and only until the ruling deadline.
interface IDRaaSEscrow {
    // ---- Events -------------------------------------------------------------------------------------------
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
    event UsageReported(bytes32 indexed jobId, address indexed provider, uint8 attempt, Usage usage, uint256 earned);
    event ReportSkipped(bytes32 indexed jobId, uint8 attempt, bytes4 reason);
    event JobCompleted(
        bytes32 indexed jobId, address indexed provider, uint8 attempt, int32 exitCode, string resultCid
    );
    event JobCancelled(bytes32 indexed jobId, uint8 attempt, uint256 deadline);
    event JobDeclined(bytes32 indexed jobId, address indexed scheduler, string reason);
    event JobLapsed(bytes32 indexed jobId, address indexed provider, uint8 attempt, uint256 earned, uint256 claimBy);
    event Refunded(bytes32 indexed jobId, address indexed consumer, uint256 amount);
    event Withdrawn(bytes32 indexed jobId, address indexed provider, uint8 attempt, uint256 amount);
    event JobDisputed(bytes32 indexed jobId, address indexed opener, uint8 attempt, uint256 frozen, string evidenceCid);
    event DisputeRuled(bytes32 indexed jobId, uint8 attempt, uint256 share, uint256 toProvider, uint256 toConsumer);
    event CreditWithdrawn(address indexed account, uint256 amount);
    event ProviderRegistered(address indexed provider, uint256 bond);
    event RatesSet(address indexed provider, uint16 rateCard, Rates rates);
    event UnbondStarted(address indexed provider, uint256 unbondAt);
    event BondWithdrawn(address indexed provider, uint256 amount);

    // ---- Errors -------------------------------------------------------------------------------------------
    error WrongState(bytes32 jobId, JobState state); // the act is not allowed in this state
    error AlreadyPosted(bytes32 jobId);
    error NotConsumer(address caller);
    error NotProvider(address caller);
    error NotScheduler(address caller);
    error NotArbiter(address caller);
    error NotParty(address caller);
    error DepositTooSmall(uint256 deposit, uint256 minimum);
    error DepositTooLarge(uint256 deposit);
    error BadTerms(); // a zero duration, claim time, CPU or memory, an empty cid, or another consumer than the caller
    error AssignmentExpired(uint256 deadline);
    error AssignmentInvalid(); // other job, attempt or provider, or not signed by the job's scheduler
    error NotRegistered(address provider);
    error BondTooSmall(uint256 bond, uint256 minimum);
    error RatesTooHigh();
    error RunSettled(bytes32 jobId, uint8 attempt); // completed, lapsed or ruled: no more reports
    error ReportTooLate(bytes32 jobId, uint8 attempt); // past the settle grace
    error UsageFell(bytes32 jobId, uint8 attempt); // a total is below what was reported before
    error NotLapsed(bytes32 jobId, uint256 lapsesAt);
    error NotSettled(bytes32 jobId, uint256 settlesAt); // the provider may still send its last report
    error NothingToRefund(bytes32 jobId);
    error NothingToWithdraw();
    error NothingToReport(); // an empty batch
    error NothingToDispute(bytes32 jobId, uint8 attempt); // everything is final already
    error NotDisputed(bytes32 jobId, uint8 attempt);
    error RulingNotDue(uint256 dueAt);
    error RulingTooLate(uint256 dueAt); // the arbiter's time is over: split evenly
    error ShareTooLarge(uint256 share);
    error StillBonded(uint256 unbondAt);
    error TokenMismatch(); // the token moved another amount than asked
    error BadParameters(); // of the deployment: a span of 0 or over 32 bits, no token or no arbiter

    // ---- Parameters, fixed at deployment --------------------------------------------------------------------
    function token() external view returns (address);
    /// @return seconds for which a reported amount can be disputed; final between one and two windows later
    function window() external view returns (uint256);
    /// @return seconds without a report after which a running job lapses (report interval plus grace)
    function lapseAfter() external view returns (uint256);
    /// @return seconds after the end of a run in which the provider may still send its last report
    function settleGrace() external view returns (uint256);
    function minBond() external view returns (uint256);
    function disputeBond() external view returns (uint256);
    /// @return seconds after which an unruled dispute is split evenly by anyone
    function rulingTime() external view returns (uint256);
    function unbondTime() external view returns (uint256);
    /// @return the address that rules disputes
    function arbiter() external view returns (address);

    // ---- Views --------------------------------------------------------------------------------------------
    /// @notice keccak256(abi.encode(block.chainid, escrow, terms))
    function jobIdOf(JobTerms calldata terms) external view returns (bytes32);
    function stateOf(bytes32 jobId) external view returns (JobState);
    function jobs(bytes32 jobId) external view returns (Job memory);
    function runs(bytes32 jobId, uint8 attempt) external view returns (Run memory);
    function providers(address provider) external view returns (Provider memory);
    function ratesOf(address provider, uint16 rateCard) external view returns (Rates memory);
    /// @return earned all that reports have released to this attempt's provider, final or not
    /// @return finalEarned the part past the window
    function earnedOf(bytes32 jobId, uint8 attempt) external view returns (uint256 earned, uint256 finalEarned);
    function withdrawableOf(bytes32 jobId, uint8 attempt) external view returns (uint256);
    /// @return amount unspent deposit that `refund` would pay now; 0 while it cannot
    function refundableOf(bytes32 jobId) external view returns (uint256);
    /// @return amount credited by rulings and returned dispute bonds
    function creditOf(address account) external view returns (uint256);

    // ---- Consumer -----------------------------------------------------------------------------------------
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
    /// last report, capped at what was reserved until now.
    function cancelJob(JobTerms calldata terms) external;
    /// @notice Pay the unspent deposit of an Ended job to its consumer. Anybody may call.
    function refund(JobTerms calldata terms) external;

    // ---- Scheduler ----------------------------------------------------------------------------------------
    /// @notice Give back the whole deposit of an Open job that cannot be run (its image does not build, say).
    /// Only the job's scheduler may, and all it can do with this is return the consumer's money.
    function declineJob(JobTerms calldata terms, string calldata reason) external;

    // ---- Provider -----------------------------------------------------------------------------------------
    /// @notice Register, or add to the bond, and set the current rate card. Moves `bond` in by allowance.
    function register(uint256 bond, Rates calldata rates) external;
    /// @notice A new rate card for later claims; running jobs keep theirs.
    function setRates(Rates calldata rates) external;
    function startUnbond() external;
    function withdrawBond() external;
    /// @notice Claim an Open job at the current rate card. `signature` is the scheduler's over the assignment;
    /// ignored (and the assignment's fields but `image` unused) when the job names no scheduler.
    function claimJob(JobTerms calldata terms, Assignment calldata assignment, bytes calldata signature) external;
    /// @notice Cumulative totals for any number of runs of the caller; each item releases payment by itself.
    /// Totals above what was reserved for the chain time that passed are capped. A bad item is skipped with
    /// `ReportSkipped`; when every item is bad the call reverts with the first reason.
    function reportUsage(UsageReport[] calldata reports) external;
    /// @notice The last report and the end of the run, in one.
    function completeJob(UsageReport calldata report, int32 exitCode, string calldata resultCid) external;
    /// @notice Move everything final of these runs to the caller in one transfer. Runs of others and runs with
    /// nothing final are passed over; reverts `NothingToWithdraw` when the sum is 0.
    function withdraw(RunRef[] calldata refs) external returns (uint256 amount);

    // ---- Anybody ------------------------------------------------------------------------------------------
    /// @notice Re-open a Running job whose agent has not reported for `lapseAfter`. What was earned stays earned.
    function lapseJob(JobTerms calldata terms) external;

    // ---- Disputes -----------------------------------------------------------------------------------------
    /// @notice Freeze what is not final of one attempt (and, for the current attempt, the rest of the deposit)
    /// until a ruling. By the consumer, the attempt's provider or the job's watcher, with `disputeBond`.
    function dispute(JobTerms calldata terms, uint8 attempt, string calldata evidenceCid) external;
    /// @notice Split the frozen earnings: `share` of 10,000 to the provider, the rest back to the consumer.
    function rule(bytes32 jobId, uint8 attempt, uint256 share) external;
    /// @notice Even split of a dispute that nobody ruled in time. Anybody may call.
    function ruleByDefault(bytes32 jobId, uint8 attempt) external;
    function withdrawCredit() external returns (uint256 amount);
}

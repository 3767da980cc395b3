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
    Closed // terminal: nothing left to refund, nothing of the last attempt that could be disputed
}

/// @notice Where one attempt stands.
enum RunState {
    Absent, // no such run
    Live, // takes reports
    Settled, // completed, lapsed or past its settle grace: no more reports
    Frozen, // under dispute: what was not final waits for the ruling
    Ruled // decided: all of what is left of it is final
}

/// @notice What a job reserves on the provider's machine. Every cap on usage follows from it.
struct Resources {
    uint24 cpuMillis; // thousandths of a CPU core
    uint24 memoryMib; // MiB
    uint24 egressKibS; // KiB a second of outbound traffic; 0 means no network
}

/// @notice Price of one unit of each metric, in token base units.
struct Rates {
    uint64 cpuMs; // per CPU millisecond
    uint64 memoryMibS; // per MiB-second of memory
    uint64 egressKib; // per KiB sent
    uint64 wallS; // per second of wall time
}

/// @notice Cumulative metrics of one attempt.
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

/// @notice One item of a batch of usage reports: the totals of the caller's run.
struct UsageReport {
    bytes32 jobId;
    uint8 attempt;
    Usage usage; // cumulative totals of this attempt
}

/// @notice A usage report signed by its provider (EIP-712), for anyone to relay.
struct SignedReport {
    address provider;
    UsageReport report;
    uint64 deadline; // last second at which it may be relayed
    bytes signature;
}

/// @notice One run of the caller's.
struct RunRef {
    bytes32 jobId;
    uint8 attempt;
}

/// @notice What a deployment fixes for good; seconds and base units.
struct Parameters {
    uint256 window; // in which a reported amount can be disputed
    uint256 lapseAfter; // without a report, before a running job lapses
    uint256 settleGrace; // after the end of a run, for its last report
    uint256 bondPerUnit; // of a provider, for each unit of capacity: a thousandth of a core or a MiB of memory
    uint256 disputeBond; // of whoever opens a dispute
    uint256 rulingTime; // after which an unruled dispute is split evenly
    uint256 unbondTime; // between leaving, or the last run's end, and taking the bond out
    uint256 lapsesPerSlash; // every so many lapses cost a provider the bond of the run that lapsed
    uint256 courtId; // which of the arbitrator's courts judges, where it has several
    uint256 minJurors; // asked of the arbitrator; 0 leaves it to that
}

/// @notice Stored facts of a job. One storage slot.
struct Job {
    uint72 deposit; // base units held for the current attempt: its earned part, until it is settled, and the rest
    uint24 cpuMillis; // as in the terms
    uint24 memoryMib;
    uint24 egressKibS;
    uint32 deadline; // Open: last second to claim. Afterwards: second at which the run ends or ended
    uint32 duration; // Open: seconds of running that are left. Afterwards: from the claim to `deadline`
    uint16 rateCard; // of the current attempt's provider
    uint8 attempt; // 1 for the first; rises at every lapse
    JobState state; // last state entered by a transaction; `stateOf` adds what time brings
    bool settled; // the current attempt's earned part has left `deposit`
}

/// @notice Stored facts of one attempt, found by job, attempt and provider. One storage slot.
struct Run {
    uint72 earned; // base units released by reports in all
    uint72 previous; // of it, reported before the epoch of the last report; under dispute: what is final
    uint72 released; // of it, paid out or moved to the provider's credit
    uint32 reportedAt; // second of the last report (of the claim before the first)
    RunState state;
}

/// @notice A provider's bond and record. One storage slot.
struct Provider {
    uint32 bonded; // units of capacity that the bond stands for
    uint32 reserved; // of them, held by runs that are not settled
    uint32 unbondAt; // second from which the bond may be withdrawn; 0 while it is not leaving
    uint16 rateCard; // number of the current rate card, from 1; 0 means not registered
    uint32 completed; // runs it completed
    uint16 lapsed; // runs that fell silent
    uint16 disputesLost;
    uint80 earned; // base units, over all settled runs
}

/// @notice An open or decided dispute over one run.
struct DisputeRecord {
    bytes32 jobId;
    address provider;
    uint8 attempt;
    bool open;
    uint40 openedAt;
    address consumer;
    uint72 unreported; // base units that a live run may have earned since its last report, at full reserve
    address opener;
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Job, JobState, JobTerms, Rates, Run, RunRef, RunState, Usage} from "../EscrowTest.sol";
import {Cast} from "./Cast.sol";

enum Move {
    Post,
    PostWithPermit,
    TopUp,
    Claim,
    Report,
    ReportBatch,
    Relay,
    CoSign,
    Complete,
    CancelOpen,
    CancelRunning,
    CancelSigned,
    Decline,
    Lapse,
    Refund,
    WithdrawRuns,
    WithdrawCredit,
    Bond,
    SetRates,
    StartUnbond,
    WithdrawBond,
    Dispute,
    DisputeLapsed,
    Evidence,
    Rule,
    RuleByDefault,
    Appeal,
    Donate,
    Grief,
    Replay,
    Pass
}

/// @dev A ledger of our own beside the escrow's, in full words, and the ways to find a job for which a move must
/// succeed. Nothing here is read from the escrow but what the moves predict with its views.
abstract contract Market is Cast {
    uint256 public constant MOVES = uint256(type(Move).max) + 1;
    uint256 internal constant MAX_JOBS = 12;
    uint256 internal constant LONGEST_RUN = 600;
    uint256 internal constant LONGEST_CLAIM = 100;

    /// @dev A job, and where its deposit should have gone.
    struct Deal {
        bytes32 id;
        bytes32 termsHash;
        JobTerms terms;
        uint256 paidIn;
        uint256 refunded;
        uint256 ruledAway; // by rulings, from providers' earnings to the consumer's credit
        uint256 compensation; // by rulings, from the deposit to a provider that won
        uint256 until; // last second to claim, or second at which the run ends
        uint256 left; // seconds of running that an open job has left
        uint256 attempts;
        JobState seen;
    }

    /// @dev One claim of a job.
    struct Attempt {
        address runner;
        uint256 claimedAt;
        Rates rates;
        uint256 paid; // by withdrawals of this run
        uint256 moved; // into the provider's credit
        uint256 agreed; // the most that the consumer has co-signed
        uint256 earned; // as last seen
        uint256 finalEarned;
        uint256 reportedAt;
        RunState state;
        uint256[] times; // of every report, and the totals it made
        uint256[] totals;
    }

    /// @dev An open dispute.
    struct Case {
        uint256 id;
        uint256 deal;
        uint8 attempt;
        address opener;
        uint256 openedAt;
        uint256 unreported; // what may have run since the last report of a run that it ended
    }

    Deal[] internal deals;
    mapping(uint256 deal => mapping(uint256 attempt => Attempt)) internal attempts;
    Case[] internal cases;
    uint256 internal burned; // of slashed bonds
    mapping(address who => uint256) internal retiredEarned; // by runs of jobs that are not followed any more
    mapping(Move => uint256) public done;

    function jobOf(uint256 i) internal view returns (Job memory) {
        return escrow.jobs(deals[i].id);
    }

    function stateOf(uint256 i) internal view returns (JobState) {
        return escrow.stateOf(deals[i].id);
    }

    function runOf(uint256 i, uint256 attempt) internal view returns (Run memory) {
        return escrow.runs(deals[i].id, uint8(attempt), attempts[i][attempt].runner);
    }

    function finalOf(uint256 i, uint256 attempt) internal view returns (uint256 part) {
        (, part) = escrow.earnedOf(deals[i].id, uint8(attempt), attempts[i][attempt].runner);
    }

    /// @dev Who runs, or ran last; nobody before the first claim and while it waits for another.
    function runner(uint256 i) internal view returns (address) {
        return attempts[i][deals[i].attempts].runner;
    }

    /// @dev What was agreed that this usage costs, in full words: each metric within the reserve for the seconds since
    /// the claim, and all within the deposit.
    function worth(uint256 i, Usage memory usage) internal view returns (uint256 sum) {
        Job memory job = jobOf(i);
        Attempt storage attempt = attempts[i][deals[i].attempts];
        uint256 span = (block.timestamp < deals[i].until ? block.timestamp : deals[i].until) - attempt.claimedAt;
        sum = _least(usage.cpuMs, uint256(deals[i].terms.resources.cpuMillis) * span) * attempt.rates.cpuMs;
        sum += _least(usage.memoryMibS, uint256(deals[i].terms.resources.memoryMib) * span) * attempt.rates.memoryMibS;
        sum += _least(usage.egressKib, uint256(deals[i].terms.resources.egressKibS) * span) * attempt.rates.egressKib;
        sum += _least(usage.wallS, span) * attempt.rates.wallS;
        if (sum > job.deposit) sum = job.deposit;
    }

    /// @dev The most that so many seconds of an attempt can cost.
    function mostFor(uint256 i, uint256 attempt, uint256 span) internal view returns (uint256) {
        Rates storage card = attempts[i][attempt].rates;
        JobTerms storage terms = deals[i].terms;
        return span
            * (uint256(terms.resources.cpuMillis)
                * card.cpuMs
                + uint256(terms.resources.memoryMib)
                * card.memoryMibS
                + uint256(terms.resources.egressKibS)
                * card.egressKib
                + card.wallS);
    }

    function unitsOf(uint256 i) internal view returns (uint256) {
        return uint256(deals[i].terms.resources.cpuMillis) + deals[i].terms.resources.memoryMib;
    }

    // ---- Finders --------------------------------------------------------------------------------------------

    function find(uint256 seed, JobState wanted) internal view returns (bool, uint256 i) {
        for (uint256 k = 0; k < deals.length; ++k) {
            i = (seed % deals.length + k) % deals.length;
            if (stateOf(i) == wanted) return (true, i);
        }
        return (false, 0);
    }

    /// @dev A job whose current run takes reports.
    function findReportable(uint256 seed) internal view returns (bool, uint256 i) {
        for (uint256 k = 0; k < deals.length; ++k) {
            i = (seed % deals.length + k) % deals.length;
            if (isReportable(i)) return (true, i);
        }
        return (false, 0);
    }

    function isReportable(uint256 i) internal view returns (bool) {
        if (runner(i) == address(0) || block.timestamp > deals[i].until + GRACE) return false;
        return runOf(i, deals[i].attempts).state == RunState.Live;
    }

    /// @dev A job whose deposit can be refunded.
    function findRefundable(uint256 seed) internal view returns (bool, uint256 i) {
        for (uint256 k = 0; k < deals.length; ++k) {
            i = (seed % deals.length + k) % deals.length;
            if (isRefundable(i)) return (true, i);
        }
        return (false, 0);
    }

    /// @dev Ended, with something left, or with a run to settle whose provider has missed its last report.
    function isRefundable(uint256 i) internal view returns (bool) {
        if (stateOf(i) != JobState.Ended) return false;
        Job memory job = jobOf(i);
        if (job.settled || job.state == JobState.Open) return job.deposit != 0;
        return block.timestamp > deals[i].until + GRACE;
    }

    function findDisputable(uint256 seed, bool current) internal view returns (bool, uint256 i, uint256 attempt) {
        for (uint256 k = 0; k < deals.length; ++k) {
            i = (seed % deals.length + k) % deals.length;
            for (attempt = current ? deals[i].attempts : deals[i].attempts - 1; attempt > 0; --attempt) {
                if (isDisputable(i, attempt)) return (true, i, attempt);
                if (current) break;
            }
        }
        return (false, 0, 0);
    }

    function isDisputable(uint256 i, uint256 attempt) internal view returns (bool) {
        if (attempts[i][attempt].runner == address(0)) return false;
        Run memory run = runOf(i, attempt);
        return (run.state == RunState.Live || run.state == RunState.Settled) && run.earned > finalOf(i, attempt);
    }

    /// @dev All runs of a provider's, and one of another's that is to be passed over.
    function refsOf(address who) internal view returns (RunRef[] memory refs) {
        RunRef[] memory all = new RunRef[](64);
        uint256 n = 0;
        for (uint256 i = 0; i < deals.length; ++i) {
            for (uint256 a = 1; a <= deals[i].attempts && n < 63; ++a) {
                if (attempts[i][a].runner == who) all[n++] = RunRef(deals[i].id, uint8(a));
            }
        }
        if (deals.length != 0) all[n++] = RunRef(deals[0].id, 1);
        refs = new RunRef[](n);
        for (uint256 k = 0; k < n; ++k) {
            refs[k] = all[k];
        }
    }

    /// @dev A free place in the books. A job that is closed and paid is not followed any more when there is no other.
    function place(uint256 seed) internal returns (bool, uint256 i) {
        if (deals.length < MAX_JOBS) {
            deals.push();
            return (true, deals.length - 1);
        }
        i = seed % MAX_JOBS;
        if (stateOf(i) != JobState.Closed) return (false, 0);
        for (uint256 a = 1; a <= deals[i].attempts; ++a) {
            if (attempts[i][a].runner == address(0)) continue;
            Run memory run = runOf(i, a);
            if (run.released != run.earned || run.state == RunState.Frozen) return (false, 0);
        }
        for (uint256 a = 1; a <= deals[i].attempts; ++a) {
            if (attempts[i][a].runner != address(0)) retiredEarned[attempts[i][a].runner] += runOf(i, a).earned;
            delete attempts[i][a];
        }
        delete deals[i];
        return (true, i);
    }

    function _least(uint256 a, uint256 b) internal pure returns (uint256) {
        return a < b ? a : b;
    }
}

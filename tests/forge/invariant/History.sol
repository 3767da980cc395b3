// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Job, JobState, Run, RunState, UsageReport} from "../EscrowTest.sol";
import {Market} from "./Market.sol";

/// @dev Remembers how every job looked when it was last seen, and holds the laws about change. Numbers in brackets are
/// those of the laws in README.md.
abstract contract History is Market {
    mapping(JobState from => mapping(JobState to => bool)) public stepped;
    uint256 private _turn;

    /// @dev Besides the job a move touches, every move looks at one more, each in turn.
    modifier watched() {
        _;
        if (deals.length != 0) look(_turn++ % deals.length);
    }

    /// @dev Compares a job with how it was. Called before a move, for what time has brought, and after it.
    function look(uint256 i) internal {
        Deal storage deal = deals[i];
        JobState now_ = stateOf(i);
        Job memory job = jobOf(i);
        if (deal.seen != now_) {
            vm.assertTrue(isInTable(deal.seen, now_), "[9] a step outside the table");
            stepped[deal.seen][now_] = true;
            deal.seen = now_;
        }
        vm.assertEq(job.attempt, deal.attempts, "[5] attempts rise by lapses alone");
        for (uint256 attempt = 1; attempt <= deal.attempts; ++attempt) {
            if (attempts[i][attempt].runner != address(0)) lookAt(i, attempt);
        }
    }

    function lookAt(uint256 i, uint256 attempt) private {
        Attempt storage seen = attempts[i][attempt];
        Run memory run = runOf(i, attempt);
        uint256 finalEarned = finalOf(i, attempt);
        vm.assertTrue(isTurn(seen.state, run.state), "[9] a turn of a run outside the table");
        bool wasRuled = run.state == RunState.Ruled && seen.state != RunState.Ruled;
        if (!wasRuled) vm.assertGe(run.earned, seen.earned, "[5] earned falls by a ruling alone");
        if (run.state != RunState.Live && seen.state == run.state) {
            vm.assertEq(run.earned, seen.earned, "[11] what a settled run earned stays");
        }
        vm.assertGe(run.reportedAt, seen.reportedAt, "[5] reports only come later");
        vm.assertGe(finalEarned, seen.finalEarned, "[8] final never shrinks");
        if (run.state == RunState.Frozen && seen.state == RunState.Frozen) {
            vm.assertEq(finalEarned, seen.finalEarned, "[8] under dispute nothing becomes final");
        }
        if (run.state == RunState.Live || run.state == RunState.Settled) checkFinality(seen, finalEarned);
        (seen.earned, seen.finalEarned) = (run.earned, finalEarned);
        (seen.reportedAt, seen.state) = (run.reportedAt, run.state);
    }

    /// @dev [7] What was reported at r is not final until r + W has passed, and is from r + 2W on.
    function checkFinality(Attempt storage seen, uint256 finalEarned) private view {
        uint256 most = seen.agreed;
        uint256 least = seen.agreed;
        for (uint256 k = seen.times.length; k > 0; --k) {
            uint256 r = seen.times[k - 1];
            if (r + WINDOW < block.timestamp && seen.totals[k - 1] > most) most = seen.totals[k - 1];
            if (r + 2 * WINDOW > block.timestamp) continue;
            if (seen.totals[k - 1] > least) least = seen.totals[k - 1];
            break; // totals only rise
        }
        vm.assertLe(finalEarned, most, "[7] final before the window was over");
        vm.assertGe(finalEarned, least, "[7] not final two windows after the report");
    }

    // ---- What a move leaves behind --------------------------------------------------------------------------

    /// @dev A report as it must be booked.
    struct Booking {
        uint256 deal;
        uint8 attempt;
        address runner;
        uint256 earned;
        uint256 released; // to the provider's credit, when it is the first of its epoch
        bool ends; // the deposit is used up
    }

    /// @dev What a report now must do, by the agreed rates and the escrow's views before it.
    function foresee(uint256 i, UsageReport memory report) internal view returns (Booking memory b) {
        (b.deal, b.attempt, b.runner) = (i, report.attempt, runner(i));
        b.earned = worth(i, report.usage);
        Run memory run = runOf(i, b.attempt);
        bool newEpoch = block.timestamp / WINDOW != run.reportedAt / WINDOW;
        b.released = newEpoch ? finalOf(i, b.attempt) - run.released : 0;
        Job memory job = jobOf(i);
        b.ends = b.earned == job.deposit && stateOf(i) == JobState.Running;
    }

    function noteReport(Booking memory b) internal {
        Attempt storage attempt = attempts[b.deal][b.attempt];
        attempt.times.push(block.timestamp);
        attempt.totals.push(b.earned);
        attempt.moved += b.released;
        noteCredit(b.runner, b.released);
        if (b.ends) noteEnd(b.deal);
        Run memory run = runOf(b.deal, b.attempt);
        vm.assertEq(run.earned, b.earned, "[6][22] earned is metric times rate, within reserve and deposit");
        vm.assertEq(run.reportedAt, block.timestamp, "the report's second");
        look(b.deal);
    }

    /// @dev The current run ends now, unless it ended before.
    function noteEnd(uint256 i) internal {
        if (block.timestamp < deals[i].until) deals[i].until = block.timestamp;
    }

    /// @dev The current run was settled: a provider who is leaving waits anew.
    function noteSettled(address who) internal {
        if (unbondAt[who] != 0) unbondAt[who] = block.timestamp + UNBOND_TIME;
    }

    // ---- The tables -----------------------------------------------------------------------------------------

    function isInTable(JobState from, JobState to) public pure returns (bool) {
        if (from == JobState.Absent) return to == JobState.Open;
        if (from == JobState.Open) return to == JobState.Running || to == JobState.Ended || to == JobState.Closed;
        if (from == JobState.Running) return to == JobState.Open || to == JobState.Ended || to == JobState.Disputed;
        if (from == JobState.Ended) return to == JobState.Disputed || to == JobState.Closed;
        return from == JobState.Disputed && (to == JobState.Ended || to == JobState.Closed);
    }

    function isTurn(RunState from, RunState to) internal pure returns (bool) {
        if (from == to) return true;
        if (from == RunState.Absent) return to == RunState.Live;
        if (from == RunState.Live) return to == RunState.Settled || to == RunState.Frozen;
        if (from == RunState.Settled) return to == RunState.Frozen;
        return from == RunState.Frozen && to == RunState.Ruled;
    }
}

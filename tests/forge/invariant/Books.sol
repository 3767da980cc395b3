// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Job, JobState, Provider, Run, RunState} from "../EscrowTest.sol";
import {OutsiderMoves} from "./OutsiderMoves.sol";

/// @dev The laws that hold at every moment, over all jobs and people. Numbers in brackets are those in README.md.
abstract contract Books is OutsiderMoves {
    /// @dev Sums over all runs of each provider.
    struct Sums {
        uint256[PROVIDERS] reserved;
        uint256[PROVIDERS] earned;
    }

    function checkLaws() external view {
        Sums memory sums;
        uint256 owed = cases.length * DISPUTE_BOND;
        for (uint256 i = 0; i < deals.length; ++i) {
            owed += checkDeal(i, sums);
        }
        for (uint256 k = 0; k < PEOPLE; ++k) {
            uint256 credit = escrow.creditOf(person(k));
            vm.assertEq(credit, creditDue(person(k)), "[3] credited = paid + credit");
            owed += credit;
        }
        for (uint256 k = 0; k < PROVIDERS; ++k) {
            checkProvider(runnerAt(k), sums.reserved[k], sums.earned[k]);
            owed += bonded[runnerAt(k)] * BOND_PER_UNIT;
        }
        uint256 balance = token.balanceOf(address(escrow));
        vm.assertEq(escrow.burned(), burned, "[1] burned");
        vm.assertEq(balance - donated - burned, owed, "[1] the balance is exactly what is owed, donated and burned");
        vm.assertEq(tokensIn - tokensOut, balance, "[4] all that came in and has not gone out is there");
    }

    /// @dev Returns what the escrow owes for this job: its deposit, in which an unsettled run's earnings are, and what
    /// its settled runs earned; less what has been released of each.
    function checkDeal(uint256 i, Sums memory sums) private view returns (uint256 owed) {
        Job memory job = jobOf(i);
        uint256 accounted = job.deposit + deals[i].refunded + deals[i].ruledAway + deals[i].compensation;
        owed = job.deposit;
        bool live = false;
        for (uint256 a = 1; a <= deals[i].attempts; ++a) {
            if (attempts[i][a].runner == address(0)) continue;
            Run memory run = checkRun(i, a);
            uint256 who = numberOf(attempts[i][a].runner);
            if (run.state == RunState.Live) {
                vm.assertEq(a, deals[i].attempts, "[10] only the current attempt is live");
                vm.assertLe(run.earned, job.deposit, "[6] earned within the deposit");
                live = true;
                sums.reserved[who] += unitsOf(i);
            } else {
                accounted += run.earned;
                owed += run.earned;
                sums.earned[who] += run.earned;
            }
            owed -= run.released;
        }
        vm.assertEq(accounted, deals[i].paidIn, "[2] deposits = earned + refunded + ruled away + unspent");
        vm.assertTrue(live == (runner(i) != address(0) && !job.settled), "[10] a run is live until it is settled");
        checkState(i, job);
    }

    function checkRun(uint256 i, uint256 a) private view returns (Run memory run) {
        Attempt storage attempt = attempts[i][a];
        run = runOf(i, a);
        uint256 finalEarned = finalOf(i, a);
        uint256 withdrawable = escrow.withdrawableOf(deals[i].id, uint8(a), attempt.runner);
        uint256 last = a == deals[i].attempts ? _least(run.reportedAt, deals[i].until) : run.reportedAt;
        vm.assertLe(run.earned, mostFor(i, a, last - attempt.claimedAt), "[6] earned within reserve times time");
        vm.assertLe(finalEarned, run.earned, "final is part of earned");
        vm.assertLe(run.previous, run.earned, "what was reported before is part of earned");
        vm.assertEq(run.released, attempt.paid + attempt.moved, "[3] released = paid + credited");
        vm.assertEq(run.released + withdrawable, finalEarned, "[3][12] no more is paid than is final");
        for (uint256 k = 0; k < PROVIDERS; ++k) {
            if (runnerAt(k) == attempt.runner) continue;
            RunState other = escrow.runs(deals[i].id, uint8(a), runnerAt(k)).state;
            vm.assertTrue(other == RunState.Absent, "[10] one provider an attempt");
        }
    }

    /// @dev [27] The state follows from what was done and the time alone, and says what can be done.
    function checkState(uint256 i, Job memory job) private view {
        JobState expected = job.state;
        uint256 until = deals[i].until;
        vm.assertEq(job.deadline, until, "[24] the deadline");
        if (job.state == JobState.Open && block.timestamp > until) expected = JobState.Ended;
        if (job.state == JobState.Running && block.timestamp >= until) expected = JobState.Ended;
        bool empty = job.settled && job.deposit == 0;
        bool over = block.timestamp >= ((until + GRACE) / WINDOW + 2) * WINDOW;
        if (job.state == JobState.Ended && empty && over) expected = JobState.Closed;
        JobState now_ = stateOf(i);
        vm.assertTrue(now_ == expected, "[27] the state");
        uint256 refundable = escrow.refundableOf(deals[i].id, runner(i));
        vm.assertEq(refundable, isRefundable(i) ? deals[i].paidIn - spent(i) : 0, "[27] the refund");
        if (now_ != JobState.Closed) return;
        vm.assertEq(job.deposit, 0, "nothing is left in a closed job");
        bool open = runner(i) != address(0) && isDisputable(i, deals[i].attempts);
        vm.assertTrue(!open, "the last run of a closed job cannot be disputed");
    }

    function checkProvider(address who, uint256 reserved, uint256 earned) private view {
        Provider memory record = recordOf(who);
        vm.assertEq(record.bonded, bonded[who], "[24] bonded");
        vm.assertEq(record.reserved, reserved, "[19] reserved is what live runs hold");
        vm.assertEq(record.unbondAt, unbondAt[who], "[19] when the bond is free");
        vm.assertEq(
            record.earned, earned + retiredEarned[who], "[24] a provider's record is the sum of its settled runs"
        );
        vm.assertEq(record.completed, completed[who], "[24] completed");
        vm.assertEq(record.lapsed, lapsed[who], "[24] lapsed");
        vm.assertEq(record.disputesLost, lost[who], "[24] disputes lost");
    }

    function numberOf(address who) private view returns (uint256 k) {
        while (runnerAt(k) != who) ++k;
    }
}

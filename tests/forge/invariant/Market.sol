// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Job, Run} from "contracts/interfaces/IDRaaSEscrow.sol";
import {DRaaSEscrow} from "contracts/DRaaSEscrow.sol";
import {ResourceToken} from "contracts/ResourceToken.sol";
import {EscrowTest, JobState, JobTerms, RunRef, Usage, UsageReport} from "../EscrowTest.sol";
import {History} from "./History.sol";

/// @dev What the handler's moves are made of: the jobs posted, a ledger of our own beside the escrow's, and the ways to
/// find a job for which a move must succeed.
abstract contract Market is EscrowTest {
    enum Move {
        Post,
        TopUp,
        Claim,
        Report,
        Complete,
        Cancel,
        Decline,
        Lapse,
        Refund,
        Withdraw,
        Dispute,
        Rule,
        RuleByDefault,
        WithdrawCredit,
        Rebond,
        Grief
    }

    uint256 public constant MAX_JOBS = 12;
    /// @dev Seconds after which everybody can have all of his money, whatever others do: the longest duration and its
    /// grace, or the time for a ruling; the windows and the unbonding are shorter.
    uint256 public constant LONGEST_WAIT = 560 + GRACE + RULING_TIME;

    JobTerms[] internal _terms;
    bytes32[] public ids;
    mapping(Move => uint256) public done;
    mapping(bytes32 id => uint256) public paidIn;
    mapping(bytes32 id => uint256) public refunded;
    mapping(bytes32 id => mapping(uint8 attempt => uint256)) public paidOut;
    mapping(bytes32 id => uint256) public creditedByRuling;
    mapping(bytes32 id => mapping(uint8 attempt => uint256)) public openedAt;
    uint256 public openDisputes;
    RunRef[] internal _open;
    History public history;

    /// @dev Compares every job with how it was before this move.
    modifier watched() {
        _;
        history.look(ids);
    }

    function setUp() public override {
        super.setUp();
        history = new History(escrow);
    }

    // ---- Views for the laws ---------------------------------------------------------------------------------------

    function count() external view returns (uint256) {
        return ids.length;
    }

    function market() external view returns (DRaaSEscrow, ResourceToken, address[4] memory people) {
        return (escrow, token, [consumer, watcher, provider, rival]);
    }

    function doRefund(uint256 i) internal {
        uint256 before = token.balanceOf(consumer);
        vm.prank(stranger);
        escrow.refund(_terms[i]);
        refunded[ids[i]] += token.balanceOf(consumer) - before;
        ++done[Move.Refund];
    }

    function doWithdraw(address who) internal {
        RunRef[] memory refs = allRuns();
        uint256 due = withdrawable(who);
        uint256 before = token.balanceOf(who);
        for (uint256 k = 0; k < refs.length; ++k) {
            if (escrow.runs(refs[k].jobId, refs[k].attempt).provider != who) continue;
            paidOut[refs[k].jobId][refs[k].attempt] += escrow.withdrawableOf(refs[k].jobId, refs[k].attempt);
        }
        vm.prank(who);
        escrow.withdraw(refs);
        vm.assertEq(token.balanceOf(who) - before, due, "a withdrawal pays what the view says");
        ++done[Move.Withdraw];
    }

    function doRule(uint256 place, RunRef memory ref, uint256 share, bool byArbiter) internal {
        bool due = block.timestamp > openedAt[ref.jobId][ref.attempt] + RULING_TIME;
        if (byArbiter == due) return;
        uint256 before = earned(ref.jobId, ref.attempt);
        if (byArbiter) {
            vm.prank(arbiter);
            escrow.rule(ref.jobId, ref.attempt, share);
        } else {
            escrow.ruleByDefault(ref.jobId, ref.attempt);
        }
        if (ref.attempt != escrow.jobs(ref.jobId).attempt) {
            creditedByRuling[ref.jobId] += before - earned(ref.jobId, ref.attempt);
        }
        --openDisputes;
        _open[place] = _open[_open.length - 1];
        _open.pop();
        ++done[byArbiter ? Move.Rule : Move.RuleByDefault];
    }

    function doWithdrawCredit(uint256 seed) internal {
        address[4] memory people = [consumer, watcher, provider, rival];
        if (escrow.creditOf(people[seed % 4]) == 0) return;
        vm.prank(people[seed % 4]);
        escrow.withdrawCredit();
        ++done[Move.WithdrawCredit];
    }

    function doStartUnbond(address who) internal {
        vm.prank(who);
        escrow.startUnbond();
    }

    function doWithdrawBond(address who) internal {
        vm.prank(who);
        escrow.withdrawBond();
    }

    /// @dev From honest to far above the cap, but never below what was reported.
    function nextReport(uint256 i, uint256 span) internal view returns (UsageReport memory) {
        Usage memory u = currentRun(i).usage;
        uint64 more = uint64(span % 2000);
        Usage memory usage =
            Usage(u.cpuMs + more * 999, u.memoryMibS + more * 7, u.egressKib + more % 3, u.wallS + more);
        return reportOf(ids[i], escrow.jobs(ids[i]).attempt, usage);
    }

    function currentRun(uint256 i) internal view returns (Run memory) {
        return escrow.runs(ids[i], escrow.jobs(ids[i]).attempt);
    }

    function find(uint256 seed, JobState state) internal view returns (bool, uint256 i) {
        for (uint256 k = 0; k < ids.length; ++k) {
            i = (seed % ids.length + k) % ids.length;
            if (escrow.stateOf(ids[i]) == state) return (true, i);
        }
        return (false, 0);
    }

    function findReportable(uint256 seed) internal view returns (bool, uint256 i) {
        for (uint256 k = 0; k < ids.length; ++k) {
            i = (seed % ids.length + k) % ids.length;
            Run memory run = currentRun(i);
            Job memory job = escrow.jobs(ids[i]);
            bool live = run.provider != address(0) && !run.settled && job.state != JobState.Closed;
            if (live && block.timestamp <= job.deadline + GRACE) return (true, i);
        }
        return (false, 0);
    }

    function findDisputable(uint256 seed) internal view returns (bool, uint256 i, uint8 attempt) {
        for (uint256 k = 0; k < ids.length; ++k) {
            i = (seed % ids.length + k) % ids.length;
            for (attempt = escrow.jobs(ids[i]).attempt; attempt > 0; --attempt) {
                bool isFinal = earned(ids[i], attempt) == finalEarned(ids[i], attempt);
                if (!isFinal && !escrow.runs(ids[i], attempt).frozen) return (true, i, attempt);
            }
        }
        return (false, 0, 0);
    }

    function allRuns() internal view returns (RunRef[] memory refs) {
        uint256 n;
        for (uint256 i = 0; i < ids.length; ++i) {
            n += escrow.jobs(ids[i]).attempt;
        }
        refs = new RunRef[](n);
        for (uint256 i = 0; i < ids.length; ++i) {
            for (uint8 a = 1; a <= escrow.jobs(ids[i]).attempt; ++a) {
                refs[--n] = RunRef(ids[i], a);
            }
        }
    }

    function withdrawable(address who) internal view returns (uint256 sum) {
        RunRef[] memory refs = allRuns();
        for (uint256 k = 0; k < refs.length; ++k) {
            if (escrow.runs(refs[k].jobId, refs[k].attempt).provider != who) continue;
            sum += escrow.withdrawableOf(refs[k].jobId, refs[k].attempt);
        }
    }
}

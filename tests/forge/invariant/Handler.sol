// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Job, Run} from "contracts/interfaces/IDRaaSEscrow.sol";
import {DRaaSEscrow} from "contracts/DRaaSEscrow.sol";
import {ResourceToken} from "contracts/ResourceToken.sol";
import {EscrowTest, JobState, JobTerms, RunRef, Usage, UsageReport} from "../EscrowTest.sol";
import {History} from "./History.sol";

/// @dev Everybody's moves, each made only where it must succeed, so that any revert is a fault. Counts what was done,
/// and keeps a ledger of its own beside the escrow's.
contract Handler is EscrowTest {
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
    uint256 public constant LONGEST_WAIT = 320 + GRACE + RULING_TIME;

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

    // ---- Consumer, scheduler, anybody ---------------------------------------------------------------------------

    function post(uint256 seed) external watched {
        if (ids.length == MAX_JOBS) return;
        JobTerms memory terms = someTerms();
        terms.scheduler = seed % 3 == 0 ? address(0) : scheduler;
        terms.duration = uint32(20 + seed % 300);
        uint256 deposit = price(5 + seed % 350) + seed % 7;
        vm.prank(consumer);
        bytes32 id = escrow.postJob(terms, deposit);
        _terms.push(terms);
        ids.push(id);
        paidIn[id] = deposit;
        ++done[Move.Post];
    }

    function topUp(uint256 seed, uint256 amount) external watched {
        amount %= 1e9;
        (bool found, uint256 i) = find(seed, seed % 2 == 0 ? JobState.Open : JobState.Running);
        if (!found || amount == 0) return;
        vm.prank(watcher);
        escrow.topUp(ids[i], amount);
        paidIn[ids[i]] += amount;
        ++done[Move.TopUp];
    }

    function cancel(uint256 seed) external watched {
        (bool found, uint256 i) = find(seed, seed % 2 == 0 ? JobState.Open : JobState.Running);
        if (!found || seed % 3 != 0) return;
        uint256 before = token.balanceOf(consumer);
        vm.prank(consumer);
        escrow.cancelJob(_terms[i]);
        refunded[ids[i]] += token.balanceOf(consumer) - before;
        ++done[Move.Cancel];
    }

    function decline(uint256 seed) external watched {
        (bool found, uint256 i) = find(seed, JobState.Open);
        if (!found || _terms[i].scheduler == address(0) || seed % 3 != 0) return;
        uint256 before = token.balanceOf(consumer);
        vm.prank(scheduler);
        escrow.declineJob(_terms[i], "no");
        refunded[ids[i]] += token.balanceOf(consumer) - before;
        ++done[Move.Decline];
    }

    function refund(uint256 seed) external watched {
        (bool found, uint256 i) = find(seed, JobState.Ended);
        if (!found || escrow.refundableOf(ids[i]) == 0) return;
        doRefund(i);
    }

    function lapse(uint256 seed) external watched {
        (bool found, uint256 i) = find(seed, JobState.Running);
        if (!found) return;
        uint256 lapsesAt = currentRun(i).reportedAt + LAPSE_AFTER + 1;
        if (seed % 2 == 0 && lapsesAt < escrow.jobs(ids[i]).deadline && block.timestamp < lapsesAt) vm.warp(lapsesAt);
        if (block.timestamp < lapsesAt) return;
        vm.prank(stranger);
        escrow.lapseJob(_terms[i]);
        ++done[Move.Lapse];
    }

    // ---- Providers ------------------------------------------------------------------------------------------------

    function claim(uint256 seed) external watched {
        (bool found, uint256 i) = find(seed, JobState.Open);
        address who = seed % 2 == 0 ? provider : rival;
        if (!found || escrow.providers(who).bond < MIN_BOND || escrow.providers(who).unbondAt != 0) return;
        claim(_terms[i], escrow.jobs(ids[i]).attempt, who);
        ++done[Move.Claim];
    }

    function report(uint256 seed, uint256 span) external watched {
        (bool found, uint256 i) = findReportable(seed);
        if (!found) return;
        UsageReport[] memory reports = new UsageReport[](1);
        reports[0] = nextReport(i, span);
        vm.prank(currentRun(i).provider);
        escrow.reportUsage(reports);
        ++done[Move.Report];
    }

    function complete(uint256 seed, uint256 span) external watched {
        (bool found, uint256 i) = findReportable(seed);
        if (!found || seed % 4 != 0) return;
        UsageReport memory last = nextReport(i, span);
        vm.prank(currentRun(i).provider);
        escrow.completeJob(last, 0, "");
        ++done[Move.Complete];
    }

    function withdraw(uint256 seed) external watched {
        address who = seed % 2 == 0 ? provider : rival;
        if (withdrawable(who) != 0) doWithdraw(who);
    }

    /// @dev Leaves, takes the bond out or comes back, whichever is next.
    function rebond(uint256 seed) external watched {
        address who = seed % 2 == 0 ? provider : rival;
        uint256 unbondAt = escrow.providers(who).unbondAt;
        if (escrow.providers(who).bond == 0) register(who);
        else if (unbondAt == 0 && seed % 8 == 0) doStartUnbond(who);
        else if (unbondAt != 0 && block.timestamp >= unbondAt) doWithdrawBond(who);
        else return;
        ++done[Move.Rebond];
    }

    // ---- Disputes -------------------------------------------------------------------------------------------------

    function dispute(uint256 seed) external watched {
        (bool found, uint256 i, uint8 attempt) = findDisputable(seed);
        if (!found) return;
        address[3] memory openers = [consumer, watcher, escrow.runs(ids[i], attempt).provider];
        vm.prank(openers[(seed >> 16) % 3]);
        escrow.dispute(_terms[i], attempt, "");
        ++openDisputes;
        openedAt[ids[i]][attempt] = block.timestamp;
        _open.push(RunRef(ids[i], attempt));
        ++done[Move.Dispute];
    }

    function rule(uint256 seed, uint256 share) external watched {
        if (_open.length == 0) return;
        RunRef memory ref = _open[seed % _open.length];
        uint256 dueAt = openedAt[ref.jobId][ref.attempt] + RULING_TIME + 1;
        if (seed % 6 == 1 && block.timestamp < dueAt) vm.warp(dueAt);
        doRule(seed % _open.length, ref, share % 10_001, block.timestamp < dueAt);
    }

    function withdrawCredit(uint256 seed) external watched {
        doWithdrawCredit(seed);
    }

    // ---- Time and a griefer ---------------------------------------------------------------------------------------

    function pass(uint256 span) external watched {
        vm.warp(block.timestamp + 1 + (span % 5 == 0 ? span % 150 : span % 20));
    }

    /// @dev A stranger tries what is not his to do; each try must revert.
    function grief(uint256 seed) external watched {
        if (ids.length == 0) return;
        uint256 i = seed % ids.length;
        JobTerms memory terms = _terms[i];
        bytes[7] memory tries = [
            abi.encodeCall(escrow.cancelJob, (terms)),
            abi.encodeCall(escrow.declineJob, (terms, "")),
            abi.encodeCall(escrow.postJob, (terms, 1)),
            abi.encodeCall(escrow.withdraw, (refOf(ids[i], 1))),
            abi.encodeCall(escrow.completeJob, (reportOf(ids[i], 1, full(9)), 0, "")),
            abi.encodeCall(escrow.rule, (ids[i], 1, 0)),
            abi.encodeCall(escrow.dispute, (terms, 1, ""))
        ];
        for (uint256 k = 0; k < tries.length; ++k) {
            vm.prank(stranger);
            (bool success,) = address(escrow).call(tries[k]);
            vm.assertTrue(!success, "a stranger's call went through");
        }
        ++done[Move.Grief];
    }

    /// @dev Everybody falls silent but for what each may do alone; afterwards nothing may be left in the escrow.
    function everybodyLeaves() external watched {
        address[2] memory both = [provider, rival];
        for (uint256 k = 0; k < 2; ++k) {
            if (escrow.providers(both[k]).bond != 0 && escrow.providers(both[k]).unbondAt == 0) doStartUnbond(both[k]);
        }
        vm.warp(block.timestamp + LONGEST_WAIT);
        history.look(ids);
        while (_open.length != 0) {
            doRule(0, _open[0], 0, false);
        }
        history.look(ids);
        for (uint256 i = 0; i < ids.length; ++i) {
            if (escrow.refundableOf(ids[i]) != 0) doRefund(i);
        }
        for (uint256 k = 0; k < 2; ++k) {
            if (withdrawable(both[k]) != 0) doWithdraw(both[k]);
            if (escrow.providers(both[k]).bond != 0) doWithdrawBond(both[k]);
        }
        for (uint256 k = 0; k < 4; ++k) {
            doWithdrawCredit(k);
        }
    }

    // ---- Views for the laws ---------------------------------------------------------------------------------------

    function count() external view returns (uint256) {
        return ids.length;
    }

    function market() external view returns (DRaaSEscrow, ResourceToken, address[4] memory people) {
        return (escrow, token, [consumer, watcher, provider, rival]);
    }

    function doRefund(uint256 i) private {
        uint256 before = token.balanceOf(consumer);
        vm.prank(stranger);
        escrow.refund(_terms[i]);
        refunded[ids[i]] += token.balanceOf(consumer) - before;
        ++done[Move.Refund];
    }

    function doWithdraw(address who) private {
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

    function doRule(uint256 place, RunRef memory ref, uint256 share, bool byArbiter) private {
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

    function doWithdrawCredit(uint256 seed) private {
        address[4] memory people = [consumer, watcher, provider, rival];
        if (escrow.creditOf(people[seed % 4]) == 0) return;
        vm.prank(people[seed % 4]);
        escrow.withdrawCredit();
        ++done[Move.WithdrawCredit];
    }

    function doStartUnbond(address who) private {
        vm.prank(who);
        escrow.startUnbond();
    }

    function doWithdrawBond(address who) private {
        vm.prank(who);
        escrow.withdrawBond();
    }

    /// @dev From honest to far above the cap, but never below what was reported.
    function nextReport(uint256 i, uint256 span) private view returns (UsageReport memory) {
        Usage memory u = currentRun(i).usage;
        uint64 more = uint64(span % 2000);
        Usage memory usage =
            Usage(u.cpuMs + more * 999, u.memoryMibS + more * 7, u.egressKib + more % 3, u.wallS + more);
        return reportOf(ids[i], escrow.jobs(ids[i]).attempt, usage);
    }

    function currentRun(uint256 i) private view returns (Run memory) {
        return escrow.runs(ids[i], escrow.jobs(ids[i]).attempt);
    }

    function find(uint256 seed, JobState state) private view returns (bool, uint256 i) {
        for (uint256 k = 0; k < ids.length; ++k) {
            i = (seed % ids.length + k) % ids.length;
            if (escrow.stateOf(ids[i]) == state) return (true, i);
        }
        return (false, 0);
    }

    function findReportable(uint256 seed) private view returns (bool, uint256 i) {
        for (uint256 k = 0; k < ids.length; ++k) {
            i = (seed % ids.length + k) % ids.length;
            Run memory run = currentRun(i);
            Job memory job = escrow.jobs(ids[i]);
            bool live = run.provider != address(0) && !run.settled && job.state != JobState.Closed;
            if (live && block.timestamp <= job.deadline + GRACE) return (true, i);
        }
        return (false, 0);
    }

    function findDisputable(uint256 seed) private view returns (bool, uint256 i, uint8 attempt) {
        for (uint256 k = 0; k < ids.length; ++k) {
            i = (seed % ids.length + k) % ids.length;
            for (attempt = escrow.jobs(ids[i]).attempt; attempt > 0; --attempt) {
                bool isFinal = earned(ids[i], attempt) == finalEarned(ids[i], attempt);
                if (!isFinal && !escrow.runs(ids[i], attempt).frozen) return (true, i, attempt);
            }
        }
        return (false, 0, 0);
    }

    function allRuns() private view returns (RunRef[] memory refs) {
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

    function withdrawable(address who) private view returns (uint256 sum) {
        RunRef[] memory refs = allRuns();
        for (uint256 k = 0; k < refs.length; ++k) {
            if (escrow.runs(refs[k].jobId, refs[k].attempt).provider != who) continue;
            sum += escrow.withdrawableOf(refs[k].jobId, refs[k].attempt);
        }
    }
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {JobState, JobTerms, RunRef, UsageReport} from "../EscrowTest.sol";
import {Market} from "./Market.sol";

/// @dev Everybody's moves, each made only where it must succeed, so that any revert is a fault.
contract Handler is Market {
    // ---- Consumer, scheduler, anybody ---------------------------------------------------------------------------

    function post(uint256 seed) external watched {
        if (ids.length == MAX_JOBS) return;
        JobTerms memory terms = someTerms();
        terms.scheduler = seed % 3 == 0 ? address(0) : scheduler;
        terms.duration = uint32(60 + seed % 500);
        uint256 deposit = price(20 + seed % 700) + seed % 7;
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
}

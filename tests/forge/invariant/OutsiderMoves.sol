// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Job, JobState, JobTerms, Run, UsageReport} from "../EscrowTest.sol";
import {DisputeMoves} from "./DisputeMoves.sol";
import {Move} from "./Market.sol";

/// @dev What anybody may do, what nobody may, and time.
abstract contract OutsiderMoves is DisputeMoves {
    /// @dev Waits, sometimes, until a silent run lapses.
    function lapse(uint256 seed) external watched {
        (bool found, uint256 i) = find(seed, JobState.Running);
        if (!found) return;
        uint256 lapsesAt = runOf(i, deals[i].attempts).reportedAt + LAPSE_AFTER + 1;
        bytes memory call = abi.encodeCall(escrow.lapseJob, (deals[i].terms, runner(i)));
        if (seed % 2 == 0 && lapsesAt < deals[i].until && block.timestamp < lapsesAt) {
            vm.warp(lapsesAt - 1);
            mustFail(relayer, call);
            vm.warp(lapsesAt);
        }
        if (block.timestamp < lapsesAt) return mustFail(relayer, call);
        look(i);
        doLapse(i, call);
        finish(i, Move.Lapse);
    }

    function refund(uint256 seed) external watched {
        (bool found, uint256 i) = findRefundable(seed);
        if (!found) (found, i) = untilGraceIsOver(seed);
        if (!found) return;
        look(i);
        doRefund(i, relayer);
        finish(i, Move.Refund);
    }

    function donate(uint256 seed) external watched {
        uint256 amount = 1 + seed % 1000;
        vm.prank(donor);
        token.transfer(address(escrow), amount);
        (donated, tokensIn) = (donated + amount, tokensIn + amount);
        ++done[Move.Donate];
    }

    /// @dev Seconds or minutes, to the very moment at which something changes, or past everything.
    function pass(uint256 seed, uint256 span) external watched {
        uint256 i = deals.length == 0 ? 0 : (seed >> 8) % deals.length;
        bool toMoment = seed % 8 < 4 && seed % 8 != 0 && deals.length != 0;
        uint256 target = block.timestamp + 1 + span % 9;
        if (seed % 8 == 0) target = block.timestamp + span % 80;
        if (toMoment) target = momentOf(i, span);
        if (seed % 64 == 7) target = block.timestamp + 1 + span % (2 * UNBOND_TIME);
        if (toMoment && target > block.timestamp + 2 * WINDOW) target = block.timestamp + 1;
        if (target > block.timestamp) vm.warp(target);
        if (toMoment) tryEdges(i);
        ++done[Move.Pass];
    }

    function grief(uint256 seed) external watched {
        if (deals.length == 0) return;
        uint256 i = (seed >> 16) % deals.length;
        for (uint256 k = 0; k < 3; ++k) {
            (address who, bytes memory call) = wrongCall(i, seed % 24 + 8 * k);
            if (who != address(0)) mustFail(who, call);
        }
        ++done[Move.Grief];
    }

    // ---- What the moves are made of -------------------------------------------------------------------------

    /// @dev An ended job whose provider may still report, at the first second at which it may not.
    function untilGraceIsOver(uint256 seed) private returns (bool found, uint256 i) {
        (found, i) = findReportable(seed);
        if (!found || stateOf(i) != JobState.Ended) return (false, 0);
        Deal storage deal = deals[i];
        bytes memory call = abi.encodeCall(escrow.refund, (deal.terms.consumer, deal.termsHash, runner(i)));
        vm.warp(deal.until + GRACE);
        mustFail(relayer, call);
        vm.warp(deal.until + GRACE + 1);
        bytes memory last =
            abi.encodeCall(escrow.completeJob, (reportOf(deal.id, uint8(deal.attempts), full(1e6)), 0, ""));
        mustFail(runner(i), last);
    }

    function doLapse(uint256 i, bytes memory call) private {
        address who = runner(i);
        bytes32 past = pastOf(i);
        Run memory before = runOf(i, deals[i].attempts);
        uint256 left = deals[i].until - before.reportedAt;
        act(relayer, call);
        noteSettled(who);
        if (++lapsed[who] % LAPSES_PER_SLASH == 0) burned += noteSlash(who, unitsOf(i));
        vm.assertTrue(pastOf(i) == past, "[11] a lapse leaves earlier attempts as they were");
        Run memory now_ = runOf(i, deals[i].attempts);
        vm.assertEq(now_.earned, before.earned, "[11] what was earned stays earned");
        vm.assertEq(now_.released, before.released, "[11] what was earned stays earned");
        (deals[i].left, deals[i].until) = (left, block.timestamp + deals[i].terms.claimWithin);
        ++deals[i].attempts;
    }

    function doRefund(uint256 i, address who) internal {
        Deal storage deal = deals[i];
        bool settles = !jobOf(i).settled && runner(i) != address(0);
        uint256 due = escrow.refundableOf(deal.id, runner(i));
        vm.assertEq(due, deal.paidIn - spent(i), "[2][27] all that is unspent can be refunded");
        uint256 before = token.balanceOf(deal.terms.consumer);
        if (settles && block.timestamp % 2 == 0) {
            vm.prank(who);
            escrow.settleJob(deal.id, runner(i));
            noteSettled(runner(i));
            settles = false;
            if (due == 0) return;
        }
        vm.prank(who);
        escrow.refund(deal.terms.consumer, deal.termsHash, runner(i));
        vm.assertEq(token.balanceOf(deal.terms.consumer) - before, due, "[27] a refund pays what the view says");
        deal.refunded += due;
        tokensOut += due;
        if (settles) noteSettled(runner(i));
    }

    /// @dev The first second of, or the last before, whatever this job waits for.
    function momentOf(uint256 i, uint256 span) private view returns (uint256) {
        uint256 until = deals[i].until;
        uint256 reportedAt = attempts[i][deals[i].attempts].reportedAt;
        uint256 kind = (span >> 8) % 7;
        if (kind == 0) return until + span % 2;
        if (kind == 1) return until + GRACE + span % 2;
        if (kind == 2) return reportedAt + LAPSE_AFTER + span % 2;
        if (kind == 3) return (reportedAt / WINDOW + 2) * WINDOW - span % 2;
        if (kind == 4) return ((until + GRACE) / WINDOW + 2) * WINDOW - span % 2;
        if (kind == 5 && cases.length != 0) return cases[span % cases.length].openedAt + RULING_TIME + span % 2;
        return (block.timestamp / WINDOW + 1) * WINDOW - span % 2;
    }

    /// @dev At such a moment, all that is not yet, or no more, to be done with this job.
    function tryEdges(uint256 i) private {
        look(i);
        uint8[11] memory kinds = [6, 16, 17, 18, 19, 20, 21, 22, 23, 30, 38];
        for (uint256 k = 0; k < kinds.length; ++k) {
            (address who, bytes memory call) = wrongCall(i, kinds[k]);
            if (who != address(0)) mustFail(who, call);
        }
        uint256 due = isRefundable(i) ? deals[i].paidIn - spent(i) : 0;
        vm.assertEq(escrow.refundableOf(deals[i].id, runner(i)), due, "[27] the refund");
    }

    /// @dev One of the calls that must be refused, as things are; nobody's when this one might go through.
    function wrongCall(uint256 i, uint256 kind) private view returns (address, bytes memory) {
        JobTerms memory terms = deals[i].terms;
        bytes32 id = deals[i].id;
        JobState state = stateOf(i);
        uint8 attempt = uint8(deals[i].attempts);
        if (kind == 0) return (stranger, abi.encodeCall(escrow.cancelJob, (deals[i].termsHash)));
        if (kind == 1) return (stranger, abi.encodeCall(escrow.declineJob, (terms, "")));
        if (kind == 2) return (stranger, abi.encodeCall(escrow.postJob, (terms, 1)));
        if (kind == 3) return (terms.consumer, abi.encodeCall(escrow.postJob, (terms, 1)));
        if (kind == 4) return (stranger, abi.encodeCall(escrow.withdraw, (refsOf(runner(i)))));
        if (kind == 5) return (stranger, abi.encodeCall(escrow.completeJob, (reportOf(id, attempt, full(9)), 0, "")));
        if (kind == 6) return (stranger, abi.encodeCall(escrow.rule, (cases.length == 0 ? 0 : cases[0].id, 5001)));
        if (kind == 7) return (stranger, abi.encodeCall(escrow.dispute, (terms, attempt, runner(i), "")));
        if (kind == 8) return (stranger, abi.encodeCall(escrow.withdrawBond, ()));
        if (kind == 9) return (stranger, abi.encodeCall(escrow.startUnbond, ()));
        if (kind == 10) return (stranger, abi.encodeCall(escrow.setRates, (rates())));
        if (kind == 11) return (stranger, abi.encodeCall(escrow.claimJob, (terms, "image", 1, "")));
        if (kind == 12) return (donor, abi.encodeCall(escrow.topUp, (id, uint256(type(uint72).max)))); // [24]
        if (kind == 13) return (donor, abi.encodeCall(escrow.topUp, (id, 0)));
        if (kind == 14 && bonded[runnerAt(i)] != 0) {
            return (runnerAt(i), abi.encodeCall(escrow.register, (type(uint32).max, rates())));
        }
        if (kind == 15 && cases.length != 0) {
            return (stranger, abi.encodeCall(escrow.submitEvidence, (cases[0].id, "")));
        }
        if (kind == 16) return earlyBond(runnerAt(i));
        if (kind < 24) return wrongInState(i, kind, state, terms);
        return wrongForRun(i, kind, terms);
    }

    /// @dev [9][27] What the state says is not to be done cannot be done.
    function wrongInState(uint256 i, uint256 kind, JobState state, JobTerms memory terms)
        private
        view
        returns (address, bytes memory)
    {
        bytes32 hash = deals[i].termsHash;
        bool active = state == JobState.Open || state == JobState.Running;
        if (kind == 17 && state != JobState.Open) {
            return (provider, claimCall(provider, i));
        }
        if (kind == 18 && !active) return (terms.consumer, abi.encodeCall(escrow.cancelJob, (hash)));
        if (kind == 19 && !active) return (donor, abi.encodeCall(escrow.topUp, (deals[i].id, 1)));
        if (kind == 20 && state != JobState.Open) return (scheduler, abi.encodeCall(escrow.declineJob, (terms, "")));
        if (kind == 21 && !isRefundable(i)) {
            return (terms.consumer, abi.encodeCall(escrow.refund, (terms.consumer, hash, runner(i))));
        }
        if (kind == 22 && state != JobState.Running) {
            return (relayer, abi.encodeCall(escrow.lapseJob, (terms, runner(i))));
        }
        if (kind == 23 && !mayClaim(runnerAt(i), i)) return (runnerAt(i), claimCall(runnerAt(i), i));
        return (address(0), "");
    }

    function wrongForRun(uint256 i, uint256 kind, JobTerms memory terms) private view returns (address, bytes memory) {
        uint8 attempt = uint8(deals[i].attempts);
        if (runner(i) == address(0) && attempt > 1) --attempt;
        address who = attempts[i][attempt].runner;
        if (who == address(0)) return (address(0), "");
        bool reportable = attempt == deals[i].attempts && isReportable(i);
        if (kind < 29 && reportable && runOf(i, attempt).earned != 0) {
            UsageReport[] memory fallen = new UsageReport[](1); // [5]
            fallen[0] = reportOf(deals[i].id, attempt, full(0));
            return (who, abi.encodeCall(escrow.reportUsage, (fallen)));
        }
        bytes memory last = abi.encodeCall(escrow.completeJob, (reportOf(deals[i].id, attempt, full(1e6)), 0, ""));
        if (kind < 32 && !reportable) return (who, last);
        // A refund of a run that another is named for would leave this one's provider unpaid.
        bytes memory wrongName = abi.encodeCall(escrow.refund, (terms.consumer, deals[i].termsHash, stranger));
        if (kind < 36 && !jobOf(i).settled && runner(i) != address(0)) return (relayer, wrongName);
        if (isDisputable(i, attempt)) return (address(0), "");
        bytes memory late = abi.encodeCall(escrow.dispute, (terms, attempt, who, ""));
        return (terms.consumer, late);
    }

    function earlyBond(address who) private view returns (address, bytes memory) {
        bool free = unbondAt[who] != 0 && block.timestamp >= unbondAt[who] && recordOf(who).reserved == 0;
        return free ? (address(0), bytes("")) : (who, abi.encodeCall(escrow.withdrawBond, ()));
    }
}

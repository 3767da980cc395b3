// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Disputable} from "./Disputable.sol";
import {IDRaaSEscrow, JobState, JobTerms, RunRef, SignedReport, UsageReport} from "./EscrowTest.sol";

/// @dev One who is consumer, scheduler, watcher and provider at once, beside honest people's money.
contract AttackSybilTest is Disputable {
    uint256 private constant KEY = 0x51B1;
    uint256 private constant OWN = 1e15;

    address private one = vm.addr(KEY);
    uint256 private honest; // what is in the escrow before the sybil comes
    JobTerms[] private jobs;
    uint256[] private opened;

    function setUp() public override {
        super.setUp();
        (, bytes32 id) = running();
        at(10);
        report(id, 1, full(10));
        honest = token.balanceOf(address(escrow));
        token.transfer(one, OWN);
        vm.deal(one, 1 ether);
        vm.prank(one);
        token.approve(address(escrow), type(uint256).max);
        register(one);
    }

    function test_slashing_oneself_is_a_loss() public {
        for (uint256 i = 0; i < 9; ++i) {
            start();
            vm.warp(block.timestamp + LAPSE_AFTER + 1);
            escrow.lapseJob(jobs[i], one);
        }
        vm.assertEq(escrow.burned(), 3 * RUN_BOND); // a loss, not a way to take a bond out
        leaveWithEverything();
    }

    function test_disputing_oneself_pays_what_one_put_in(uint256 ruling) public {
        start();
        vm.warp(block.timestamp + 20);
        reportOwn(0, 20);
        uint256 disputeId = openDispute(one, jobs[0], 1, one);
        arbitrator.giveRuling(disputeId, ruling % 10_002);
        leaveWithEverything();
    }

    function test_co_signing_oneself_pays_what_one_put_in() public {
        start();
        vm.warp(block.timestamp + 610); // within the grace
        coSign(0, 600);
        coSign(0, 601);
        vm.assertEq(escrow.creditOf(one), price(600));
        leaveWithEverything();
    }

    function test_two_accomplices_gain_nothing_from_a_bought_ruling() public {
        // A consumer and a provider that are one: whatever is ruled, the two together have what they had.
        for (uint256 share = 0; share <= 10_000; share += 2500) {
            start();
            vm.warp(block.timestamp + 20);
            reportOwn(jobs.length - 1, 20);
            ruleShare(openDispute(one, jobs[jobs.length - 1], 1, one), share);
        }
        leaveWithEverything();
    }

    function test_no_sequence_of_acts_with_oneself_pays_more_than_was_put_in(uint256 seed) public {
        for (uint256 i = 0; i < 40; ++i) {
            uint256 dice = uint256(keccak256(abi.encode(seed, i)));
            vm.warp(block.timestamp + dice % 37);
            if (jobs.length < 4) start();
            act(dice >> 8);
            vm.assertLe(token.balanceOf(one), OWN, "never more than was put in");
            vm.assertGe(token.balanceOf(address(escrow)), honest, "others' money");
        }
        leaveWithEverything();
    }

    // ---- Builders -------------------------------------------------------------------------------------------

    function act(uint256 dice) private {
        uint256 i = (dice >> 8) % jobs.length;
        uint8 attempt = escrow.jobs(escrow.jobIdOf(jobs[i])).attempt;
        uint256 kind = dice % 11;
        if (kind < 2) reportOwn(i, (dice >> 16) % 700);
        else if (kind == 2) coSign(i, (dice >> 16) % 700);
        else if (kind == 3) call(abi.encodeCall(IDRaaSEscrow.cancelJob, (termsHashOf(jobs[i]))), 0);
        else if (kind == 4) call(abi.encodeCall(IDRaaSEscrow.lapseJob, (jobs[i], one)), 0);
        else if (kind == 5) call(abi.encodeCall(IDRaaSEscrow.refund, (one, termsHashOf(jobs[i]), one)), 0);
        else if (kind == 6) call(abi.encodeCall(IDRaaSEscrow.withdraw, (refOf(escrow.jobIdOf(jobs[i]), attempt))), 0);
        else if (kind == 7) call(abi.encodeCall(IDRaaSEscrow.claimJob, (jobs[i], 0, 0, "")), 0);
        else if (kind == 8) disputeOwn(i, attempt);
        else if (kind == 9) ruleSome((dice >> 16) % 10_002);
        else completeOwn(i, attempt, (dice >> 16) % 700);
    }

    /// @dev A job of one's own, claimed by oneself.
    function start() private {
        JobTerms memory terms = someTerms();
        (terms.consumer, terms.scheduler, terms.watcher) = (one, address(0), one);
        jobs.push(terms);
        call(abi.encodeCall(IDRaaSEscrow.postJob, (terms, DEPOSIT)), 0);
        call(abi.encodeCall(IDRaaSEscrow.claimJob, (terms, 0, 0, "")), 0);
    }

    function reportOwn(uint256 i, uint256 span) private {
        UsageReport[] memory reports = new UsageReport[](1);
        bytes32 id = escrow.jobIdOf(jobs[i]);
        reports[0] = reportOf(id, escrow.jobs(id).attempt, full(span));
        call(abi.encodeCall(IDRaaSEscrow.reportUsage, (reports)), 0);
    }

    function completeOwn(uint256 i, uint8 attempt, uint256 span) private {
        UsageReport memory r = reportOf(escrow.jobIdOf(jobs[i]), attempt, full(span));
        call(abi.encodeCall(IDRaaSEscrow.completeJob, (r, 0, "")), 0);
    }

    function coSign(uint256 i, uint256 span) private {
        bytes32 id = escrow.jobIdOf(jobs[i]);
        uint64 until = uint64(block.timestamp);
        UsageReport memory r = reportOf(id, escrow.jobs(id).attempt, full(span));
        bytes memory signature = signedReport(KEY, r, until);
        SignedReport memory signed = SignedReport(one, r, until, signature);
        call(abi.encodeCall(IDRaaSEscrow.reportFinal, (signed, one, termsHashOf(jobs[i]), signature)), 0);
    }

    function disputeOwn(uint256 i, uint8 attempt) private {
        (bool success, bytes memory answer) =
            call(abi.encodeCall(IDRaaSEscrow.dispute, (jobs[i], attempt, one, "")), FEE);
        if (success) opened.push(abi.decode(answer, (uint256)));
    }

    function ruleSome(uint256 ruling) private {
        if (opened.length == 0) return;
        try arbitrator.giveRuling(opened[opened.length - 1], ruling) {
            opened.pop();
        } catch {}
    }

    function call(bytes memory data, uint256 value) private returns (bool success, bytes memory answer) {
        vm.prank(one);
        (success, answer) = address(escrow).call{value: value}(data);
    }

    /// @dev Everything is taken out: the sybil has what it put in, and what is others' is untouched.
    function leaveWithEverything() private {
        vm.warp(block.timestamp + RULING_TIME + 1);
        for (uint256 i = 0; i < opened.length; ++i) {
            call(abi.encodeCall(IDRaaSEscrow.ruleByDefault, (opened[i])), 0);
        }
        for (uint256 i = 0; i < jobs.length; ++i) {
            call(abi.encodeCall(IDRaaSEscrow.cancelJob, (termsHashOf(jobs[i]))), 0);
        }
        vm.warp(block.timestamp + GRACE + 1);
        for (uint256 i = 0; i < jobs.length; ++i) {
            call(abi.encodeCall(IDRaaSEscrow.refund, (one, termsHashOf(jobs[i]), one)), 0);
        }
        call(abi.encodeCall(IDRaaSEscrow.startUnbond, ()), 0);
        vm.warp(block.timestamp + UNBOND_TIME);
        for (uint256 i = 0; i < jobs.length; ++i) {
            takeAttempts(escrow.jobIdOf(jobs[i]));
        }
        call(abi.encodeCall(IDRaaSEscrow.withdrawBond, ()), 0);
        vm.assertEq(token.balanceOf(one), OWN - escrow.burned(), "all that was put in but what was slashed");
        vm.assertEq(token.balanceOf(address(escrow)), honest + escrow.burned(), "others' money");
    }

    function takeAttempts(bytes32 id) private {
        RunRef[] memory refs = new RunRef[](escrow.jobs(id).attempt);
        for (uint8 i = 0; i < refs.length; ++i) {
            refs[i] = RunRef(id, i + 1);
        }
        call(abi.encodeCall(IDRaaSEscrow.withdraw, (refs)), 0);
        vm.assertTrue(escrow.stateOf(id) != JobState.Disputed, "ruled");
    }
}

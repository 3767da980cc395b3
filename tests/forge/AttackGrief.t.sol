// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Disputable} from "./Disputable.sol";
import {IDRaaSEscrow, IEscrowEvents, JobState, JobTerms, RunRef, UsageReport} from "./EscrowTest.sol";

/// @dev Harm for its own sake: what it costs, and that it is bounded.
contract AttackGriefTest is Disputable {
    // ---- Dust and gifts -------------------------------------------------------------------------------------

    function test_dust_jobs_make_nobody_elses_report_dearer() public {
        (, bytes32 id) = running();
        at(1);
        report(id, 1, full(1));
        at(2);
        report(id, 1, full(2));
        uint256 before = vm.lastCallGas().gasTotalUsed;
        for (uint256 i = 0; i < 200; ++i) {
            JobTerms memory dust = someTerms();
            vm.prank(consumer);
            escrow.postJob(dust, 1);
        }
        at(3);
        report(id, 1, full(3));
        vm.assertLe(vm.lastCallGas().gasTotalUsed, before + 100, "gas");
    }

    function test_dust_jobs_give_back_every_unit() public {
        for (uint256 i = 0; i < 20; ++i) {
            JobTerms memory dust = someTerms();
            vm.prank(consumer);
            bytes32 id = escrow.postJob(dust, 1);
            if (i % 2 == 0) continue;
            claim(dust, 1, provider);
            vm.warp(block.timestamp + 1);
            complete(id, full(1));
            vm.assertEq(earned(id, 1), 1);
        }
        vm.assertEq(escrow.providers(provider).earned, 10);
        vm.assertEq(escrow.providers(provider).reserved, 0);
    }

    function test_a_gift_to_the_escrow_changes_nothing(uint64 gift) public {
        (JobTerms memory terms, bytes32 id) = running();
        token.transfer(address(escrow), gift);
        at(10);
        complete(id, full(10));
        vm.assertEq(escrow.refundableOf(id, provider), DEPOSIT - price(10));
        refund(terms, provider);
        at(200);
        vm.assertEq(withdraw(provider, id, 1), price(10));
        vm.assertEq(token.balanceOf(address(escrow)), 2 * BONDED * BOND_PER_UNIT + gift);
    }

    function test_nobody_takes_anothers_credit() public {
        (, bytes32 id) = running();
        at(10);
        report(id, 1, full(10));
        at(130);
        report(id, 1, full(130));
        address[4] memory thieves = [stranger, rival, consumer, scheduler];
        for (uint256 i = 0; i < 4; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.NothingToWithdraw.selector));
            withdraw(thieves[i], id, 1);
        }
        vm.assertEq(withdrawCredit(provider), price(10));
    }

    // ---- Free compute ---------------------------------------------------------------------------------------

    function test_cancelling_before_each_report_gets_no_compute_for_free() public {
        uint256 interval = 20;
        for (uint256 i = 1; i <= 20; ++i) {
            (JobTerms memory terms, bytes32 id) = running();
            vm.warp(block.timestamp + interval);
            cancel(terms); // sent ahead of the report that was due in this second
            complete(id, full(interval));
            refund(terms, provider);
            vm.assertEq(token.balanceOf(consumer), 1e15 - i * price(interval));
        }
        vm.assertEq(escrow.providers(provider).earned, 20 * price(interval));
    }

    function test_a_provider_that_misses_its_settling_report_loses_no_more_than_one_interval(uint8 spans) public {
        uint256 count = 1 + spans % 20;
        uint256 interval = 20;
        (JobTerms memory terms, bytes32 id) = running();
        for (uint256 i = 1; i <= count; ++i) {
            at(i * interval);
            report(id, 1, full(i * interval));
        }
        at((count + 1) * interval - 1);
        cancel(terms);
        vm.warp(block.timestamp + GRACE + 1);
        refund(terms, provider);
        vm.assertGe(earned(id, 1), price(block.timestamp - T0 - GRACE - 1) - price(interval), "one interval");
    }

    function test_each_dispute_that_is_lost_costs_its_bond_and_fee() public {
        for (uint256 i = 1; i <= 5; ++i) {
            (JobTerms memory terms,) = disputable();
            ruleShare(openDispute(consumer, terms, 1, provider), 10_000);
            vm.assertEq(consumer.balance, 1 ether - i * FEE);
            vm.assertEq(escrow.creditOf(provider), i * (price(SURE) + DISPUTE_BOND));
        }
        vm.assertEq(escrow.creditOf(consumer), 0);
    }

    // ---- A scheduler that turned ----------------------------------------------------------------------------

    function test_a_hostile_scheduler_costs_a_consumer_no_more_than_what_ran_until_it_cancels() public {
        // The worst: it assigns every job to an accomplice that bills all that the reserve allows.
        (JobTerms memory terms, bytes32 id) = posted();
        claim(terms, 1, rival);
        at(15);
        UsageReport[] memory reports = new UsageReport[](1);
        reports[0] = reportOf(id, 1, full(1000));
        vm.prank(rival);
        escrow.reportUsage(reports);
        cancel(terms);
        vm.prank(rival);
        escrow.completeJob(reports[0], 0, "");
        // Even this can be disputed for a window.
        ruleShare(openDispute(consumer, terms, 1, rival), 0);
        refund(terms, address(0));
        withdrawCredit(consumer);
        vm.assertEq(token.balanceOf(consumer), 1e15 + DISPUTE_BOND);
    }

    function test_a_hostile_scheduler_moves_money_to_nobody_but_the_consumer() public {
        (JobTerms memory open, bytes32 openId) = posted();
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        report(id, 1, full(10));
        bytes[7] memory calls = [
            abi.encodeCall(IDRaaSEscrow.declineJob, (terms, "")),
            abi.encodeCall(IDRaaSEscrow.cancelJob, (termsHashOf(terms))),
            abi.encodeCall(IDRaaSEscrow.refund, (consumer, termsHashOf(terms), provider)),
            abi.encodeCall(IDRaaSEscrow.lapseJob, (terms, provider)),
            abi.encodeCall(IDRaaSEscrow.withdraw, (refOf(id, 1))),
            abi.encodeCall(IDRaaSEscrow.completeJob, (reportOf(id, 1, full(9)), 0, "")),
            abi.encodeCall(IDRaaSEscrow.declineJob, (open, ""))
        ];
        for (uint256 i = 0; i < 7; ++i) {
            vm.prank(scheduler);
            (bool success,) = address(escrow).call(calls[i]);
            vm.assertTrue(success == (i == 6));
        }
        assertState(openId, JobState.Closed);
        assertState(id, JobState.Running);
        vm.assertEq(token.balanceOf(consumer), 1e15 - DEPOSIT);
        vm.assertEq(token.balanceOf(scheduler), 0);
        vm.assertEq(earned(id, 1), price(10));
    }

    function test_a_scheduler_that_does_nothing_costs_time_and_no_money() public {
        (JobTerms memory terms,) = posted();
        at(101);
        refund(terms, address(0));
        vm.assertEq(token.balanceOf(consumer), 1e15);
    }

    // ---- Strangers ------------------------------------------------------------------------------------------

    function test_no_strangers_call_lowers_anybodys_claim(uint16 second) public {
        (JobTerms memory open,) = posted();
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        report(id, 1, full(10));
        at(10 + uint256(second) % 900);
        UsageReport[] memory reports = new UsageReport[](1);
        reports[0] = reportOf(id, 1, full(500));
        bytes[12] memory calls = [
            abi.encodeCall(IDRaaSEscrow.declineJob, (open, "")),
            abi.encodeCall(IDRaaSEscrow.cancelJob, (termsHashOf(open))),
            abi.encodeCall(IDRaaSEscrow.cancelJobBySignature, (consumer, termsHashOf(open), type(uint64).max, "")),
            abi.encodeCall(IDRaaSEscrow.refund, (consumer, termsHashOf(terms), stranger)),
            abi.encodeCall(IDRaaSEscrow.refund, (consumer, termsHashOf(terms), provider)),
            abi.encodeCall(IDRaaSEscrow.refund, (consumer, termsHashOf(open), provider)),
            abi.encodeCall(IDRaaSEscrow.lapseJob, (terms, provider)),
            abi.encodeCall(IDRaaSEscrow.withdraw, (refOf(id, 1))),
            abi.encodeCall(IDRaaSEscrow.withdraw, (new RunRef[](0))),
            abi.encodeCall(IDRaaSEscrow.completeJob, (reports[0], 0, "")),
            abi.encodeCall(IDRaaSEscrow.reportUsage, (reports)),
            abi.encodeCall(IDRaaSEscrow.claimJob, (open, bytes32("image"), type(uint64).max, ""))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            vm.prank(stranger);
            (bool success,) = address(escrow).call(calls[i]);
            success;
            vm.assertEq(earned(id, 1), price(10));
            vm.assertEq(token.balanceOf(consumer) + depositsLeft(open, terms, id), 1e15 - price(10));
            vm.assertEq(token.balanceOf(stranger), 1e15);
        }
    }

    /// @dev What is still the consumer's in both jobs.
    function depositsLeft(JobTerms memory open, JobTerms memory terms, bytes32 id) private view returns (uint256) {
        uint256 held = escrow.jobs(escrow.jobIdOf(open)).deposit + escrow.jobs(escrow.jobIdOf(terms)).deposit;
        bool settled = escrow.jobs(id).settled || escrow.jobs(id).attempt == 2;
        return settled ? held : held - price(10);
    }
}

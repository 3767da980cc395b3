// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Assignment, EscrowTest, IDRaaSEscrow, JobState, JobTerms} from "./EscrowTest.sol";

contract EndingTest is EscrowTest {
    // ---- Open: cancel, decline, expire ------------------------------------------------------------------------

    function test_cancelling_an_open_job_returns_all_at_once() public {
        (JobTerms memory terms, bytes32 id) = posted();
        uint256 before = token.balanceOf(consumer);
        vm.prank(consumer);
        escrow.cancelJob(terms);
        vm.assertEq(token.balanceOf(consumer) - before, DEPOSIT);
        assertState(id, JobState.Closed);
        refusesCancel(terms, wrongState(id, JobState.Closed));
        refusesRefund(terms, wrongState(id, JobState.Closed));
    }

    function test_only_the_consumer_cancels() public {
        (JobTerms memory terms,) = posted();
        vm.expectRevert(abi.encodeWithSelector(IDRaaSEscrow.NotConsumer.selector, scheduler));
        vm.prank(scheduler);
        escrow.cancelJob(terms);
    }

    function test_a_scheduler_can_only_give_an_open_deposit_back_to_its_consumer() public {
        (JobTerms memory terms, bytes32 id) = posted();
        vm.expectRevert(abi.encodeWithSelector(IDRaaSEscrow.NotScheduler.selector, stranger));
        vm.prank(stranger);
        escrow.declineJob(terms, "");
        uint256 before = token.balanceOf(consumer);
        vm.prank(scheduler);
        escrow.declineJob(terms, "the image does not build");
        vm.assertEq(token.balanceOf(consumer) - before, DEPOSIT);
        assertState(id, JobState.Closed);

        (terms, id) = running();
        vm.expectRevert(wrongState(id, JobState.Running));
        vm.prank(scheduler);
        escrow.declineJob(terms, "");
    }

    function test_an_unclaimed_job_refunds_after_its_deadline_by_anybodys_call() public {
        (JobTerms memory terms, bytes32 id) = posted();
        at(100);
        refusesRefund(terms, wrongState(id, JobState.Open));
        at(101);
        assertState(id, JobState.Ended);
        vm.assertEq(escrow.refundableOf(id), DEPOSIT);
        vm.prank(stranger);
        escrow.refund(terms);
        assertState(id, JobState.Closed);
        vm.assertEq(token.balanceOf(consumer), 1e15);
    }

    // ---- Running: cancel, time, deposit -----------------------------------------------------------------------

    function test_a_cancel_leaves_the_provider_its_last_report_capped_at_the_cancel() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        vm.prank(consumer);
        escrow.cancelJob(terms);
        assertState(id, JobState.Ended);
        bytes memory early = abi.encodeWithSelector(IDRaaSEscrow.NotSettled.selector, id, T0 + 10 + GRACE);
        refusesRefund(terms, early);
        vm.assertEq(escrow.refundableOf(id), 0);
        at(10 + GRACE);
        refusesRefund(terms, early);
        complete(id, full(10 + GRACE));
        vm.assertEq(earned(id, 1), price(10));
        escrow.refund(terms);
        vm.assertEq(escrow.jobs(id).deposit, price(10));
    }

    function test_a_provider_that_stays_silent_after_a_cancel_does_not_hold_the_refund_up() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        vm.prank(consumer);
        escrow.cancelJob(terms);
        at(10 + GRACE + 1);
        escrow.refund(terms);
        assertState(id, JobState.Closed);
        vm.assertEq(token.balanceOf(consumer), 1e15);
    }

    function test_a_run_ends_by_itself_with_its_duration() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(599);
        assertState(id, JobState.Running);
        at(600);
        assertState(id, JobState.Ended);
        refusesCancel(terms, wrongState(id, JobState.Ended));
    }

    function test_nothing_is_refunded_twice_or_from_a_used_up_deposit() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        complete(id, full(10));
        escrow.refund(terms);
        refusesRefund(terms, abi.encodeWithSelector(IDRaaSEscrow.NothingToRefund.selector, id));
        vm.assertEq(token.balanceOf(address(escrow)), price(10) + 2 * MIN_BOND);
    }

    function test_other_terms_than_those_posted_refund_nothing() public {
        (JobTerms memory terms,) = posted();
        at(101);
        terms.consumer = stranger;
        refusesRefund(terms, wrongState(escrow.jobIdOf(terms), JobState.Absent));
    }

    // ---- Lapse ------------------------------------------------------------------------------------------------

    function test_a_silent_run_lapses_back_to_open_with_the_rest_of_deposit_and_duration() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        report(id, 1, full(10));
        at(10 + LAPSE_AFTER);
        vm.expectRevert(abi.encodeWithSelector(IDRaaSEscrow.NotLapsed.selector, id, T0 + 10 + LAPSE_AFTER));
        escrow.lapseJob(terms);
        at(10 + LAPSE_AFTER + 1);
        vm.prank(stranger);
        escrow.lapseJob(terms);
        assertState(id, JobState.Open);
        vm.assertEq(escrow.jobs(id).deposit, DEPOSIT - price(10));
        vm.assertEq(escrow.jobs(id).duration, 590);
        vm.assertEq(escrow.jobs(id).attempt, 2);
    }

    function test_a_lapse_keeps_the_first_providers_money_apart_from_the_nexts() public {
        (JobTerms memory terms, bytes32 id) = lapsedAfter(10);
        claim(terms, 2, rival);
        at(61);
        report(id, 2, full(20));
        vm.assertEq(earned(id, 1), price(10));
        vm.assertEq(earned(id, 2), price(20));
        vm.prank(provider);
        vm.expectRevert(abi.encodeWithSelector(IDRaaSEscrow.RunSettled.selector, id, 1));
        escrow.completeJob(reportOf(id, 1, full(60)), 0, "");
        at(185);
        vm.assertEq(withdraw(provider, id, 1), price(10));
        vm.assertEq(withdraw(rival, id, 2), price(20));
    }

    function test_an_assignment_for_the_lapsed_attempt_is_worth_nothing() public {
        (JobTerms memory terms,) = running();
        at(LAPSE_AFTER + 1);
        escrow.lapseJob(terms);
        Assignment memory a = assignmentOf(terms, 1, provider);
        bytes memory signature = signed(a, SCHEDULER_KEY);
        vm.expectRevert(abi.encodeWithSelector(IDRaaSEscrow.AssignmentInvalid.selector));
        vm.prank(provider);
        escrow.claimJob(terms, a, signature);
    }

    function test_a_lapsed_and_unclaimed_job_refunds_the_rest_and_still_pays_the_first_run() public {
        (JobTerms memory terms, bytes32 id) = lapsedAfter(10);
        at(41 + 100 + 1);
        escrow.refund(terms);
        assertState(id, JobState.Closed);
        vm.assertEq(withdraw(provider, id, 1), price(10));
        vm.assertEq(token.balanceOf(address(escrow)), 2 * MIN_BOND);
    }

    function test_only_a_running_job_lapses() public {
        (JobTerms memory terms, bytes32 id) = posted();
        vm.expectRevert(wrongState(id, JobState.Open));
        escrow.lapseJob(terms);
        claim(terms, 1, provider);
        at(600);
        vm.expectRevert(wrongState(id, JobState.Ended));
        escrow.lapseJob(terms);
    }

    function test_the_last_possible_attempt_ends_instead_of_lapsing() public {
        JobTerms memory terms = someTerms();
        terms.duration = 100;
        vm.prank(consumer);
        bytes32 id = escrow.postJob(terms, DEPOSIT);
        for (uint256 attempt = 1; attempt <= 255; ++attempt) {
            assertState(id, JobState.Open);
            claim(terms, uint8(attempt), provider);
            at(attempt * (LAPSE_AFTER + 1));
            escrow.lapseJob(terms);
        }
        assertState(id, JobState.Ended);
        escrow.refund(terms);
        vm.assertEq(token.balanceOf(consumer), 1e15);
    }

    function lapsedAfter(uint256 second) private returns (JobTerms memory terms, bytes32 id) {
        (terms, id) = running();
        at(second);
        report(id, 1, full(second));
        at(second + LAPSE_AFTER + 1);
        escrow.lapseJob(terms);
    }

    function refusesCancel(JobTerms memory terms, bytes memory why) private {
        vm.expectRevert(why);
        vm.prank(consumer);
        escrow.cancelJob(terms);
    }

    function refusesRefund(JobTerms memory terms, bytes memory why) private {
        vm.expectRevert(why);
        escrow.refund(terms);
    }
}

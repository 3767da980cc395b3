// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {EscrowTest, IEscrowEvents, JobState, JobTerms, RunState} from "./EscrowTest.sol";

contract EndingTest is EscrowTest {
    // ---- Open: cancel, decline, expire ----------------------------------------------------------------------

    function test_cancelling_an_open_job_returns_all_at_once() public {
        (JobTerms memory terms, bytes32 id) = posted();
        vm.expectEmit();
        emit IEscrowEvents.JobCancelled(id, DEPOSIT);
        cancel(terms);
        vm.assertEq(token.balanceOf(consumer), 1e15);
        assertState(id, JobState.Closed);
        refusesCancel(terms, wrongState(id, JobState.Closed));
        refusesRefund(terms, provider, wrongState(id, JobState.Closed));
    }

    function test_only_the_consumer_cancels() public {
        (JobTerms memory terms, bytes32 id) = posted();
        bytes32 strangers = keccak256(abi.encode(block.chainid, address(escrow), scheduler, termsHashOf(terms)));
        vm.expectRevert(wrongState(strangers, JobState.Absent));
        vm.prank(scheduler);
        escrow.cancelJob(termsHashOf(terms));
        assertState(id, JobState.Open);
    }

    function test_a_scheduler_can_only_give_an_open_deposit_back_to_its_consumer() public {
        (JobTerms memory terms, bytes32 id) = posted();
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.NotScheduler.selector, stranger));
        vm.prank(stranger);
        escrow.declineJob(terms, "");
        vm.expectEmit();
        emit IEscrowEvents.JobDeclined(id, scheduler, "the image does not build");
        vm.prank(scheduler);
        escrow.declineJob(terms, "the image does not build");
        vm.assertEq(token.balanceOf(consumer), 1e15);
        assertState(id, JobState.Closed);

        (terms, id) = running();
        vm.expectRevert(wrongState(id, JobState.Running));
        vm.prank(scheduler);
        escrow.declineJob(terms, "");
    }

    function test_an_unclaimed_job_refunds_after_its_deadline_by_anybodys_call() public {
        (JobTerms memory terms, bytes32 id) = posted();
        at(100);
        refusesRefund(terms, address(0), wrongState(id, JobState.Open));
        vm.assertEq(escrow.refundableOf(id, address(0)), 0);
        at(101);
        assertState(id, JobState.Ended);
        vm.assertEq(escrow.refundableOf(id, address(0)), DEPOSIT);
        vm.expectEmit();
        emit IEscrowEvents.Refunded(id, consumer, DEPOSIT);
        refund(terms, address(0));
        assertState(id, JobState.Closed);
        vm.assertEq(token.balanceOf(consumer), 1e15);
    }

    function test_an_expired_job_can_neither_be_cancelled_nor_declined_any_more() public {
        (JobTerms memory terms, bytes32 id) = posted();
        at(101);
        refusesCancel(terms, wrongState(id, JobState.Ended));
        vm.expectRevert(wrongState(id, JobState.Ended));
        vm.prank(scheduler);
        escrow.declineJob(terms, "");
    }

    // ---- Running: cancel, time, deposit ---------------------------------------------------------------------

    function test_a_cancel_leaves_the_provider_its_last_report_capped_at_the_cancel() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        cancel(terms);
        assertState(id, JobState.Ended);
        bytes memory early = abi.encodeWithSelector(IEscrowEvents.NotSettled.selector, id, T0 + 10 + GRACE);
        refusesRefund(terms, provider, early);
        vm.assertEq(escrow.refundableOf(id, provider), 0);
        at(10 + GRACE);
        refusesRefund(terms, provider, early);
        complete(id, full(10 + GRACE));
        vm.assertEq(earned(id, 1), price(10));
        refund(terms, address(0));
        vm.assertEq(token.balanceOf(consumer), 1e15 - price(10));
        vm.assertEq(escrow.jobs(id).deposit, 0);
    }

    function test_a_settling_report_without_a_completion_is_paid_too() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        cancel(terms);
        at(15);
        report(id, 1, full(15));
        vm.assertEq(earned(id, 1), price(10));
        at(10 + GRACE + 1);
        vm.assertEq(escrow.refundableOf(id, provider), DEPOSIT - price(10));
        vm.expectEmit();
        emit IEscrowEvents.JobSettled(id, provider, 1, price(10));
        refund(terms, provider);
        vm.assertEq(token.balanceOf(consumer), 1e15 - price(10));
        vm.assertEq(uint256(escrow.runs(id, 1, provider).state), uint256(RunState.Settled));
        vm.assertEq(escrow.providers(provider).reserved, 0);
        at(15 + 2 * WINDOW);
        vm.assertEq(withdraw(provider, id, 1), price(10));
    }

    function test_a_provider_that_stays_silent_after_a_cancel_does_not_hold_the_refund_up() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        cancel(terms);
        at(10 + GRACE + 1);
        refund(terms, provider);
        vm.assertEq(token.balanceOf(consumer), 1e15);
        at(600);
        assertState(id, JobState.Closed);
    }

    function test_a_run_is_cancelled_once() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        vm.expectEmit();
        emit IEscrowEvents.JobCancelled(id, 0);
        cancel(terms);
        at(11);
        refusesCancel(terms, wrongState(id, JobState.Ended));
        vm.assertEq(escrow.jobs(id).deadline, T0 + 10);
    }

    function test_a_cancel_in_the_second_of_the_claim_owes_nothing() public {
        (JobTerms memory terms, bytes32 id) = running();
        cancel(terms);
        assertState(id, JobState.Ended);
        at(GRACE);
        complete(id, full(GRACE));
        vm.assertEq(earned(id, 1), 0);
        refund(terms, address(0));
        vm.assertEq(token.balanceOf(consumer), 1e15);
    }

    function test_a_run_ends_by_itself_with_its_duration() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(599);
        assertState(id, JobState.Running);
        at(600);
        assertState(id, JobState.Ended);
        refusesCancel(terms, wrongState(id, JobState.Ended));
        at(600 + GRACE + 1);
        refund(terms, provider);
        vm.assertEq(token.balanceOf(consumer), 1e15);
    }

    function test_nothing_is_refunded_twice_or_from_a_used_up_deposit() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        complete(id, full(10));
        refund(terms, provider);
        refusesRefund(terms, provider, abi.encodeWithSelector(IEscrowEvents.NothingToRefund.selector, id));
        vm.assertEq(token.balanceOf(address(escrow)), price(10) + 2 * BONDED * BOND_PER_UNIT);
    }

    function test_a_used_up_job_that_its_provider_left_is_settled_by_a_refund_of_nothing() public {
        JobTerms memory terms = someTerms();
        vm.prank(consumer);
        bytes32 id = escrow.postJob(terms, price(5));
        claim(terms, 1, provider);
        at(9);
        report(id, 1, full(9));
        at(9 + GRACE);
        refusesRefund(terms, provider, abi.encodeWithSelector(IEscrowEvents.NotSettled.selector, id, T0 + 9 + GRACE));
        at(9 + GRACE + 1);
        refund(terms, provider);
        vm.assertEq(escrow.providers(provider).reserved, 0);
        vm.assertEq(earned(id, 1), price(5));
    }

    function test_other_terms_than_those_posted_refund_nothing() public {
        (JobTerms memory terms,) = posted();
        at(101);
        terms.consumer = stranger;
        refusesRefund(terms, provider, wrongState(escrow.jobIdOf(terms), JobState.Absent));
    }

    function test_a_refund_that_names_a_wrong_provider_settles_nothing() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(600 + GRACE + 1);
        vm.assertEq(escrow.refundableOf(id, rival), 0);
        refusesRefund(terms, rival, abi.encodeWithSelector(IEscrowEvents.NoSuchRun.selector, id, 1));
        vm.assertEq(escrow.refundableOf(id, provider), DEPOSIT);
        refund(terms, provider);
    }

    function test_what_a_refund_would_pay_is_what_it_pays(uint16 cancelledAt, uint16 seen, bool completes) public {
        cancelledAt = 1 + cancelledAt % 599;
        (JobTerms memory terms, bytes32 id) = running();
        at(cancelledAt);
        report(id, 1, full(cancelledAt / 2));
        cancel(terms);
        if (completes) complete(id, full(cancelledAt));
        at(uint256(cancelledAt) + seen % 100);
        uint256 refundable = escrow.refundableOf(id, provider);
        vm.assertTrue((refundable != 0) == (completes || seen % 100 > GRACE), "refundable");
        if (refundable == 0) return;
        uint256 before = token.balanceOf(consumer);
        refund(terms, provider);
        vm.assertEq(token.balanceOf(consumer) - before, refundable);
    }

    function test_anybody_settles_an_ended_run_after_its_grace_and_once() public {
        (JobTerms memory terms, bytes32 id) = running();
        vm.expectRevert(wrongState(id, JobState.Running));
        escrow.settleJob(id, provider);
        at(10);
        report(id, 1, full(10));
        cancel(terms);
        at(10 + GRACE);
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.NotSettled.selector, id, T0 + 10 + GRACE));
        escrow.settleJob(id, provider);
        at(10 + GRACE + 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.NoSuchRun.selector, id, 1));
        escrow.settleJob(id, rival);
        vm.prank(stranger);
        escrow.settleJob(id, provider);
        vm.assertEq(escrow.jobs(id).deposit, DEPOSIT - price(10));
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.RunNotLive.selector, id, 1));
        escrow.settleJob(id, provider);
        refund(terms, address(0));
        vm.assertEq(token.balanceOf(consumer), 1e15 - price(10));
    }

    function refusesCancel(JobTerms memory terms, bytes memory why) private {
        vm.expectRevert(why);
        cancel(terms);
    }

    function refusesRefund(JobTerms memory terms, address who, bytes memory why) private {
        vm.expectRevert(why);
        escrow.refund(terms.consumer, termsHashOf(terms), who);
    }

    function test_a_deposit_comes_out_again_after_the_chain_changed_its_number() public {
        (JobTerms memory terms,) = posted();
        vm.chainId(61);
        at(101);
        refund(terms, address(0));
        vm.assertEq(token.balanceOf(consumer), 1e15);
    }
}

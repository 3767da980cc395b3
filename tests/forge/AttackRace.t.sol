// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {EscrowTest, IEscrowEvents, JobState, JobTerms, RunState, SignedReport, UsageReport} from "./EscrowTest.sol";

/// @dev Two transactions in one second, in either order: one of them wins, and nobody else's money moves.
contract AttackRaceTest is EscrowTest {
    uint64 private constant UNTIL = uint64(T0 + 1000);

    // ---- Claims ---------------------------------------------------------------------------------------------

    function test_two_providers_with_assignments_race_for_one_attempt_and_one_wins() public {
        (JobTerms memory terms, bytes32 id) = posted();
        claim(terms, 1, rival);
        refusesClaim(provider, terms, assigned(id, 1, provider, UNTIL), wrongState(id, JobState.Running));
        vm.assertEq(uint256(escrow.runs(id, 1, provider).state), uint256(RunState.Absent));
        vm.assertEq(escrow.providers(provider).reserved, 0);
        vm.assertEq(escrow.providers(rival).reserved, UNITS);
    }

    function test_a_copied_claim_is_of_no_use_to_who_sends_it_first() public {
        (JobTerms memory terms, bytes32 id) = posted();
        bytes memory signature = assigned(id, 1, provider, UNTIL);
        refusesClaim(rival, terms, signature, abi.encodeWithSelector(IEscrowEvents.SignatureInvalid.selector));
        vm.prank(provider);
        escrow.claimJob(terms, bytes32("image"), UNTIL, signature);
    }

    function test_a_claim_and_a_cancel_in_one_second() public {
        (JobTerms memory terms, bytes32 id) = posted();
        uint256 start = vm.snapshotState();
        cancel(terms);
        refusesClaim(provider, terms, assigned(id, 1, provider, UNTIL), wrongState(id, JobState.Closed));
        vm.revertToState(start);
        claim(terms, 1, provider);
        cancel(terms);
        assertState(id, JobState.Ended);
        complete(id, full(1));
        refund(terms, provider);
        vm.assertEq(token.balanceOf(consumer), 1e15);
    }

    function test_a_claim_and_a_decline_in_one_second() public {
        (JobTerms memory terms, bytes32 id) = posted();
        uint256 start = vm.snapshotState();
        vm.prank(scheduler);
        escrow.declineJob(terms, "");
        refusesClaim(provider, terms, assigned(id, 1, provider, UNTIL), wrongState(id, JobState.Closed));
        vm.revertToState(start);
        claim(terms, 1, provider);
        vm.expectRevert(wrongState(id, JobState.Running));
        vm.prank(scheduler);
        escrow.declineJob(terms, "");
    }

    // ---- Lapses ---------------------------------------------------------------------------------------------

    function test_a_report_and_a_lapse_in_one_second() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(LAPSE_AFTER + 1);
        uint256 start = vm.snapshotState();
        report(id, 1, full(5));
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.NotLapsed.selector, id, block.timestamp + LAPSE_AFTER));
        escrow.lapseJob(terms, provider);
        vm.revertToState(start);
        escrow.lapseJob(terms, provider);
        refusesReport(id, IEscrowEvents.RunNotLive.selector);
        vm.assertEq(earned(id, 1), 0);
    }

    function test_a_stranger_lapses_a_run_not_at_its_last_second_but_at_the_next() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(LAPSE_AFTER);
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.NotLapsed.selector, id, T0 + LAPSE_AFTER));
        vm.prank(stranger);
        escrow.lapseJob(terms, provider);
        at(LAPSE_AFTER + 1);
        vm.prank(stranger);
        escrow.lapseJob(terms, provider);
    }

    function test_a_run_is_lapsed_once() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(LAPSE_AFTER + 1);
        escrow.lapseJob(terms, provider);
        vm.expectRevert(wrongState(id, JobState.Open));
        escrow.lapseJob(terms, provider);
        vm.assertEq(escrow.providers(provider).lapsed, 1);
    }

    function test_a_cancel_and_a_lapse_in_one_second() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(LAPSE_AFTER + 1);
        uint256 start = vm.snapshotState();
        cancel(terms);
        vm.expectRevert(wrongState(id, JobState.Ended));
        escrow.lapseJob(terms, provider);
        vm.revertToState(start);
        escrow.lapseJob(terms, provider);
        cancel(terms);
        assertState(id, JobState.Closed);
        vm.assertEq(token.balanceOf(consumer), 1e15);
    }

    // ---- Ends -----------------------------------------------------------------------------------------------

    function test_the_last_report_and_the_refund_never_fit_in_one_second() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        cancel(terms);
        at(10 + GRACE);
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.NotSettled.selector, id, T0 + 10 + GRACE));
        refund(terms, provider);
        report(id, 1, full(9));
        at(10 + GRACE + 1);
        refusesReport(id, IEscrowEvents.ReportTooLate.selector);
        refund(terms, provider);
        refusesReport(id, IEscrowEvents.RunNotLive.selector);
        vm.assertEq(token.balanceOf(consumer), 1e15 - price(9));
    }

    function test_a_top_up_and_the_report_that_uses_the_deposit_up_in_one_second() public {
        JobTerms memory terms = someTerms();
        vm.prank(consumer);
        bytes32 id = escrow.postJob(terms, price(5));
        claim(terms, 1, provider);
        at(5);
        uint256 start = vm.snapshotState();
        report(id, 1, full(5));
        vm.expectRevert(wrongState(id, JobState.Ended));
        escrow.topUp(id, 5);
        vm.revertToState(start);
        vm.prank(stranger);
        escrow.topUp(id, 5);
        report(id, 1, full(5));
        assertState(id, JobState.Running);
    }

    // ---- Disputes -------------------------------------------------------------------------------------------

    function test_a_dispute_comes_too_late_in_the_first_second_after_the_window() public {
        for (uint256 second = WINDOW - 1; second <= WINDOW; ++second) {
            vm.warp(T0);
            (JobTerms memory terms, bytes32 id) = running();
            at(second);
            complete(id, full(10));
            at((second / WINDOW + 2) * WINDOW);
            vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.NothingToDispute.selector, id, 1));
            openDispute(consumer, terms, 1, provider);
            at((second / WINDOW + 2) * WINDOW - 1);
            openDispute(consumer, terms, 1, provider);
        }
    }

    function test_a_dispute_and_a_co_signature_in_one_second() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        report(id, 1, full(9));
        uint256 start = vm.snapshotState();
        reportFinal(terms, id, 10);
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.NothingToDispute.selector, id, 1));
        openDispute(watcher, terms, 1, provider);
        vm.revertToState(start);
        openDispute(watcher, terms, 1, provider);
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.RunNotLive.selector, id, 1));
        reportFinal(terms, id, 10);
    }

    function test_two_disputes_over_one_run_in_one_second() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        report(id, 1, full(9));
        openDispute(provider, terms, 1, provider);
        uint256 before = token.balanceOf(consumer);
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.NothingToDispute.selector, id, 1));
        openDispute(consumer, terms, 1, provider);
        vm.assertEq(token.balanceOf(consumer), before);
        vm.assertEq(consumer.balance, 1 ether);
    }

    function test_a_withdrawal_and_a_dispute_in_one_second_share_no_unit() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        report(id, 1, full(10));
        at(70);
        report(id, 1, full(70));
        at(130);
        uint256 start = vm.snapshotState();
        uint256 first = withdraw(provider, id, 1);
        openDispute(consumer, terms, 1, provider);
        bytes32 books = keccak256(abi.encode(escrow.runs(id, 1, provider)));
        vm.revertToState(start);
        openDispute(consumer, terms, 1, provider);
        vm.assertEq(withdraw(provider, id, 1), first);
        vm.assertEq(keccak256(abi.encode(escrow.runs(id, 1, provider))), books);
    }

    // ---- Builders -------------------------------------------------------------------------------------------

    function refusesClaim(address who, JobTerms memory terms, bytes memory signature, bytes memory why) private {
        vm.expectRevert(why);
        vm.prank(who);
        escrow.claimJob(terms, bytes32("image"), UNTIL, signature);
    }

    function refusesReport(bytes32 id, bytes4 why) private {
        vm.expectRevert(abi.encodeWithSelector(why, id, 1));
        report(id, 1, full(10));
    }

    function reportFinal(JobTerms memory terms, bytes32 id, uint256 span) private {
        UsageReport memory r = reportOf(id, 1, full(span));
        bytes memory agreed = signedReport(CONSUMER_KEY, r, UNTIL);
        SignedReport memory signed = SignedReport(provider, r, UNTIL, signedReport(PROVIDER_KEY, r, UNTIL));
        escrow.reportFinal(signed, consumer, termsHashOf(terms), agreed);
    }
}

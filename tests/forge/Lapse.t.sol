// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {EscrowTest, IEscrowEvents, Job, JobState, JobTerms, RunState} from "./EscrowTest.sol";

contract LapseTest is EscrowTest {
    function test_a_silent_run_lapses_back_to_open_with_the_rest_of_deposit_and_duration() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        report(id, 1, full(10));
        at(10 + LAPSE_AFTER);
        refusesLapse(terms, provider, abi.encodeWithSelector(IEscrowEvents.NotLapsed.selector, id, T0 + 40));
        at(10 + LAPSE_AFTER + 1);
        vm.expectEmit();
        emit IEscrowEvents.JobLapsed(id, provider, 1, price(10), T0 + 141);
        vm.prank(stranger);
        escrow.lapseJob(terms, provider);
        assertState(id, JobState.Open);
        Job memory job = escrow.jobs(id);
        vm.assertEq(job.deposit, DEPOSIT - price(10));
        vm.assertEq(job.duration, 590);
        vm.assertEq(job.attempt, 2);
        vm.assertTrue(!job.settled);
    }

    function test_a_lapse_keeps_the_first_providers_money_apart_from_the_nexts() public {
        (JobTerms memory terms, bytes32 id) = lapsedAfter(10);
        claim(terms, 2, rival);
        at(61);
        report(id, 2, full(20));
        vm.assertEq(earned(id, 1), price(10));
        vm.assertEq(earned(id, 2), price(20));
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.RunNotLive.selector, id, 1));
        vm.prank(provider);
        escrow.completeJob(reportOf(id, 1, full(60)), 0, "");
        at(185);
        vm.assertEq(withdraw(provider, id, 1), price(10));
        vm.assertEq(withdraw(rival, id, 2), price(20));
    }

    function test_the_next_run_has_a_clock_of_its_own() public {
        (JobTerms memory terms, bytes32 id) = lapsedAfter(10);
        at(100);
        claim(terms, 2, rival);
        report(id, 2, full(100));
        vm.assertEq(earned(id, 2), 0);
        at(103);
        report(id, 2, full(100));
        vm.assertEq(earned(id, 2), price(3));
        vm.assertEq(escrow.jobs(id).deadline, T0 + 100 + 590);
        at(100 + 590);
        assertState(id, JobState.Ended);
    }

    function test_the_same_provider_may_take_the_next_attempt() public {
        (JobTerms memory terms, bytes32 id) = lapsedAfter(10);
        claim(terms, 2, provider);
        vm.assertEq(escrow.runs(id, 1, provider).earned, price(10));
        vm.assertEq(uint256(escrow.runs(id, 2, provider).state), uint256(RunState.Live));
        vm.assertEq(escrow.providers(provider).reserved, UNITS);
    }

    function test_an_assignment_for_the_lapsed_attempt_is_worth_nothing() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(LAPSE_AFTER + 1);
        escrow.lapseJob(terms, provider);
        bytes memory signature = assigned(id, 1, provider, uint64(T0 + 60));
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.SignatureInvalid.selector));
        vm.prank(provider);
        escrow.claimJob(terms, bytes32("image"), uint64(T0 + 60), signature);
    }

    function test_a_lapsed_and_unclaimed_job_refunds_the_rest_and_still_pays_the_first_run() public {
        (JobTerms memory terms, bytes32 id) = lapsedAfter(10);
        at(41 + 100);
        assertState(id, JobState.Open);
        at(41 + 100 + 1);
        refund(terms, address(0));
        assertState(id, JobState.Closed);
        vm.assertEq(withdraw(provider, id, 1), price(10));
        vm.assertEq(token.balanceOf(address(escrow)), 2 * BONDED * BOND_PER_UNIT);
    }

    function test_a_lapsed_job_is_cancelled_and_declined_as_any_open_one() public {
        (JobTerms memory terms,) = lapsedAfter(10);
        cancel(terms);
        vm.assertEq(token.balanceOf(consumer), 1e15 - price(10));
        vm.warp(T0);
        (terms,) = lapsedAfter(10);
        vm.prank(scheduler);
        escrow.declineJob(terms, "no machine left");
        vm.assertEq(token.balanceOf(consumer), 1e15 - 2 * price(10));
    }

    function test_only_a_running_job_lapses() public {
        (JobTerms memory terms, bytes32 id) = posted();
        refusesLapse(terms, provider, wrongState(id, JobState.Open));
        claim(terms, 1, provider);
        at(600);
        refusesLapse(terms, provider, wrongState(id, JobState.Ended));
    }

    function test_a_cancelled_run_does_not_lapse() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(1);
        cancel(terms);
        at(1 + LAPSE_AFTER);
        refusesLapse(terms, provider, wrongState(id, JobState.Ended));
    }

    function test_a_lapse_that_names_a_wrong_provider_or_attempt_changes_nothing() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(LAPSE_AFTER + 1);
        refusesLapse(terms, rival, abi.encodeWithSelector(IEscrowEvents.NoSuchRun.selector, id, 1));
        escrow.lapseJob(terms, provider);
        claim(terms, 2, rival);
        at(2 * (LAPSE_AFTER + 1));
        refusesLapse(terms, provider, abi.encodeWithSelector(IEscrowEvents.NoSuchRun.selector, id, 2));
        escrow.lapseJob(terms, rival);
    }

    function test_a_run_that_reports_again_before_anybody_lapsed_it_lives_on() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(LAPSE_AFTER + 1);
        report(id, 1, full(LAPSE_AFTER + 1));
        refusesLapse(
            terms,
            provider,
            abi.encodeWithSelector(IEscrowEvents.NotLapsed.selector, id, T0 + LAPSE_AFTER + 1 + LAPSE_AFTER)
        );
        assertState(id, JobState.Running);
    }

    function test_the_last_possible_attempt_ends_instead_of_lapsing() public {
        JobTerms memory terms = someTerms();
        terms.duration = 100;
        vm.prank(consumer);
        bytes32 id = escrow.postJob(terms, DEPOSIT);
        address one = address(0xE1);
        token.transfer(one, 1e15);
        vm.prank(one);
        token.approve(address(escrow), 1e15);
        vm.prank(one);
        escrow.register(200 * UNITS, rates()); // every third lapse costs the bond of one run
        for (uint256 attempt = 1; attempt <= 255; ++attempt) {
            assertState(id, JobState.Open);
            claim(terms, uint8(attempt), one);
            at(attempt * (LAPSE_AFTER + 1));
            escrow.lapseJob(terms, one);
        }
        assertState(id, JobState.Ended);
        refund(terms, one);
        vm.assertEq(token.balanceOf(consumer), 1e15);
        vm.assertEq(escrow.burned(), 85 * UNITS * BOND_PER_UNIT);
        vm.assertEq(escrow.providers(one).reserved, 0);
    }

    function test_attempts_and_lapses_conserve_every_unit(uint256 seed) public {
        (JobTerms memory terms, bytes32 id) = posted();
        uint256 second;
        uint256 paid;
        for (uint256 attempt = 1; attempt <= 6; ++attempt) {
            claim(terms, uint8(attempt), attempt == 1 ? provider : rival);
            uint256 worked = uint256(keccak256(abi.encode(seed, attempt))) % LAPSE_AFTER;
            at(second += worked);
            report(id, uint8(attempt), full(worked));
            paid += price(worked);
            at(second += LAPSE_AFTER + 1);
            escrow.lapseJob(terms, attempt == 1 ? provider : rival);
            vm.assertEq(escrow.jobs(id).deposit, DEPOSIT - paid);
        }
        cancel(terms);
        vm.assertEq(token.balanceOf(consumer), 1e15 - paid);
        uint256 owed = escrow.providers(provider).earned + escrow.providers(rival).earned;
        vm.assertEq(owed, paid);
    }

    function test_a_lapsed_attempts_pay_can_be_disputed_after_the_job_was_closed() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        report(id, 1, full(10));
        at(10 + LAPSE_AFTER + 1);
        escrow.lapseJob(terms, provider);
        cancel(terms);
        arbitrator.giveRuling(openDispute(consumer, terms, 1, provider), 1);
        assertState(id, JobState.Closed);
        vm.assertEq(escrow.creditOf(consumer), price(10) + 2 * DISPUTE_BOND);
    }

    function lapsedAfter(uint256 second) private returns (JobTerms memory terms, bytes32 id) {
        (terms, id) = running();
        at(second);
        report(id, 1, full(second));
        at(second + LAPSE_AFTER + 1);
        escrow.lapseJob(terms, provider);
    }

    function refusesLapse(JobTerms memory terms, address who, bytes memory why) private {
        vm.expectRevert(why);
        escrow.lapseJob(terms, who);
    }
}

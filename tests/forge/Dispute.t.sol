// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {EscrowTest, IDRaaSEscrow, JobState, JobTerms, Usage} from "./EscrowTest.sol";

contract DisputeTest is EscrowTest {
    uint256 private constant SURE = 10; // seconds of usage that are final when the dispute opens
    uint256 private constant UNSURE = 130; // seconds of usage when it opens

    function test_a_dispute_freezes_what_is_not_final_and_stops_the_run() public {
        (JobTerms memory terms, bytes32 id) = disputable();
        open(consumer, terms, 1);
        assertState(id, JobState.Disputed);
        vm.assertEq(escrow.jobs(id).deadline, T0 + UNSURE);
        at(600);
        assertState(id, JobState.Disputed);
        vm.assertEq(finalEarned(id, 1), price(SURE));
        vm.assertEq(earned(id, 1), price(UNSURE));
        vm.assertEq(withdraw(provider, id, 1), price(SURE));
        vm.expectRevert(wrongState(id, JobState.Disputed));
        escrow.refund(terms);
        vm.expectRevert(abi.encodeWithSelector(IDRaaSEscrow.RunSettled.selector, id, 1));
        vm.prank(provider);
        escrow.completeJob(reportOf(id, 1, full(UNSURE)), 0, "");
    }

    function test_consumer_provider_and_watcher_may_dispute_and_nobody_else() public {
        address[3] memory parties = [consumer, watcher, provider];
        for (uint256 i = 0; i < 3; ++i) {
            (JobTerms memory terms, bytes32 id) = running();
            vm.warp(block.timestamp + 5);
            report(id, 1, full(5));
            open(parties[i], terms, 1);
            assertState(id, JobState.Disputed);
        }
        (JobTerms memory others,) = disputable();
        address[3] memory outsiders = [stranger, rival, scheduler];
        for (uint256 i = 0; i < 3; ++i) {
            refusesDispute(outsiders[i], others, abi.encodeWithSelector(IDRaaSEscrow.NotParty.selector, outsiders[i]));
        }
    }

    function test_a_ruling_splits_the_frozen_part_to_the_last_unit(uint256 share) public {
        share = share % 10_001;
        (JobTerms memory terms, bytes32 id) = disputable();
        open(consumer, terms, 1);
        vm.prank(arbiter);
        escrow.rule(id, 1, share);
        uint256 toProvider = price(SURE) + (price(UNSURE) - price(SURE)) * share / 10_000;
        assertState(id, JobState.Ended);
        vm.assertEq(finalEarned(id, 1), toProvider);
        escrow.refund(terms);
        vm.assertEq(withdraw(provider, id, 1), toProvider);
        assertState(id, JobState.Closed);
        address bondTo = share < 5000 ? consumer : provider;
        vm.assertEq(escrow.creditOf(bondTo), DISPUTE_BOND);
        vm.prank(bondTo);
        escrow.withdrawCredit();
        vm.assertEq(token.balanceOf(address(escrow)), 2 * MIN_BOND);
    }

    function test_a_provider_that_disputes_keeps_its_bond_from_an_even_ruling_on() public {
        (JobTerms memory terms, bytes32 id) = disputable();
        open(provider, terms, 1);
        vm.prank(arbiter);
        escrow.rule(id, 1, 5000);
        vm.assertEq(escrow.creditOf(provider), DISPUTE_BOND);
        (terms, id) = running();
        vm.warp(block.timestamp + 5);
        report(id, 1, full(5));
        open(provider, terms, 1);
        vm.prank(arbiter);
        escrow.rule(id, 1, 4999);
        vm.assertEq(escrow.creditOf(consumer), DISPUTE_BOND);
    }

    function test_an_unruled_dispute_is_split_evenly_by_anybody_and_the_bond_goes_back() public {
        (JobTerms memory terms, bytes32 id) = disputable();
        open(watcher, terms, 1);
        uint256 due = T0 + UNSURE + RULING_TIME;
        vm.warp(due);
        vm.expectRevert(abi.encodeWithSelector(IDRaaSEscrow.RulingNotDue.selector, due));
        escrow.ruleByDefault(id, 1);
        vm.warp(due + 1);
        vm.expectRevert(abi.encodeWithSelector(IDRaaSEscrow.RulingTooLate.selector, due));
        vm.prank(arbiter);
        escrow.rule(id, 1, 10_000);
        vm.prank(stranger);
        escrow.ruleByDefault(id, 1);
        vm.assertEq(finalEarned(id, 1), price(SURE) + (price(UNSURE) - price(SURE)) / 2);
        vm.assertEq(escrow.creditOf(watcher), DISPUTE_BOND);
    }

    function test_a_dispute_over_a_lapsed_run_leaves_the_next_run_alone() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        report(id, 1, full(10));
        at(41);
        escrow.lapseJob(terms);
        claim(terms, 2, rival);
        open(consumer, terms, 1);
        assertState(id, JobState.Running);
        at(50);
        report(id, 2, full(9));
        vm.prank(arbiter);
        escrow.rule(id, 1, 2500);
        vm.assertEq(finalEarned(id, 1), price(10) / 4);
        vm.assertEq(escrow.creditOf(consumer), price(10) - price(10) / 4 + DISPUTE_BOND);
        vm.assertEq(earned(id, 2), price(9));
        assertState(id, JobState.Running);
    }

    function test_what_is_final_cannot_be_disputed() public {
        (JobTerms memory terms, bytes32 id) = running();
        refusesDispute(consumer, terms, abi.encodeWithSelector(IDRaaSEscrow.NothingToDispute.selector, id, 1));
        at(10);
        complete(id, full(10));
        at(2 * WINDOW);
        refusesDispute(consumer, terms, abi.encodeWithSelector(IDRaaSEscrow.NothingToDispute.selector, id, 1));
    }

    function test_a_dispute_takes_nothing_back_that_became_final_since_the_last_report() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        report(id, 1, full(10));
        at(70);
        report(id, 1, full(70));
        at(130);
        vm.assertEq(withdraw(provider, id, 1), price(10));
        open(consumer, terms, 1);
        vm.assertEq(finalEarned(id, 1), price(10));
        vm.prank(arbiter);
        escrow.rule(id, 1, 0);
        vm.assertEq(finalEarned(id, 1), price(10));
        escrow.refund(terms);
        assertState(id, JobState.Closed);
    }

    function test_a_dispute_in_the_last_second_of_the_window_counts() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        complete(id, full(10));
        escrow.refund(terms);
        at(2 * WINDOW - 1);
        open(consumer, terms, 1);
        vm.prank(arbiter);
        escrow.rule(id, 1, 0);
        escrow.refund(terms);
        assertState(id, JobState.Closed);
        vm.assertEq(token.balanceOf(consumer), 1e15 - DISPUTE_BOND);
    }

    function test_a_run_is_disputed_and_ruled_once() public {
        (JobTerms memory terms, bytes32 id) = disputable();
        vm.expectRevert(abi.encodeWithSelector(IDRaaSEscrow.NotDisputed.selector, id, 1));
        escrow.ruleByDefault(id, 1);
        open(consumer, terms, 1);
        refusesDispute(provider, terms, wrongState(id, JobState.Disputed));
        vm.prank(arbiter);
        escrow.rule(id, 1, 10_000);
        vm.expectRevert(abi.encodeWithSelector(IDRaaSEscrow.NotDisputed.selector, id, 1));
        vm.prank(arbiter);
        escrow.rule(id, 1, 0);
        refusesDispute(consumer, terms, abi.encodeWithSelector(IDRaaSEscrow.NothingToDispute.selector, id, 1));
    }

    function test_only_the_arbiter_rules_and_shares_out_no_more_than_there_is() public {
        (JobTerms memory terms, bytes32 id) = disputable();
        open(consumer, terms, 1);
        vm.expectRevert(abi.encodeWithSelector(IDRaaSEscrow.NotArbiter.selector, consumer));
        vm.prank(consumer);
        escrow.rule(id, 1, 0);
        vm.expectRevert(abi.encodeWithSelector(IDRaaSEscrow.ShareTooLarge.selector, 10_001));
        vm.prank(arbiter);
        escrow.rule(id, 1, 10_001);
    }

    function test_there_is_no_credit_to_withdraw_twice() public {
        vm.expectRevert(abi.encodeWithSelector(IDRaaSEscrow.NothingToWithdraw.selector));
        vm.prank(consumer);
        escrow.withdrawCredit();
    }

    function disputable() private returns (JobTerms memory terms, bytes32 id) {
        vm.warp(T0);
        (terms, id) = running();
        at(SURE);
        report(id, 1, full(SURE));
        at(UNSURE);
        report(id, 1, full(UNSURE));
    }

    function open(address who, JobTerms memory terms, uint8 attempt) private {
        vm.prank(who);
        escrow.dispute(terms, attempt, "bafyevidence");
    }

    function refusesDispute(address who, JobTerms memory terms, bytes memory why) private {
        vm.expectRevert(why);
        vm.prank(who);
        escrow.dispute(terms, 1, "");
    }
}

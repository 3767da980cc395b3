// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IArbitrable, IArbitrator} from "contracts/interfaces/IArbitration.sol";
import {Disputable} from "./Disputable.sol";
import {IEscrowEvents, JobState, JobTerms, RunState} from "./EscrowTest.sol";

contract RulingTest is Disputable {
    // ---- Parts ----------------------------------------------------------------------------------------------

    function test_a_ruling_parts_what_was_frozen_to_the_last_unit(uint256 share, uint8 who) public {
        share = share % 10_001;
        address opener = who % 3 == 0 ? consumer : who % 3 == 1 ? watcher : provider;
        uint256 before = everything();
        (JobTerms memory terms, bytes32 id) = disputable();
        ruleShare(openDispute(opener, terms, 1, provider), share);
        uint256 toProvider = price(SURE) + frozen() * share / 10_000;
        vm.assertEq(finalEarned(id, 1), toProvider);
        vm.assertEq(earned(id, 1), toProvider);
        vm.assertEq(uint256(escrow.runs(id, 1, provider).state), uint256(RunState.Ruled));
        vm.assertEq(escrow.providers(provider).earned, toProvider);
        assertState(id, JobState.Ended);
        refund(terms, address(0));
        withdraw(provider, id, 1);
        assertOnlyBondsAreLeft();
        vm.assertEq(everything(), before);
    }

    function test_a_ruling_of_one_gives_the_provider_nothing_and_the_last_one_all() public {
        (JobTerms memory terms, bytes32 id) = disputable();
        uint256 disputeId = openDispute(consumer, terms, 1, provider);
        vm.expectEmit();
        emit IArbitrable.Ruling(IArbitrator(address(arbitrator)), disputeId, 1);
        vm.expectEmit();
        emit IEscrowEvents.BondSlashed(provider, id, UNITS, RUN_BOND);
        vm.expectEmit();
        emit IEscrowEvents.DisputeRuled(id, disputeId, 1, 0, 0, frozen(), 0);
        arbitrator.giveRuling(disputeId, 1);
        (terms, id) = disputable();
        disputeId = openDispute(consumer, terms, 1, provider);
        vm.expectEmit();
        emit IEscrowEvents.DisputeRuled(id, disputeId, 1, 10_000, frozen(), 0, 0);
        arbitrator.giveRuling(disputeId, 10_001);
    }

    function test_only_the_arbitrator_rules_and_shares_out_no_more_than_there_is() public {
        (JobTerms memory terms,) = disputable();
        uint256 disputeId = openDispute(consumer, terms, 1, provider);
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.NotArbitrator.selector, consumer));
        vm.prank(consumer);
        escrow.rule(disputeId, 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.RulingTooLarge.selector, 10_002));
        arbitrator.giveRuling(disputeId, 10_002);
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.NotDisputed.selector, 99));
        vm.prank(address(arbitrator));
        escrow.rule(99, 1);
    }

    // ---- Who pays -------------------------------------------------------------------------------------------

    function test_a_consumer_that_wins_is_paid_its_costs_and_the_rest_of_the_runs_bond_is_burned() public {
        ruled(consumer, 4999);
        uint256 back = frozen() - frozen() * 4999 / 10_000;
        vm.assertEq(escrow.creditOf(consumer), 2 * DISPUTE_BOND + back);
        vm.assertEq(escrow.burned(), RUN_BOND - DISPUTE_BOND);
        vm.assertEq(escrow.creditOf(provider), price(SURE));
        vm.assertEq(escrow.providers(provider).bonded, BONDED - UNITS);
        vm.assertEq(escrow.providers(provider).disputesLost, 1);
    }

    function test_a_watcher_that_wins_gets_its_costs_and_the_consumer_what_was_frozen() public {
        ruled(watcher, 0);
        vm.assertEq(escrow.creditOf(watcher), DISPUTE_BOND + DISPUTE_BOND);
        vm.assertEq(escrow.creditOf(consumer), frozen());
        vm.assertEq(escrow.burned(), RUN_BOND - DISPUTE_BOND);
    }

    function test_a_consumer_that_loses_pays_its_dispute_bond_to_the_provider() public {
        bytes32 id = ruled(consumer, 5001);
        vm.assertEq(escrow.creditOf(provider), price(SURE) + DISPUTE_BOND);
        vm.assertEq(escrow.creditOf(consumer), frozen() - frozen() * 5001 / 10_000);
        vm.assertEq(escrow.jobs(id).deposit, DEPOSIT - price(UNSURE));
        vm.assertEq(escrow.providers(provider).bonded, BONDED);
        vm.assertEq(escrow.providers(provider).disputesLost, 0);
    }

    function test_a_watcher_that_loses_pays_and_its_consumer_does_not() public {
        bytes32 id = ruled(watcher, 10_000);
        vm.assertEq(escrow.creditOf(provider), price(SURE) + DISPUTE_BOND);
        vm.assertEq(escrow.creditOf(watcher), 0);
        vm.assertEq(escrow.jobs(id).deposit, DEPOSIT - price(UNSURE));
    }

    function test_a_provider_that_wins_is_paid_its_costs_out_of_the_deposit_left() public {
        bytes32 id = ruled(provider, 5001);
        vm.assertEq(escrow.creditOf(provider), price(SURE) + 2 * DISPUTE_BOND);
        vm.assertEq(escrow.jobs(id).deposit, DEPOSIT - price(UNSURE) - DISPUTE_BOND);
    }

    function test_a_provider_that_disputes_and_loses_pays_bond_and_costs_to_the_consumer() public {
        ruled(provider, 4999);
        uint256 back = frozen() - frozen() * 4999 / 10_000;
        vm.assertEq(escrow.creditOf(consumer), DISPUTE_BOND + back);
        vm.assertEq(escrow.burned(), RUN_BOND);
        vm.assertEq(escrow.creditOf(provider), price(SURE));
        vm.assertEq(escrow.providers(provider).disputesLost, 1);
    }

    function test_compensation_is_no_more_than_the_deposit_left() public {
        JobTerms memory terms = someTerms();
        vm.prank(consumer);
        bytes32 id = escrow.postJob(terms, price(10) + DISPUTE_BOND / 2);
        claim(terms, 1, provider);
        at(10);
        complete(id, full(10));
        ruleShare(openDispute(provider, terms, 1, provider), 10_000);
        vm.assertEq(escrow.creditOf(provider), DISPUTE_BOND + DISPUTE_BOND / 2);
        vm.assertEq(escrow.jobs(id).deposit, 0);
        vm.assertEq(withdraw(provider, id, 1), price(10) + DISPUTE_BOND + DISPUTE_BOND / 2);
        assertOnlyBondsAreLeft();
    }

    function test_a_consumer_that_took_its_refund_compensates_nothing_more() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        complete(id, full(10));
        refund(terms, provider);
        ruleShare(openDispute(provider, terms, 1, provider), 10_000);
        vm.assertEq(escrow.creditOf(provider), DISPUTE_BOND);
        assertState(id, JobState.Ended);
        at(10 + 2 * WINDOW + GRACE);
        assertState(id, JobState.Closed);
    }

    function test_a_provider_that_wins_over_a_lapsed_attempt_takes_nothing_from_the_next() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        report(id, 1, full(10));
        at(41);
        escrow.lapseJob(terms, provider);
        ruleShare(openDispute(provider, terms, 1, provider), 10_000);
        vm.assertEq(escrow.creditOf(provider), DISPUTE_BOND);
        vm.assertEq(escrow.jobs(id).deposit, DEPOSIT - price(10));
        assertState(id, JobState.Open);
    }

    function test_compensation_is_no_more_than_what_is_left_of_the_bond() public {
        vm.prank(stranger);
        escrow.register(2 * UNITS, rates());
        (JobTerms memory first, bytes32 one) = strangersRun();
        (JobTerms memory second, bytes32 two) = strangersRun();
        at(5);
        strangerCompletes(one);
        strangerCompletes(two);
        (JobTerms memory third, bytes32 three) = strangersRun(); // on capacity that the first two gave back
        at(10);
        strangerCompletes(three);
        ruleShare(openDispute(watcher, first, 1, stranger), 0);
        ruleShare(openDispute(watcher, second, 1, stranger), 0);
        vm.assertEq(escrow.creditOf(watcher), 4 * DISPUTE_BOND);
        ruleShare(openDispute(watcher, third, 1, stranger), 0);
        vm.assertEq(escrow.creditOf(watcher), 5 * DISPUTE_BOND);
        vm.assertEq(escrow.providers(stranger).bonded, 0);
        vm.assertEq(escrow.creditOf(consumer), 3 * price(5));
        vm.assertEq(escrow.burned(), 2 * (RUN_BOND - DISPUTE_BOND));
    }

    // ---- Nobody rules ---------------------------------------------------------------------------------------

    function test_an_arbitrator_that_refuses_to_rule_splits_evenly_and_the_bond_goes_back() public {
        for (uint256 i = 0; i < 3; ++i) {
            address opener = i == 0 ? consumer : i == 1 ? watcher : provider;
            uint256 before = escrow.creditOf(opener);
            (JobTerms memory terms, bytes32 id) = disputable();
            arbitrator.giveRuling(openDispute(opener, terms, 1, provider), 0);
            vm.assertEq(finalEarned(id, 1), price(SURE) + frozen() / 2);
            vm.assertGe(escrow.creditOf(opener) - before, DISPUTE_BOND, "bond back");
        }
        vm.assertEq(escrow.providers(provider).bonded, BONDED);
        vm.assertEq(escrow.providers(provider).disputesLost, 0);
    }

    function test_an_unruled_dispute_is_split_evenly_by_anybody_and_the_bond_goes_back() public {
        (JobTerms memory terms, bytes32 id) = disputable();
        uint256 disputeId = openDispute(watcher, terms, 1, provider);
        uint256 due = T0 + UNSURE + RULING_TIME;
        vm.warp(due);
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.RulingNotDue.selector, due));
        escrow.ruleByDefault(disputeId);
        vm.warp(due + 1);
        vm.prank(stranger);
        escrow.ruleByDefault(disputeId);
        vm.assertEq(finalEarned(id, 1), price(SURE) + frozen() / 2);
        vm.assertEq(escrow.creditOf(watcher), DISPUTE_BOND);
        vm.assertEq(escrow.creditOf(consumer), frozen() - frozen() / 2);
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.NotDisputed.selector, disputeId));
        escrow.ruleByDefault(disputeId);
    }

    function test_a_ruling_counts_until_its_last_second_and_no_later() public {
        (JobTerms memory terms,) = disputable();
        uint256 disputeId = openDispute(consumer, terms, 1, provider);
        uint256 due = T0 + UNSURE + RULING_TIME;
        vm.warp(due + 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.RulingTooLate.selector, due));
        ruleShare(disputeId, 10_000);
        vm.warp(due);
        ruleShare(disputeId, 10_000);
    }

    // ---- Appeals --------------------------------------------------------------------------------------------

    function test_a_party_appeals_at_its_own_cost() public {
        (JobTerms memory terms,) = disputable();
        uint256 disputeId = openDispute(consumer, terms, 1, provider);
        arbitrator.propose(disputeId, 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.WrongFee.selector, 2 * FEE));
        vm.prank(provider);
        escrow.appeal{value: FEE}(disputeId);
        vm.prank(provider);
        escrow.appeal{value: 2 * FEE}(disputeId);
        vm.assertEq(provider.balance, 1 ether - 2 * FEE);
        vm.assertEq(address(arbitrator).balance, 3 * FEE);
        vm.assertEq(address(escrow).balance, 0);
    }

    function test_only_parties_and_the_opener_appeal_and_only_an_open_dispute() public {
        (JobTerms memory terms,) = disputable();
        uint256 disputeId = openDispute(watcher, terms, 1, provider);
        arbitrator.propose(disputeId, 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.NotParty.selector, stranger));
        vm.prank(stranger);
        escrow.appeal{value: 2 * FEE}(disputeId);
        vm.prank(watcher);
        escrow.appeal{value: 2 * FEE}(disputeId);
        ruleShare(disputeId, 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.NotDisputed.selector, disputeId));
        vm.prank(provider);
        escrow.appeal{value: 2 * FEE}(disputeId);
    }

    function test_an_even_ruling_leaves_each_side_its_own() public {
        for (uint256 i = 0; i < 2; ++i) {
            address opener = i == 0 ? consumer : provider;
            uint256 before = escrow.creditOf(opener);
            bytes32 id = ruled(opener, 5000);
            vm.assertEq(finalEarned(id, 1), price(SURE) + frozen() / 2);
            vm.assertGe(escrow.creditOf(opener) - before, DISPUTE_BOND, "bond back");
        }
        vm.assertEq(escrow.providers(provider).disputesLost, 0);
        vm.assertEq(escrow.burned(), 0);
    }

    function test_appeals_end_in_time_to_be_ruled() public {
        // Else who is about to lose appeals until the ruling time is over, and has half and no slash.
        (JobTerms memory terms,) = disputable();
        uint256 disputeId = openDispute(consumer, terms, 1, provider);
        arbitrator.propose(disputeId, 1);
        uint256 until = T0 + UNSURE + RULING_TIME / 2;
        vm.warp(until + 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.AppealTooLate.selector, until));
        vm.prank(provider);
        escrow.appeal{value: 2 * FEE}(disputeId);
        vm.warp(until);
        vm.prank(provider);
        escrow.appeal{value: 2 * FEE}(disputeId);
    }

    // ---- Builders -------------------------------------------------------------------------------------------

    function strangersRun() private returns (JobTerms memory terms, bytes32 id) {
        (terms, id) = posted();
        claim(terms, 1, stranger);
    }

    function strangerCompletes(bytes32 id) private {
        vm.prank(stranger);
        escrow.completeJob(reportOf(id, 1, full(5)), 0, "");
    }

    function ruled(address opener, uint256 share) private returns (bytes32 id) {
        JobTerms memory terms;
        (terms, id) = disputable();
        ruleShare(openDispute(opener, terms, 1, provider), share);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IArbitrable} from "contracts/interfaces/IArbitration.sol";
import {Disputable} from "./Disputable.sol";
import {IDRaaSEscrow, IEscrowEvents, JobState, JobTerms, RunRef} from "./EscrowTest.sol";
import {HostileArbitrator} from "./HostileArbitrator.sol";

/// @dev What an arbitrator that is out to do harm can do: split what is not final, for as long as it has time.
contract AttackArbitratorTest is Disputable {
    HostileArbitrator private court;

    function setUp() public override {
        super.setUp();
        court = new HostileArbitrator();
        court.behave(0, FEE, false);
        escrow = newEscrow(address(token), address(court), parameters());
        address[5] memory people = [consumer, watcher, provider, rival, stranger];
        for (uint256 i = 0; i < 5; ++i) {
            vm.prank(people[i]);
            token.approve(address(escrow), type(uint256).max);
        }
        register(provider);
        register(rival);
    }

    function test_an_arbitrator_cannot_rule_a_dispute_before_it_stands() public {
        (JobTerms memory terms, bytes32 id) = disputable();
        court.callBack(abi.encodeCall(IArbitrable.rule, (0, 1)));
        openDispute(consumer, terms, 1, provider);
        vm.assertTrue(!court.called());
        assertState(id, JobState.Disputed);
        court.rule(escrow, 0, 10_001);
        refund(terms, address(0));
        withdraw(provider, id, 1);
        assertOnlyBondsAreLeft();
    }

    function test_an_arbitrator_that_is_a_party_cannot_dispute_within_a_dispute() public {
        JobTerms memory terms = someTerms();
        terms.watcher = address(court);
        vm.prank(consumer);
        bytes32 id = escrow.postJob(terms, DEPOSIT);
        claim(terms, 1, provider);
        at(10);
        report(id, 1, full(10));
        court.callBack(abi.encodeCall(IDRaaSEscrow.dispute, (terms, 1, provider, "")));
        openDispute(consumer, terms, 1, provider);
        vm.assertTrue(!court.called());
    }

    function test_an_arbitrator_that_calls_anything_else_meanwhile_changes_nothing() public {
        (JobTerms memory terms,) = disputable();
        bytes[6] memory calls = [
            abi.encodeCall(IDRaaSEscrow.ruleByDefault, (0)),
            abi.encodeCall(IDRaaSEscrow.refund, (consumer, termsHashOf(terms), provider)),
            abi.encodeCall(IDRaaSEscrow.cancelJob, (termsHashOf(terms))),
            abi.encodeCall(IDRaaSEscrow.lapseJob, (terms, provider)),
            abi.encodeCall(IDRaaSEscrow.withdraw, (new RunRef[](0))),
            abi.encodeCall(IDRaaSEscrow.withdrawBond, ())
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            uint256 before = vm.snapshotState();
            court.callBack(calls[i]);
            openDispute(consumer, terms, 1, provider);
            vm.assertTrue(!court.called());
            vm.revertToState(before);
        }
    }

    function test_an_arbitrator_may_rule_while_it_takes_an_appeal_and_only_once() public {
        (JobTerms memory terms,) = disputable();
        openDispute(consumer, terms, 1, provider);
        court.callBack(abi.encodeCall(IArbitrable.rule, (0, 1)));
        vm.prank(provider);
        escrow.appeal{value: FEE}(0);
        vm.assertTrue(court.called());
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.NotDisputed.selector, 0));
        court.rule(escrow, 0, 10_001);
    }

    function test_an_arbitrator_never_touches_what_is_final_or_another_jobs_money() public {
        (JobTerms memory terms, bytes32 id) = disputable();
        (, bytes32 other) = running();
        at(UNSURE + 10);
        report(other, 1, full(10));
        openDispute(consumer, terms, 1, provider);
        court.rule(escrow, 0, 1);
        vm.assertEq(finalEarned(id, 1), price(SURE));
        vm.assertEq(earned(other, 1), price(10));
        vm.assertEq(escrow.jobs(other).deposit, DEPOSIT);
        vm.assertEq(escrow.jobs(id).deposit, DEPOSIT - price(UNSURE));
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.NotDisputed.selector, 1));
        court.rule(escrow, 1, 1);
    }

    function test_a_dead_arbitrator_holds_nothing_up_beyond_the_ruling_time() public {
        (JobTerms memory terms, bytes32 id) = disputable();
        openDispute(consumer, terms, 1, provider);
        court.behave(0, FEE, true);
        vm.warp(T0 + UNSURE + RULING_TIME + 1);
        escrow.ruleByDefault(0);
        refund(terms, address(0));
        withdraw(provider, id, 1);
        assertOnlyBondsAreLeft();
        (terms, id) = disputable();
        vm.expectRevert();
        openDispute(consumer, terms, 1, provider);
        at(2000);
        vm.assertEq(finalEarned(id, 1), earned(id, 1));
    }

    function test_a_price_that_rises_meanwhile_takes_no_more_than_was_sent() public {
        (JobTerms memory terms,) = disputable();
        court.behave(0, 5 * FEE, false);
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.WrongFee.selector, 5 * FEE));
        openDispute(consumer, terms, 1, provider);
        vm.assertEq(consumer.balance, 1 ether);
        court.behave(0, 0, false);
        vm.prank(consumer);
        escrow.dispute(terms, 1, provider, "");
        vm.assertEq(consumer.balance, 1 ether);
    }

    function test_any_number_of_a_dispute_will_do() public {
        uint256[3] memory numbers = [type(uint256).max, 0, 1 << 255];
        for (uint256 i = 0; i < 3; ++i) {
            (JobTerms memory terms, bytes32 id) = disputable();
            court.behave(numbers[i], FEE, false);
            vm.assertEq(openDispute(consumer, terms, 1, provider), numbers[i]);
            court.rule(escrow, numbers[i], 10_001);
            assertState(id, JobState.Ended);
        }
    }

    function test_the_number_of_a_decided_dispute_may_come_again() public {
        for (uint256 i = 0; i < 3; ++i) {
            (JobTerms memory terms, bytes32 id) = disputable();
            openDispute(consumer, terms, 1, provider);
            court.rule(escrow, 0, 5001);
            refund(terms, address(0));
            withdraw(provider, id, 1);
            assertOnlyBondsAreLeft();
        }
    }

    function test_ether_can_neither_be_sent_to_the_escrow_nor_stay_in_it() public {
        (JobTerms memory terms,) = disputable();
        openDispute(consumer, terms, 1, provider);
        vm.assertTrue(!court.send(address(escrow), FEE));
        vm.prank(provider);
        escrow.appeal{value: FEE}(0);
        vm.assertEq(address(escrow).balance, 0);
        vm.assertEq(address(court).balance, 2 * FEE);
        vm.prank(consumer);
        (bool success,) = address(escrow).call{value: 1}("");
        vm.assertTrue(!success, "receive");
        vm.prank(consumer);
        (success,) = address(escrow).call{value: 1}(abi.encodeCall(IDRaaSEscrow.cancelJob, (termsHashOf(terms))));
        vm.assertTrue(!success, "not payable");
    }

    function test_ether_forced_into_the_escrow_changes_nothing() public {
        vm.deal(address(escrow), 3);
        (JobTerms memory terms, bytes32 id) = disputable();
        openDispute(consumer, terms, 1, provider);
        vm.assertEq(address(court).balance, FEE);
        court.rule(escrow, 0, 10_001);
        refund(terms, address(0));
        withdraw(provider, id, 1);
        assertOnlyBondsAreLeft();
    }

    function test_an_arbitrator_cannot_give_a_number_twice_while_its_dispute_is_open() public {
        (JobTerms memory first, bytes32 id) = disputable();
        (JobTerms memory second, bytes32 other) = disputable();
        openDispute(consumer, first, 1, provider);
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.DisputeIdTaken.selector, 0));
        openDispute(consumer, second, 1, provider);
        assertState(other, JobState.Running);
        court.rule(escrow, 0, 10_001);
        assertState(id, JobState.Ended);
    }
}

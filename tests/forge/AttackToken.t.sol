// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {HostileMarket} from "./HostileMarket.sol";
import {HostileToken} from "./HostileToken.sol";
import {IDRaaSEscrow, IEscrowEvents, JobState, JobTerms, RunRef} from "./EscrowTest.sol";

contract AttackTokenTest is HostileMarket {
    bytes private mismatch = abi.encodeWithSelector(IEscrowEvents.TokenMismatch.selector);

    // ---- Tokens that do other than asked --------------------------------------------------------------------

    function test_a_token_that_keeps_a_fee_is_refused_wherever_it_comes_in() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        report(id, 1, full(10));
        hostile.behave(HostileToken.Mood.KeepsFee);
        JobTerms memory more = someTerms();
        vm.expectRevert(mismatch);
        vm.prank(consumer);
        escrow.postJob(more, DEPOSIT);
        vm.expectRevert(mismatch);
        vm.prank(consumer);
        escrow.topUp(id, 5);
        vm.expectRevert(mismatch);
        vm.prank(provider);
        escrow.register(5, rates());
        vm.expectRevert(mismatch);
        openDispute(consumer, terms, 1, provider);
    }

    function test_a_token_that_answers_false_moves_no_books() public {
        (, bytes32 id) = running();
        at(10);
        complete(id, full(10));
        at(200);
        hostile.behave(HostileToken.Mood.AnswersFalse);
        bytes memory failed = abi.encodeWithSignature("SafeERC20FailedOperation(address)", address(token));
        JobTerms memory more = someTerms();
        vm.expectRevert(failed);
        vm.prank(consumer);
        escrow.postJob(more, DEPOSIT);
        vm.expectRevert(failed);
        withdraw(provider, id, 1);
        vm.assertEq(escrow.withdrawableOf(id, 1, provider), price(10));
        hostile.behave(HostileToken.Mood.Honest);
        vm.assertEq(withdraw(provider, id, 1), price(10));
    }

    function test_a_token_that_answers_nothing_is_as_good_as_any() public {
        hostile.behave(HostileToken.Mood.AnswersNothing);
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        complete(id, full(10));
        refund(terms, provider);
        at(200);
        vm.assertEq(withdraw(provider, id, 1), price(10));
    }

    function test_a_token_that_stops_working_stops_no_report_and_no_lapse() public {
        (JobTerms memory terms, bytes32 id) = running();
        hostile.behave(HostileToken.Mood.Reverts);
        at(10);
        report(id, 1, full(10));
        at(41);
        escrow.lapseJob(terms, provider);
        vm.expectRevert();
        cancel(terms);
        assertState(id, JobState.Open);
        hostile.behave(HostileToken.Mood.Honest);
        cancel(terms);
        at(200);
        vm.assertEq(withdraw(provider, id, 1), price(10));
    }

    // ---- Blocklists -----------------------------------------------------------------------------------------

    function test_a_blocklisted_consumer_holds_up_neither_its_provider_nor_anybody_else() public {
        (JobTerms memory terms, bytes32 id) = running();
        hostile.blocklist(consumer, true);
        at(10);
        report(id, 1, full(10));
        complete(id, full(10));
        at(200);
        vm.assertEq(withdraw(provider, id, 1), price(10));
        vm.expectRevert();
        refund(terms, provider);
        JobTerms memory others = attackersTerms();
        post(others);
        attack(abi.encodeCall(IDRaaSEscrow.cancelJob, (termsHashOf(others))));
        vm.assertEq(token.balanceOf(address(attacker)), 1e15);
        hostile.blocklist(consumer, false);
        refund(terms, provider);
    }

    function test_a_blocklisted_provider_holds_up_no_lapse_refund_or_ruling() public {
        (JobTerms memory terms, bytes32 id) = running();
        (JobTerms memory silent,) = running();
        at(10);
        report(id, 1, full(10));
        hostile.blocklist(provider, true);
        uint256 disputeId = openDispute(consumer, terms, 1, provider);
        arbitrator.giveRuling(disputeId, 10_001);
        refund(terms, provider);
        at(31);
        escrow.lapseJob(silent, provider);
        cancel(silent);
        vm.expectRevert();
        withdraw(provider, id, 1);
        hostile.blocklist(provider, false);
        vm.assertEq(withdraw(provider, id, 1), price(10) + DISPUTE_BOND);
    }

    function test_a_blocklisted_consumer_holds_up_no_ruling() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        complete(id, full(10));
        uint256 disputeId = openDispute(watcher, terms, 1, provider);
        hostile.blocklist(consumer, true);
        arbitrator.giveRuling(disputeId, 5001);
        vm.assertEq(withdraw(provider, id, 1), price(10) / 2);
        vm.assertEq(escrow.creditOf(watcher), DISPUTE_BOND);
    }

    function test_a_blocklisted_consumer_does_not_lock_its_providers_bond() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(600 + GRACE + 1); // the agent was away for its last report
        hostile.blocklist(consumer, true);
        vm.expectRevert();
        refund(terms, provider);
        vm.expectEmit();
        emit IEscrowEvents.JobSettled(id, provider, 1, 0);
        escrow.settleJob(id, provider);
        vm.assertEq(escrow.providers(provider).reserved, 0);
        hostile.blocklist(consumer, false);
        refund(terms, address(0));
        vm.assertEq(token.balanceOf(consumer), 1e15 - DEPOSIT); // the open job's
    }

    function test_a_used_up_job_is_settled_whatever_the_token_says_to_a_transfer_of_nothing() public {
        JobTerms memory terms = someTerms();
        vm.prank(consumer);
        bytes32 id = escrow.postJob(terms, price(5));
        claim(terms, 1, provider);
        at(9);
        report(id, 1, full(9));
        at(9 + GRACE + 1);
        hostile.behave(HostileToken.Mood.RefusesZero);
        escrow.refund(consumer, termsHashOf(terms), provider);
        vm.assertEq(escrow.providers(provider).reserved, 0);
    }

    // ---- Re-entrancy on the way out -------------------------------------------------------------------------

    function test_a_cancel_within_a_cancel_pays_once() public {
        JobTerms memory terms = attackersTerms();
        bytes memory cancelIt = abi.encodeCall(IDRaaSEscrow.cancelJob, (termsHashOf(terms)));
        post(terms);
        hook(cancelIt);
        attack(cancelIt);
        vm.assertEq(hostile.called(), 0);
        assertNothingGained();
    }

    function test_a_refund_within_a_refund_pays_once() public {
        JobTerms memory terms = attackersTerms();
        post(terms);
        at(101);
        bytes memory refundIt = abi.encodeCall(IDRaaSEscrow.refund, (address(attacker), termsHashOf(terms), address(0)));
        hook(refundIt);
        attack(refundIt);
        vm.assertEq(hostile.called(), 0);
        assertNothingGained();
    }

    function test_a_withdrawal_within_a_withdrawal_pays_once() public {
        JobTerms memory terms = attackersTerms();
        post(terms);
        attack(abi.encodeCall(IDRaaSEscrow.register, (BONDED, rates())));
        attack(abi.encodeCall(IDRaaSEscrow.claimJob, (terms, 0, 0, "")));
        bytes32 id = escrow.jobIdOf(terms);
        at(10);
        attack(abi.encodeCall(IDRaaSEscrow.completeJob, (reportOf(id, 1, full(10)), 0, "")));
        at(200);
        bytes memory withdrawIt = abi.encodeCall(IDRaaSEscrow.withdraw, (refOf(id, 1)));
        hook(withdrawIt);
        attack(withdrawIt);
        refund(terms, address(attacker));
        leaveAndTakeBond();
        vm.assertEq(hostile.called(), 0);
        assertNothingGained();
    }

    function test_taking_a_bond_out_within_taking_it_out_pays_once() public {
        attack(abi.encodeCall(IDRaaSEscrow.register, (BONDED, rates())));
        hook(abi.encodeCall(IDRaaSEscrow.withdrawBond, ()));
        leaveAndTakeBond();
        vm.assertEq(hostile.called(), 0);
        assertNothingGained();
    }

    function test_a_credit_is_withdrawn_once_whatever_is_called_meanwhile() public {
        JobTerms memory terms = attackersTerms();
        post(terms);
        vm.prank(provider);
        escrow.claimJob(terms, 0, 0, "");
        bytes32 id = escrow.jobIdOf(terms);
        at(10);
        complete(id, full(10));
        attacker.act{value: FEE}(address(escrow), abi.encodeCall(IDRaaSEscrow.dispute, (terms, 1, provider, "")));
        arbitrator.giveRuling(0, 1);
        bytes memory withdrawIt = abi.encodeCall(IDRaaSEscrow.withdraw, (new RunRef[](0)));
        hook(withdrawIt);
        attack(withdrawIt);
        vm.assertEq(hostile.called(), 0);
        vm.assertEq(token.balanceOf(address(attacker)), 1e15 - DEPOSIT + price(10) + DISPUTE_BOND);
    }

    // ---- Re-entrancy on the way in --------------------------------------------------------------------------

    function test_a_deposit_cannot_be_taken_back_before_it_arrived() public {
        JobTerms memory terms = attackersTerms();
        hook(abi.encodeCall(IDRaaSEscrow.cancelJob, (termsHashOf(terms))));
        vm.expectRevert(mismatch);
        post(terms);
        assertNothingGained();
    }

    function test_a_top_up_cannot_be_taken_back_before_it_arrived() public {
        JobTerms memory terms = attackersTerms();
        post(terms);
        bytes32 id = escrow.jobIdOf(terms);
        hook(abi.encodeCall(IDRaaSEscrow.cancelJob, (termsHashOf(terms))));
        vm.expectRevert(mismatch);
        attack(abi.encodeCall(IDRaaSEscrow.topUp, (id, 7)));
        attack(abi.encodeCall(IDRaaSEscrow.cancelJob, (termsHashOf(terms))));
        assertNothingGained();
    }

    function test_a_bond_cannot_be_taken_out_before_it_arrived() public {
        hook(abi.encodeCall(IDRaaSEscrow.withdrawBond, ()));
        attack(abi.encodeCall(IDRaaSEscrow.register, (BONDED, rates())));
        vm.assertEq(hostile.called(), 0);
        leaveAndTakeBond();
        assertNothingGained();
    }

    function test_a_deposit_within_a_deposit_is_counted_once() public {
        JobTerms memory outer = attackersTerms();
        JobTerms memory inner = attackersTerms();
        hook(abi.encodeCall(IDRaaSEscrow.postJob, (inner, DEPOSIT)));
        vm.expectRevert(mismatch);
        post(outer);
        assertNothingGained();
    }

    function test_a_dispute_within_a_dispute_is_refused() public {
        JobTerms memory terms = attackersTerms();
        post(terms);
        vm.prank(provider);
        escrow.claimJob(terms, 0, 0, "");
        bytes32 id = escrow.jobIdOf(terms);
        at(10);
        report(id, 1, full(10));
        vm.deal(address(attacker), 1 ether);
        bytes[4] memory calls = [
            abi.encodeCall(IDRaaSEscrow.dispute, (terms, 1, provider, "")),
            abi.encodeCall(IDRaaSEscrow.ruleByDefault, (0)),
            abi.encodeCall(IDRaaSEscrow.cancelJob, (termsHashOf(terms))),
            abi.encodeCall(IDRaaSEscrow.refund, (address(attacker), termsHashOf(terms), provider))
        ];
        for (uint256 i = 0; i < 4; ++i) {
            uint256 before = vm.snapshotState();
            hook(calls[i]);
            attacker.act{value: FEE}(address(escrow), abi.encodeCall(IDRaaSEscrow.dispute, (terms, 1, provider, "")));
            vm.assertEq(hostile.called(), 0);
            assertState(id, JobState.Disputed);
            vm.revertToState(before);
        }
    }

    function leaveAndTakeBond() private {
        attack(abi.encodeCall(IDRaaSEscrow.startUnbond, ()));
        vm.warp(block.timestamp + UNBOND_TIME);
        attack(abi.encodeCall(IDRaaSEscrow.withdrawBond, ()));
    }
}

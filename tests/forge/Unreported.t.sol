// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Disputable} from "./Disputable.sol";
import {JobTerms} from "./EscrowTest.sol";

/// @dev What a run may have earned since its last report, when a dispute is its end.
contract UnreportedTest is Disputable {
    /// @dev A dispute ends a live run without a last report; who loses it pays what may have run since, at full reserve.
    function test_a_lost_dispute_is_no_cheaper_than_a_cancel() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(1);
        report(id, 1, full(1));
        at(30); // the next report is due in this second
        uint256 disputeId = openDispute(consumer, terms, 1, provider);
        vm.assertEq(escrow.disputes(disputeId).unreported, price(29));
        ruleShare(disputeId, 10_000);
        refund(terms, provider);
        vm.assertEq(1e15 - token.balanceOf(consumer), price(30) + DISPUTE_BOND);
        vm.assertEq(escrow.creditOf(provider), price(29) + DISPUTE_BOND);
    }

    function test_a_dispute_right_after_a_cancel_does_not_save_the_last_report() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(1);
        report(id, 1, full(1));
        at(30);
        cancel(terms);
        uint256 disputeId = openDispute(consumer, terms, 1, provider);
        at(40);
        ruleShare(disputeId, 10_000);
        vm.assertEq(escrow.creditOf(provider), price(29) + DISPUTE_BOND);
    }

    function test_what_ran_unreported_is_paid_by_nobody_who_wins() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(1);
        report(id, 1, full(1));
        at(30);
        ruleShare(openDispute(consumer, terms, 1, provider), 0);
        vm.assertEq(escrow.creditOf(provider), 0);
        vm.assertEq(escrow.refundableOf(id, provider), DEPOSIT - price(1));
    }
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Disputable} from "./Disputable.sol";
import {JobTerms} from "./EscrowTest.sol";

/// @dev Rules that the contracts do not keep yet; each test fails until they do.
contract FindingsTest is Disputable {
    // ---- The bond -------------------------------------------------------------------------------------------

    /// @dev A completed run gives its capacity back at once, so one bond answers for any number of disputable runs:
    /// the first ruling takes it, and who wins the next is not even paid the costs.
    function test_every_run_that_can_be_disputed_has_a_bond_of_its_own() public {
        vm.prank(stranger);
        escrow.register(UNITS, rates());
        JobTerms[] memory terms = new JobTerms[](3);
        for (uint256 i = 0; i < 3; ++i) {
            bytes32 id;
            (terms[i], id) = posted();
            claim(terms[i], 1, stranger);
            vm.warp(block.timestamp + 10);
            vm.prank(stranger);
            escrow.completeJob(reportOf(id, 1, full(10)), 0, "");
        }
        for (uint256 i = 0; i < 3; ++i) {
            ruleShare(openDispute(consumer, terms[i], 1, stranger), 0);
        }
        vm.assertEq(escrow.creditOf(consumer), 3 * (price(10) + 2 * DISPUTE_BOND));
    }

    /// @dev Slashed for its lapse, and for the same run again by a dispute: out of the bond of other runs.
    function test_a_run_costs_its_bond_at_most_once() public {
        for (uint256 i = 0; i < 2; ++i) {
            lapseOwn(rival, provider);
        }
        (JobTerms memory terms, bytes32 id) = running();
        vm.warp(block.timestamp + 5);
        report(id, 1, full(5));
        vm.warp(block.timestamp + LAPSE_AFTER + 1);
        escrow.lapseJob(terms, provider);
        ruleShare(openDispute(consumer, terms, 1, provider), 0);
        vm.assertEq(BONDED - escrow.providers(provider).bonded, UNITS);
    }

    // ---- Disputes -------------------------------------------------------------------------------------------

    /// @dev A cancel leaves the grace for the last report, a dispute does not: what ran since the last one is never paid
    /// even if the provider wins, and that may be far more than the dispute's bond.
    function test_a_lost_dispute_is_no_cheaper_than_a_cancel() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(1);
        report(id, 1, full(1));
        at(30); // the next report is due in this second
        ruleShare(openDispute(consumer, terms, 1, provider), 10_000);
        refund(terms, provider);
        uint256 paid = 1e15 - token.balanceOf(consumer);
        vm.assertGe(paid, price(30), "the consumer pays what ran");
    }

    // ---- Builders -------------------------------------------------------------------------------------------

    /// @dev A job of `who`'s own, claimed by an accomplice that stays silent.
    function lapseOwn(address who, address accomplice) private {
        JobTerms memory terms = someTerms();
        (terms.consumer, terms.scheduler) = (who, address(0));
        vm.prank(who);
        escrow.postJob(terms, 1);
        vm.prank(accomplice);
        escrow.claimJob(terms, 0, 0, "");
        vm.warp(block.timestamp + LAPSE_AFTER + 1);
        escrow.lapseJob(terms, accomplice);
    }
}

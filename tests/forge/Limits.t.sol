// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Disputable} from "./Disputable.sol";
import {JobTerms} from "./EscrowTest.sol";

/// @dev What the protocol does not promise, so that nobody takes it for granted; docs/protocol.md names each.
contract LimitsTest is Disputable {
    // ---- The bond -------------------------------------------------------------------------------------------

    /// @dev A completed run gives its capacity back at once: the first ruling takes the bond, later winners have what was
    /// frozen and their own bond back, but not their costs. Then the provider claims no more.
    function test_a_bond_answers_for_what_runs_at_one_time_and_pays_once() public {
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
        vm.assertEq(escrow.creditOf(consumer), 3 * (price(10) + DISPUTE_BOND) + DISPUTE_BOND);
        vm.assertEq(escrow.providers(stranger).bonded, 0);
    }

    /// @dev A third lapse is slashed for the three, a lie for itself; both by the units of the run they happened in.
    function test_a_lapse_and_a_lie_in_one_run_are_two_offences() public {
        for (uint256 i = 0; i < 2; ++i) {
            lapseOwn(rival, provider);
        }
        (JobTerms memory terms, bytes32 id) = running();
        vm.warp(block.timestamp + 5);
        report(id, 1, full(5));
        vm.warp(block.timestamp + LAPSE_AFTER + 1);
        escrow.lapseJob(terms, provider);
        ruleShare(openDispute(consumer, terms, 1, provider), 0);
        vm.assertEq(BONDED - escrow.providers(provider).bonded, 2 * UNITS);
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

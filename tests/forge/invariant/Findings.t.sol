// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {EscrowTest, JobState, JobTerms, SignedReport, UsageReport} from "../EscrowTest.sol";

/// @dev What the campaign and the reading for it have found: each test shows what the contract does today, and its
/// comment what was promised.
contract FindingsTest is EscrowTest {
    /// @dev Promised: "One must be worth more than the run's last, so none can be used twice." A report above the cap
    /// of the moment is worth more later on, and whoever kept it can use it again and again.
    function test_a_relayed_report_above_the_cap_works_more_than_once() public {
        (, bytes32 id) = running();
        SignedReport[] memory one = new SignedReport[](1);
        one[0] = signedFor(id, 100);
        at(10);
        vm.prank(stranger);
        escrow.relayReports(one);
        vm.assertEq(earned(id, 1), price(10));
        at(25);
        vm.prank(stranger);
        escrow.relayReports(one);
        vm.assertEq(earned(id, 1), price(25), "the same signature, paid twice");
    }

    /// @dev So a provider that has signed once for the whole duration may die at once: anybody who relays that message
    /// now and then keeps its run from lapsing, and has it paid for seconds that it did not run.
    function test_one_signature_keeps_a_dead_agent_from_lapsing() public {
        (JobTerms memory terms, bytes32 id) = running();
        SignedReport[] memory one = new SignedReport[](1);
        one[0] = signedFor(id, 600);
        for (uint256 second = LAPSE_AFTER; second < 300; second += LAPSE_AFTER) {
            at(second);
            vm.prank(stranger);
            escrow.relayReports(one);
            vm.expectRevert();
            escrow.lapseJob(terms, provider);
        }
        vm.assertEq(earned(id, 1), price(270));
    }

    /// @dev A co-signed report need not even be worth more: used again within its deadline it counts as a report, with
    /// nothing new in it, by anybody who has seen it on the chain.
    function test_a_co_signed_report_works_again_and_counts_as_a_sign_of_life() public {
        (JobTerms memory terms, bytes32 id) = running();
        SignedReport memory signed = signedFor(id, 10);
        bytes memory agreed = signedReport(CONSUMER_KEY, signed.report, signed.deadline);
        at(10);
        escrow.reportFinal(signed, consumer, termsHashOf(terms), agreed);
        for (uint256 second = 40; second <= 100; second += LAPSE_AFTER) {
            at(second);
            vm.prank(stranger);
            escrow.reportFinal(signed, consumer, termsHashOf(terms), agreed);
        }
        vm.assertEq(escrow.runs(id, 1, provider).reportedAt, T0 + 100, "reported by a stranger");
        vm.assertEq(earned(id, 1), price(10));
    }

    /// @dev Promised: the loser pays the opener's costs, a provider out of the bond of the run. One job's bond answers
    /// for every run that was settled within the time in which it can be disputed, and only the first is paid from it.
    function test_one_bond_answers_for_many_runs_and_pays_for_one() public {
        vm.prank(stranger);
        escrow.register(UNITS, rates());
        (JobTerms memory first, bytes32 firstId) = posted();
        (JobTerms memory second, bytes32 secondId) = posted();
        claim(first, 1, stranger);
        at(10);
        finishAs(stranger, firstId);
        claim(second, 1, stranger);
        at(20);
        finishAs(stranger, secondId);
        uint256 firstDispute = openDispute(consumer, first, 1, stranger);
        uint256 secondDispute = openDispute(consumer, second, 1, stranger);
        arbitrator.giveRuling(firstDispute, 1);
        uint256 before = escrow.creditOf(consumer);
        arbitrator.giveRuling(secondDispute, 1);
        uint256 frozen = price(10);
        vm.assertEq(escrow.creditOf(consumer) - before, frozen + DISPUTE_BOND, "no costs, no bond of the second run");
        vm.assertEq(escrow.providers(stranger).bonded, 0);
    }

    /// @dev Promised of `Closed`: "nothing left that could be disputed". A job that lapsed and is then cancelled,
    /// declined or refunded is closed at once, while its lapsed run can still be disputed, and be under dispute.
    function test_a_closed_job_can_still_be_disputed() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        report(id, 1, full(10));
        at(10 + LAPSE_AFTER + 1);
        escrow.lapseJob(terms, provider);
        cancel(terms);
        assertState(id, JobState.Closed);
        uint256 disputeId = openDispute(consumer, terms, 1, provider);
        assertState(id, JobState.Closed);
        arbitrator.giveRuling(disputeId, 1);
        vm.assertGe(escrow.creditOf(consumer), price(10), "all of it, from a job that was closed");
    }

    function finishAs(address who, bytes32 id) private {
        UsageReport memory last = reportOf(id, 1, full(10));
        vm.prank(who);
        escrow.completeJob(last, 0, "");
    }

    function signedFor(bytes32 id, uint256 span) private view returns (SignedReport memory) {
        UsageReport memory report_ = reportOf(id, 1, full(span));
        uint64 deadline = uint64(T0 + 600);
        return SignedReport(provider, report_, deadline, signedReport(PROVIDER_KEY, report_, deadline));
    }
}

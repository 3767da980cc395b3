// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {EscrowTest, IEscrowEvents, JobState, JobTerms, Run, SignedReport, UsageReport} from "./EscrowTest.sol";

contract RelayTest is EscrowTest {
    uint64 private constant UNTIL = uint64(T0 + 300);
    bytes private invalid = abi.encodeWithSelector(IEscrowEvents.SignatureInvalid.selector);

    // ---- Cancels by signature -------------------------------------------------------------------------------

    function test_anybody_relays_a_consumers_signed_cancel() public {
        (JobTerms memory terms, bytes32 id) = posted();
        vm.prank(stranger);
        escrow.cancelJobBySignature(consumer, termsHashOf(terms), UNTIL, signedCancel(CONSUMER_KEY, id, UNTIL));
        assertState(id, JobState.Closed);
        vm.assertEq(token.balanceOf(consumer), 1e15);
    }

    function test_a_signed_cancel_ends_a_running_job_as_any_other() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        escrow.cancelJobBySignature(consumer, termsHashOf(terms), UNTIL, signedCancel(CONSUMER_KEY, id, UNTIL));
        assertState(id, JobState.Ended);
        complete(id, full(10));
        vm.assertEq(earned(id, 1), price(10));
    }

    function test_a_signed_cancel_binds_job_deadline_and_consumer() public {
        (JobTerms memory terms, bytes32 id) = posted();
        (JobTerms memory others,) = posted();
        bytes memory signature = signedCancel(CONSUMER_KEY, id, UNTIL);
        refusesCancel(others, UNTIL, signature, invalid);
        refusesCancel(terms, UNTIL + 1, signature, invalid);
        refusesCancel(terms, UNTIL, signedCancel(PROVIDER_KEY, id, UNTIL), invalid);
        at(301);
        refusesCancel(terms, UNTIL, signature, abi.encodeWithSelector(IEscrowEvents.SignatureExpired.selector, UNTIL));
    }

    function test_a_signed_cancel_is_used_once() public {
        (JobTerms memory terms, bytes32 id) = running();
        bytes memory signature = signedCancel(CONSUMER_KEY, id, UNTIL);
        escrow.cancelJobBySignature(consumer, termsHashOf(terms), UNTIL, signature);
        refusesCancel(terms, UNTIL, signature, wrongState(id, JobState.Ended));
    }

    // ---- Reports by signature -------------------------------------------------------------------------------

    function test_anybody_relays_a_providers_signed_report() public {
        (, bytes32 id) = running();
        at(10);
        relay(signedOf(id, 10, UNTIL));
        vm.assertEq(earned(id, 1), price(10));
        vm.assertEq(escrow.runs(id, 1, provider).reportedAt, T0 + 10);
    }

    function test_relayed_reports_release_what_is_final_to_the_provider() public {
        (, bytes32 id) = running();
        at(10);
        relay(signedOf(id, 10, UNTIL));
        at(130);
        relay(signedOf(id, 130, UNTIL));
        vm.assertEq(escrow.creditOf(provider), price(10));
        vm.assertEq(escrow.creditOf(stranger), 0);
    }

    function test_a_relayed_report_is_used_once_and_never_after_a_newer_one() public {
        (, bytes32 id) = running();
        SignedReport memory older = signedOf(id, 10, UNTIL);
        at(10);
        relay(older);
        at(20);
        refusesRelay(older, abi.encodeWithSelector(IEscrowEvents.NothingNew.selector, id, 1));
        relay(signedOf(id, 20, UNTIL));
        refusesRelay(older, abi.encodeWithSelector(IEscrowEvents.UsageFell.selector, id, 1));
    }

    function test_an_old_relayed_report_does_not_keep_a_silent_run_alive() public {
        (JobTerms memory terms, bytes32 id) = running();
        SignedReport memory older = signedOf(id, 10, UNTIL);
        at(10);
        relay(older);
        at(10 + LAPSE_AFTER);
        refusesRelay(older, abi.encodeWithSelector(IEscrowEvents.NothingNew.selector, id, 1));
        at(10 + LAPSE_AFTER + 1);
        escrow.lapseJob(terms, provider);
        assertState(id, JobState.Open);
    }

    function test_a_relayed_report_is_refused_after_its_deadline_or_by_another_key() public {
        (, bytes32 id) = running();
        at(10);
        SignedReport memory wrong = signedOf(id, 10, uint64(T0 + 9));
        refusesRelay(wrong, abi.encodeWithSelector(IEscrowEvents.ReportExpired.selector, id, 1));
        wrong = signedOf(id, 10, UNTIL);
        wrong.signature = signedReport(CONSUMER_KEY, wrong.report, UNTIL);
        refusesRelay(wrong, abi.encodeWithSelector(IEscrowEvents.ReportNotSigned.selector, id, 1));
        relay(signedOf(id, 10, uint64(T0 + 10)));
    }

    function test_every_total_of_a_relayed_report_is_signed() public {
        (, bytes32 id) = running();
        at(20);
        SignedReport[6] memory wrong;
        for (uint256 i = 0; i < 6; ++i) {
            wrong[i] = signedOf(id, 10, UNTIL);
        }
        wrong[0].report.usage.cpuMs += 1;
        wrong[1].report.usage.memoryMibS += 1;
        wrong[2].report.usage.egressKib += 1;
        wrong[3].report.usage.wallS += 1;
        wrong[4].deadline += 1;
        wrong[5].provider = rival;
        for (uint256 i = 0; i < 6; ++i) {
            refusesRelay(wrong[i], abi.encodeWithSelector(IEscrowEvents.ReportNotSigned.selector, id, 1));
        }
    }

    // ---- Reports that the consumer signed too ---------------------------------------------------------------

    function test_a_co_signed_report_is_final_at_once() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        vm.expectEmit();
        emit IEscrowEvents.Released(id, provider, 1, price(10));
        reportFinal(stranger, signedOf(id, 10, UNTIL), terms);
        vm.assertEq(finalEarned(id, 1), price(10));
        vm.assertEq(withdrawCredit(provider), price(10));
        vm.assertEq(escrow.withdrawableOf(id, 1, provider), 0);
    }

    function test_the_provider_itself_needs_no_signature_of_its_own() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        SignedReport memory r = signedOf(id, 10, UNTIL);
        r.signature = "";
        reportFinal(provider, r, terms);
        vm.assertEq(escrow.creditOf(provider), price(10));
        vm.expectRevert(invalid);
        reportFinal(stranger, r, terms);
    }

    function test_a_co_signature_makes_earlier_reports_final_too_and_later_ones_not() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        report(id, 1, full(10));
        at(65);
        report(id, 1, full(65));
        at(70);
        reportFinal(stranger, signedOf(id, 70, UNTIL), terms);
        vm.assertEq(finalEarned(id, 1), price(70));
        at(80);
        report(id, 1, full(80));
        vm.assertEq(finalEarned(id, 1), price(70));
        at(180);
        vm.assertEq(finalEarned(id, 1), price(80));
        vm.assertEq(withdraw(provider, id, 1), price(80));
    }

    function test_reports_and_co_signatures_in_any_order_pay_every_unit_once(uint256 seed) public {
        (JobTerms memory terms, bytes32 id) = running();
        uint256 second;
        uint256 sure;
        for (uint256 i = 0; i < 12; ++i) {
            uint256 dice = uint256(keccak256(abi.encode(seed, i)));
            at(second += 1 + dice % 45);
            if (dice & 256 == 0) report(id, 1, full(second));
            else reportFinal(stranger, signedOf(id, second, uint64(T0 + second)), terms);
            if (dice & 256 != 0) sure = price(second);
            vm.assertGe(finalEarned(id, 1), sure, "co-signed is final");
            Run memory run = escrow.runs(id, 1, provider);
            vm.assertEq(escrow.creditOf(provider), run.released);
            vm.assertLe(run.released, run.previous, "released is reported before");
        }
        complete(id, full(second));
        at(second + 2 * WINDOW);
        vm.assertEq(withdraw(provider, id, 1), price(second));
    }

    function test_a_co_signature_binds_the_consumer_of_this_job() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        SignedReport memory r = signedOf(id, 10, UNTIL);
        bytes memory byProvider = signedReport(PROVIDER_KEY, r.report, UNTIL);
        refusesFinal(r, consumer, termsHashOf(terms), byProvider, invalid);
        refusesFinal(r, provider, termsHashOf(terms), byProvider, invalid); // another consumer is another job
        refusesFinal(r, consumer, bytes32("other terms"), signedReport(CONSUMER_KEY, r.report, UNTIL), invalid);
        bytes memory otherTotals = signedReport(CONSUMER_KEY, reportOf(id, 1, full(9)), UNTIL);
        refusesFinal(r, consumer, termsHashOf(terms), otherTotals, invalid);
        at(301);
        bytes memory late = abi.encodeWithSelector(IEscrowEvents.SignatureExpired.selector, UNTIL);
        refusesFinal(r, consumer, termsHashOf(terms), signedReport(CONSUMER_KEY, r.report, UNTIL), late);
    }

    function test_what_was_co_signed_cannot_be_disputed_any_more() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        reportFinal(stranger, signedOf(id, 10, UNTIL), terms);
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.NothingToDispute.selector, id, 1));
        openDispute(consumer, terms, 1, provider);
        at(20);
        report(id, 1, full(20));
        openDispute(consumer, terms, 1, provider);
        vm.assertEq(finalEarned(id, 1), price(10));
    }

    function test_a_co_signed_report_is_refused_for_the_reasons_any_other_is() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(20);
        report(id, 1, full(20));
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.UsageFell.selector, id, 1));
        reportFinal(stranger, signedOf(id, 10, UNTIL), terms);
        complete(id, full(20));
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.RunNotLive.selector, id, 1));
        reportFinal(stranger, signedOf(id, 20, UNTIL), terms);
    }

    function test_a_co_signed_report_is_used_once_and_keeps_no_silent_run_alive() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        UsageReport memory r = reportOf(id, 1, full(10));
        bytes memory agreed = signedReport(CONSUMER_KEY, r, UNTIL);
        SignedReport memory signed = SignedReport(provider, r, UNTIL, signedReport(PROVIDER_KEY, r, UNTIL));
        escrow.reportFinal(signed, consumer, termsHashOf(terms), agreed);
        at(10 + LAPSE_AFTER + 1); // the agent is dead
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.NothingNew.selector, id, 1));
        escrow.reportFinal(signed, consumer, termsHashOf(terms), agreed);
        escrow.lapseJob(terms, provider);
        assertState(id, JobState.Open);
    }

    function test_a_signed_report_above_the_cap_waits_until_it_is_covered() public {
        // Capped, it would be worth more with every second, and the same signature of use again.
        (JobTerms memory terms, bytes32 id) = running();
        SignedReport memory r = signedOf(id, 12, UNTIL);
        at(11);
        refusesRelay(r, abi.encodeWithSelector(IEscrowEvents.UsageAboveCap.selector, id, 1));
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.UsageAboveCap.selector, id, 1));
        reportFinal(stranger, r, terms);
        at(12);
        relay(r);
        at(13);
        refusesRelay(r, abi.encodeWithSelector(IEscrowEvents.NothingNew.selector, id, 1));
    }

    // ---- Builders -------------------------------------------------------------------------------------------

    function signedOf(bytes32 id, uint256 span, uint64 deadline) private view returns (SignedReport memory) {
        UsageReport memory r = reportOf(id, 1, full(span));
        return SignedReport(provider, r, deadline, signedReport(PROVIDER_KEY, r, deadline));
    }

    function relay(SignedReport memory r) private {
        SignedReport[] memory one = new SignedReport[](1);
        one[0] = r;
        vm.prank(stranger);
        escrow.relayReports(one);
    }

    function reportFinal(address by, SignedReport memory r, JobTerms memory terms) private {
        bytes memory signature = signedReport(CONSUMER_KEY, r.report, r.deadline);
        vm.prank(by);
        escrow.reportFinal(r, consumer, termsHashOf(terms), signature);
    }

    function refusesRelay(SignedReport memory r, bytes memory why) private {
        vm.expectRevert(why);
        relay(r);
    }

    function refusesFinal(SignedReport memory r, address who, bytes32 terms, bytes memory signature, bytes memory why)
        private
    {
        vm.expectRevert(why);
        vm.prank(stranger);
        escrow.reportFinal(r, who, terms, signature);
    }

    function refusesCancel(JobTerms memory terms, uint64 deadline, bytes memory signature, bytes memory why) private {
        vm.expectRevert(why);
        escrow.cancelJobBySignature(consumer, termsHashOf(terms), deadline, signature);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {EscrowTest, IDRaaSEscrow, IEscrowEvents, JobState, JobTerms, SignedReport, UsageReport} from "./EscrowTest.sol";
import {HostileWallet} from "./HostileWallet.sol";

contract AttackSignatureTest is EscrowTest {
    uint256 private constant ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
    uint64 private constant UNTIL = uint64(T0 + 1000);
    bytes private invalid = abi.encodeWithSelector(IEscrowEvents.SignatureInvalid.selector);

    // ---- Replay on another chain, contract, job or attempt --------------------------------------------------

    function test_no_signature_counts_on_another_chain() public {
        (JobTerms memory open, bytes32 openId) = posted();
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        vm.chainId(5);
        bytes memory claimed = assigned(openId, 1, rival, UNTIL);
        bytes memory cancelled = signedCancel(CONSUMER_KEY, id, UNTIL);
        SignedReport memory r = signedOf(id, 1, 10);
        bytes memory agreed = signedReport(CONSUMER_KEY, r.report, UNTIL);
        vm.chainId(31337);
        refusesAll(open, terms, claimed, cancelled, r, agreed);
    }

    function test_a_report_signed_before_a_fork_counts_on_the_chain_it_was_signed_for_alone() public {
        (, bytes32 id) = running();
        SignedReport memory r = signedOf(id, 1, 10);
        at(10);
        vm.chainId(61);
        refusesRelay(r, IEscrowEvents.ReportNotSigned.selector);
        vm.chainId(31337);
        relay(r);
        vm.assertEq(earned(id, 1), price(10));
    }

    function test_no_signature_counts_at_another_escrow() public {
        (JobTerms memory open, bytes32 openId) = posted();
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        IDRaaSEscrow here = escrow;
        escrow = newEscrow(address(token), address(arbitrator), parameters());
        bytes memory claimed = assigned(openId, 1, rival, UNTIL);
        bytes memory cancelled = signedCancel(CONSUMER_KEY, id, UNTIL);
        SignedReport memory r = signedOf(id, 1, 10);
        bytes memory agreed = signedReport(CONSUMER_KEY, r.report, UNTIL);
        escrow = here;
        refusesAll(open, terms, claimed, cancelled, r, agreed);
    }

    function test_no_signature_counts_for_another_job() public {
        (JobTerms memory open,) = posted();
        (JobTerms memory terms, bytes32 id) = running();
        (, bytes32 other) = running();
        at(10);
        SignedReport memory r = signedOf(other, 1, 10);
        r.report.jobId = id;
        bytes memory agreed = signedReport(CONSUMER_KEY, reportOf(other, 1, full(10)), UNTIL);
        refusesAll(open, terms, assigned(other, 1, rival, UNTIL), signedCancel(CONSUMER_KEY, other, UNTIL), r, agreed);
    }

    function test_no_signature_of_one_kind_counts_as_another() public {
        (JobTerms memory open, bytes32 openId) = posted();
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        SignedReport memory r = signedOf(id, 1, 10);
        r.signature = signedCancel(PROVIDER_KEY, id, UNTIL);
        bytes memory claimed = signedCancel(SCHEDULER_KEY, openId, UNTIL);
        bytes memory cancelled = signedReport(CONSUMER_KEY, r.report, UNTIL);
        refusesAll(open, terms, claimed, cancelled, r, signedCancel(CONSUMER_KEY, id, UNTIL));
    }

    function test_no_signature_by_another_counts() public {
        (JobTerms memory open, bytes32 openId) = posted();
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        SignedReport memory r = signedOf(id, 1, 10);
        r.signature = signedReport(SCHEDULER_KEY, r.report, UNTIL);
        bytes memory agreed = signedReport(PROVIDER_KEY, r.report, UNTIL);
        bytes memory cancelled = signedCancel(SCHEDULER_KEY, id, UNTIL);
        bytes memory claimed = sign(PROVIDER_KEY, abi.encode(openId));
        refusesAll(open, terms, claimed, cancelled, r, agreed);
    }

    function test_no_mirrored_signature_counts() public {
        (JobTerms memory open, bytes32 openId) = posted();
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        SignedReport memory r = signedOf(id, 1, 10);
        bytes memory agreed = mirrored(signedReport(CONSUMER_KEY, r.report, UNTIL));
        r.signature = mirrored(r.signature);
        bytes memory claimed = mirrored(assigned(openId, 1, rival, UNTIL));
        refusesAll(open, terms, claimed, mirrored(signedCancel(CONSUMER_KEY, id, UNTIL)), r, agreed);
    }

    function test_an_assignment_is_used_once_even_by_the_one_it_names() public {
        (JobTerms memory terms, bytes32 id) = running();
        bytes memory signature = assigned(id, 1, provider, UNTIL);
        refusesClaim(provider, terms, signature, wrongState(id, JobState.Running));
        at(31);
        escrow.lapseJob(terms, provider);
        refusesClaim(provider, terms, signature, invalid);
    }

    function test_a_report_for_a_lapsed_attempt_is_refused_in_the_next() public {
        (JobTerms memory terms, bytes32 id) = running();
        SignedReport memory r = signedOf(id, 1, 10);
        at(31);
        escrow.lapseJob(terms, provider);
        claim(terms, 2, provider);
        at(41);
        refusesRelay(r, IEscrowEvents.RunNotLive.selector);
        r.report.attempt = 2;
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.ReportNotSigned.selector, id, 2));
        relay(r);
    }

    // ---- Contracts as signers -------------------------------------------------------------------------------

    function test_a_consumer_may_be_a_contract() public {
        HostileWallet wallet = new HostileWallet(HostileWallet.Mood.Honest);
        (JobTerms memory terms, bytes32 id) = walletsRun(wallet);
        at(10);
        SignedReport memory r = signedOf(id, 1, 10);
        vm.expectRevert(invalid);
        escrow.reportFinal(r, address(wallet), termsHashOf(terms), "no");
        escrow.reportFinal(r, address(wallet), termsHashOf(terms), "yes");
        vm.assertEq(escrow.creditOf(provider), price(10));
        escrow.cancelJobBySignature(address(wallet), termsHashOf(terms), UNTIL, "yes");
        assertState(id, JobState.Ended);
    }

    function test_a_wallet_that_answers_anything_but_the_magic_value_signs_nothing() public {
        for (uint256 mood = 1; mood < 7; ++mood) {
            HostileWallet wallet = new HostileWallet(HostileWallet.Mood(mood));
            vm.warp(T0);
            (JobTerms memory terms, bytes32 id) = walletsRun(wallet);
            vm.expectRevert();
            escrow.cancelJobBySignature{gas: 3_000_000}(address(wallet), termsHashOf(terms), UNTIL, "yes");
            assertState(id, JobState.Running);
        }
    }

    function test_a_hostile_wallet_can_hold_up_neither_its_provider_nor_the_end_of_its_job() public {
        HostileWallet wallet = new HostileWallet(HostileWallet.Mood.Burns);
        (JobTerms memory terms, bytes32 id) = walletsRun(wallet);
        at(10);
        complete(id, full(10));
        refund(terms, provider);
        at(200);
        vm.assertEq(withdraw(provider, id, 1), price(10));
        vm.assertEq(token.balanceOf(address(wallet)), DEPOSIT - price(10));
    }

    // ---- Builders -------------------------------------------------------------------------------------------

    function refusesAll(
        JobTerms memory open,
        JobTerms memory terms,
        bytes memory claimed,
        bytes memory cancelled,
        SignedReport memory r,
        bytes memory agreed
    ) private {
        bytes32 hash = termsHashOf(terms);
        refusesClaim(rival, open, claimed, invalid);
        vm.expectRevert(invalid);
        escrow.cancelJobBySignature(consumer, hash, UNTIL, cancelled);
        refusesRelay(r, IEscrowEvents.ReportNotSigned.selector);
        vm.expectRevert(invalid);
        escrow.reportFinal(r, consumer, hash, agreed);
        vm.expectRevert(invalid); // nor with the provider's own call in place of its signature
        vm.prank(provider);
        escrow.reportFinal(r, consumer, hash, agreed);
    }

    function refusesClaim(address who, JobTerms memory terms, bytes memory signature, bytes memory why) private {
        vm.expectRevert(why);
        vm.prank(who);
        escrow.claimJob(terms, bytes32("image"), UNTIL, signature);
    }

    function refusesRelay(SignedReport memory r, bytes4 why) private {
        vm.expectRevert(abi.encodeWithSelector(why, r.report.jobId, r.report.attempt));
        relay(r);
    }

    function relay(SignedReport memory r) private {
        SignedReport[] memory one = new SignedReport[](1);
        one[0] = r;
        escrow.relayReports(one);
    }

    function signedOf(bytes32 id, uint8 attempt, uint256 span) private view returns (SignedReport memory) {
        UsageReport memory r = reportOf(id, attempt, full(span));
        return SignedReport(provider, r, UNTIL, signedReport(PROVIDER_KEY, r, UNTIL));
    }

    /// @dev The other signature of the same message that the curve allows.
    function mirrored(bytes memory signature) private pure returns (bytes memory) {
        bytes32 r;
        uint256 s;
        assembly ("memory-safe") {
            r := mload(add(signature, 32))
            s := mload(add(signature, 64))
        }
        return abi.encodePacked(r, ORDER - s, uint8(signature[64]) == 27 ? uint8(28) : uint8(27));
    }

    function walletsRun(HostileWallet wallet) private returns (JobTerms memory terms, bytes32 id) {
        token.transfer(address(wallet), DEPOSIT);
        wallet.act(address(token), abi.encodeCall(token.approve, (address(escrow), DEPOSIT)));
        terms = someTerms();
        terms.consumer = address(wallet);
        wallet.act(address(escrow), abi.encodeCall(IDRaaSEscrow.postJob, (terms, DEPOSIT)));
        id = escrow.jobIdOf(terms);
        claim(terms, 1, provider);
    }
}

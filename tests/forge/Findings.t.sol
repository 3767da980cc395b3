// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Disputable} from "./Disputable.sol";
import {IToken, JobState, JobTerms, SignedReport, Usage, UsageReport} from "./EscrowTest.sol";
import {HostileArbitrator} from "./HostileArbitrator.sol";
import {HostileToken} from "./HostileToken.sol";
import {HostileWallet} from "./HostileWallet.sol";

/// @dev Rules that the contracts do not keep yet; each test fails until they do.
contract FindingsTest is Disputable {
    uint64 private constant UNTIL = uint64(T0 + 1000);

    // ---- The bond -------------------------------------------------------------------------------------------

    /// @dev The bond is slashed to an accomplice by lapses, in less time than an honest consumer has for its dispute.
    function test_a_bond_cannot_be_slashed_away_to_an_accomplice_before_a_dispute_is_ruled() public {
        vm.prank(stranger);
        escrow.register(UNITS, rates());
        lapseOwn(rival, stranger);
        lapseOwn(rival, stranger);
        (JobTerms memory terms, bytes32 id) = posted();
        claim(terms, 1, stranger);
        vm.warp(block.timestamp + 20);
        vm.prank(stranger);
        escrow.completeJob(reportOf(id, 1, full(20)), 0, ""); // a lie
        lapseOwn(rival, stranger); // the third lapse: the bond is the accomplice's
        uint256 disputeId = openDispute(consumer, terms, 1, stranger);
        ruleShare(disputeId, 0);
        vm.assertEq(escrow.creditOf(consumer), price(20) + DISPUTE_BOND + RUN_BOND);
    }

    /// @dev A completed run gives its capacity back at once, so one bond answers for any number of disputable runs.
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
        vm.assertEq(escrow.creditOf(consumer), 3 * (price(10) + DISPUTE_BOND + RUN_BOND));
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

    /// @dev A consumer that the token refuses to pay makes its provider's late settlement impossible.
    function test_a_blocklisted_consumer_does_not_lock_its_providers_bond() public {
        HostileToken hostile = swapToken();
        (JobTerms memory terms,) = running();
        at(600 + GRACE + 1); // the agent was away for its last report
        hostile.blocklist(consumer, true);
        vm.prank(provider);
        try escrow.refund(consumer, termsHashOf(terms), provider) {} catch {}
        vm.assertEq(escrow.providers(provider).reserved, 0);
    }

    /// @dev The same by a token that refuses to move nothing, when the deposit was used up.
    function test_a_used_up_job_is_settled_whatever_the_token_says_to_a_transfer_of_nothing() public {
        HostileToken hostile = swapToken();
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

    // ---- Signed reports -------------------------------------------------------------------------------------

    /// @dev Anybody who has seen a co-signed report keeps a silent run from lapsing until its deadline.
    function test_a_co_signed_report_is_used_once() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        UsageReport memory r = reportOf(id, 1, full(10));
        bytes memory agreed = signedReport(CONSUMER_KEY, r, UNTIL);
        SignedReport memory signed = SignedReport(provider, r, UNTIL, signedReport(PROVIDER_KEY, r, UNTIL));
        escrow.reportFinal(signed, consumer, termsHashOf(terms), agreed);
        at(10 + LAPSE_AFTER + 1); // the agent is dead
        vm.prank(stranger);
        try escrow.reportFinal(signed, consumer, termsHashOf(terms), agreed) {} catch {}
        escrow.lapseJob(terms, provider);
        assertState(id, JobState.Open);
    }

    /// @dev Totals a little above the cap (a burst, a clock that errs by a second) are worth more with every second.
    function test_a_relayed_report_above_the_cap_is_used_once() public {
        (, bytes32 id) = running();
        UsageReport memory r = reportOf(id, 1, full(12));
        SignedReport[] memory one = new SignedReport[](1);
        one[0] = SignedReport(provider, r, UNTIL, signedReport(PROVIDER_KEY, r, UNTIL));
        at(10);
        escrow.relayReports(one);
        at(11);
        vm.expectRevert();
        escrow.relayReports(one);
    }

    /// @dev A contract wallet that burns its gas takes 63 of 64 parts of the whole batch's.
    function test_a_wallet_that_burns_gas_holds_up_no_other_relayed_report() public {
        poisonedBatch(HostileWallet.Mood.Burns, 1_000_000);
    }

    /// @dev What a wallet answers is copied whole, and its memory paid for, whatever its length.
    function test_a_wallet_that_answers_a_megabyte_holds_up_no_other_relayed_report() public {
        poisonedBatch(HostileWallet.Mood.Bomb, 3_000_000); // enough to make it, not to copy it
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

    /// @dev Who is about to lose appeals until the ruling time is over, and has half and no slash.
    function test_an_appeal_does_not_turn_a_lost_dispute_into_an_even_split() public {
        (JobTerms memory terms, bytes32 id) = disputable();
        uint256 disputeId = openDispute(consumer, terms, 1, provider);
        arbitrator.propose(disputeId, 1); // all to the consumer
        vm.warp(T0 + UNSURE + RULING_TIME);
        vm.prank(provider);
        escrow.appeal{value: 2 * FEE}(disputeId);
        vm.warp(block.timestamp + 1);
        try escrow.ruleByDefault(disputeId) {} catch {}
        vm.assertEq(finalEarned(id, 1), price(SURE));
    }

    /// @dev Two open disputes of one number: the first's run and job are frozen for ever.
    function test_an_arbitrator_cannot_give_a_number_twice_while_its_dispute_is_open() public {
        HostileArbitrator court = new HostileArbitrator();
        court.behave(7, FEE, false);
        escrow = newEscrow(address(token), address(court), parameters());
        approveAndRegister();
        (JobTerms memory first, bytes32 id) = disputable();
        (JobTerms memory second,) = disputable();
        openDispute(consumer, first, 1, provider);
        vm.prank(consumer);
        try escrow.dispute{value: FEE}(second, 1, provider, "") {} catch {}
        vm.warp(block.timestamp + RULING_TIME + 1);
        escrow.ruleByDefault(7);
        assertState(id, JobState.Ended);
    }

    // ---- States and limits ----------------------------------------------------------------------------------

    /// @dev Closed is to mean that nothing is left that could be disputed; a lapsed attempt's pay still can be.
    function test_what_is_closed_cannot_be_disputed() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        report(id, 1, full(10));
        at(10 + LAPSE_AFTER + 1);
        escrow.lapseJob(terms, provider);
        cancel(terms);
        if (escrow.stateOf(id) != JobState.Closed) return;
        vm.expectRevert();
        openDispute(consumer, terms, 1, provider);
    }

    /// @dev A fork that changes the chain's number computes other ids: no deposit of before is found any more.
    function test_a_deposit_comes_out_again_after_the_chain_changed_its_number() public {
        (JobTerms memory terms,) = posted();
        vm.chainId(61);
        at(101);
        refund(terms, address(0));
        vm.assertEq(token.balanceOf(consumer), 1e15);
    }

    /// @dev The second of the last report is cut to 32 bits: in the last grace of the clock it wraps, and all is final.
    function test_a_report_in_the_last_grace_of_the_clock_waits_for_its_window() public {
        uint256 last = type(uint32).max;
        vm.warp(last - 600);
        JobTerms memory terms = someTerms();
        (terms.claimWithin, terms.duration) = (1, 599);
        vm.prank(consumer);
        bytes32 id = escrow.postJob(terms, DEPOSIT);
        vm.warp(last - 599);
        claim(terms, 1, provider);
        vm.warp(last + 5);
        report(id, 1, full(599));
        vm.assertEq(finalEarned(id, 1), 0);
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

    function poisonedBatch(HostileWallet.Mood mood, uint256 gas) private {
        (, bytes32 id) = running();
        at(10);
        UsageReport memory r = reportOf(id, 1, full(10));
        SignedReport[] memory reports = new SignedReport[](2);
        reports[0] = SignedReport(address(new HostileWallet(mood)), reportOf(id, 1, Usage(0, 0, 0, 0)), UNTIL, "");
        reports[1] = SignedReport(provider, r, UNTIL, signedReport(PROVIDER_KEY, r, UNTIL));
        try escrow.relayReports{gas: gas}(reports) {} catch {} // two honest items cost a tenth of it
        vm.assertEq(earned(id, 1), price(10));
    }

    function swapToken() private returns (HostileToken hostile) {
        hostile = new HostileToken();
        hostile.mint(consumer, 1e15);
        hostile.mint(provider, 1e15);
        hostile.mint(rival, 1e15);
        token = IToken(address(hostile));
        escrow = newEscrow(address(token), address(arbitrator), parameters());
        approveAndRegister();
    }

    function approveAndRegister() private {
        address[3] memory people = [consumer, provider, rival];
        for (uint256 i = 0; i < 3; ++i) {
            vm.prank(people[i]);
            token.approve(address(escrow), type(uint256).max);
        }
        register(provider);
        register(rival);
    }
}

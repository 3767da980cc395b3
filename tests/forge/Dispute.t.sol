// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IArbitrator, IEvidence} from "contracts/interfaces/IArbitration.sol";
import {Disputable} from "./Disputable.sol";
import {DisputeRecord, IEscrowEvents, JobState, JobTerms, RunState} from "./EscrowTest.sol";

contract DisputeTest is Disputable {
    function test_a_dispute_freezes_what_is_not_final_and_stops_the_run() public {
        (JobTerms memory terms, bytes32 id) = disputable();
        openDispute(consumer, terms, 1, provider);
        assertState(id, JobState.Disputed);
        vm.assertEq(escrow.jobs(id).deadline, T0 + UNSURE);
        vm.assertEq(uint256(escrow.runs(id, 1, provider).state), uint256(RunState.Frozen));
        vm.assertEq(escrow.providers(provider).reserved, 0);
        at(600);
        assertState(id, JobState.Disputed);
        vm.assertEq(finalEarned(id, 1), price(SURE));
        vm.assertEq(earned(id, 1), price(UNSURE));
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.RunNotLive.selector, id, 1));
        complete(id, full(UNSURE));
    }

    function test_the_rest_of_the_deposit_is_frozen_too() public {
        (JobTerms memory terms, bytes32 id) = disputable();
        openDispute(consumer, terms, 1, provider);
        vm.assertEq(escrow.refundableOf(id, provider), 0);
        vm.expectRevert(wrongState(id, JobState.Disputed));
        refund(terms, provider);
        vm.expectRevert(wrongState(id, JobState.Disputed));
        cancel(terms);
        vm.expectRevert(wrongState(id, JobState.Disputed));
        escrow.topUp(id, 1);
        at(UNSURE + LAPSE_AFTER + 1);
        vm.expectRevert(wrongState(id, JobState.Disputed));
        escrow.lapseJob(terms, provider);
    }

    function test_final_money_is_withdrawn_during_the_dispute() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        report(id, 1, full(10));
        at(70);
        report(id, 1, full(70));
        at(130);
        openDispute(consumer, terms, 1, provider);
        vm.assertEq(escrow.withdrawableOf(id, 1, provider), price(10));
        vm.assertEq(withdraw(provider, id, 1), price(10));
        at(1000);
        vm.assertEq(escrow.withdrawableOf(id, 1, provider), 0);
    }

    function test_a_dispute_freezes_what_two_epochs_reported_and_none_of_it_leaks_out() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        report(id, 1, full(10));
        at(70);
        report(id, 1, full(70));
        openDispute(consumer, terms, 1, provider); // in the epoch of the second: not even the first is final
        at(200);
        vm.assertEq(finalEarned(id, 1), 0);
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.NothingToWithdraw.selector));
        withdraw(provider, id, 1);
        ruleShare(0, 0);
        vm.assertEq(escrow.creditOf(consumer), price(70) + 2 * DISPUTE_BOND);
    }

    function test_consumer_provider_and_watcher_may_dispute_and_nobody_else() public {
        address[3] memory parties = [consumer, watcher, provider];
        for (uint256 i = 0; i < 3; ++i) {
            (JobTerms memory terms, bytes32 id) = disputable();
            openDispute(parties[i], terms, 1, provider);
            assertState(id, JobState.Disputed);
        }
        (JobTerms memory others,) = disputable();
        address[3] memory outsiders = [stranger, rival, scheduler];
        for (uint256 i = 0; i < 3; ++i) {
            vm.deal(outsiders[i], 1 ether);
            refusesDispute(outsiders[i], others, abi.encodeWithSelector(IEscrowEvents.NotParty.selector, outsiders[i]));
        }
    }

    function test_a_stranger_that_calls_itself_the_provider_disputes_nothing() public {
        (JobTerms memory terms, bytes32 id) = disputable();
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.NoSuchRun.selector, id, 1));
        openDispute(rival, terms, 1, rival);
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.NoSuchRun.selector, id, 1));
        openDispute(consumer, terms, 1, rival);
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.NoSuchRun.selector, id, 2));
        openDispute(consumer, terms, 2, provider);
    }

    function test_a_dispute_brings_exactly_the_arbitrators_fee_and_the_bond() public {
        (JobTerms memory terms,) = disputable();
        vm.assertEq(escrow.disputeFee(), FEE);
        uint256[3] memory wrong = [uint256(0), FEE - 1, FEE + 1];
        for (uint256 i = 0; i < 3; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.WrongFee.selector, FEE));
            vm.prank(consumer);
            escrow.dispute{value: wrong[i]}(terms, 1, provider, "");
        }
        uint256 before = token.balanceOf(consumer);
        openDispute(consumer, terms, 1, provider);
        vm.assertEq(address(arbitrator).balance, FEE);
        vm.assertEq(address(escrow).balance, 0);
        vm.assertEq(before - token.balanceOf(consumer), DISPUTE_BOND);
    }

    function test_a_dispute_without_its_bond_changes_nothing() public {
        (JobTerms memory terms, bytes32 id) = disputable();
        vm.prank(consumer);
        token.approve(address(escrow), DISPUTE_BOND - 1);
        vm.expectRevert();
        openDispute(consumer, terms, 1, provider);
        assertState(id, JobState.Running);
    }

    function test_a_dispute_is_told_as_erc_1497_asks() public {
        (JobTerms memory terms, bytes32 id) = disputable();
        IArbitrator court = IArbitrator(address(arbitrator));
        vm.expectEmit();
        emit IEscrowEvents.JobDisputed(id, 0, consumer, provider, 1, frozen());
        vm.expectEmit();
        emit IEvidence.Dispute(court, 0, 0, 0);
        vm.expectEmit();
        emit IEvidence.Evidence(court, 0, consumer, "/ipfs/bafyevidence");
        uint256 disputeId = openDispute(consumer, terms, 1, provider);
        DisputeRecord memory record = escrow.disputes(disputeId);
        vm.assertEq(record.jobId, id);
        vm.assertEq(record.provider, provider);
        vm.assertEq(record.opener, consumer);
        vm.assertEq(record.openedAt, T0 + UNSURE);
        vm.assertTrue(record.open);
    }

    function test_the_arbitrator_learns_court_jurors_parties_and_opener() public {
        (JobTerms memory terms,) = disputable();
        openDispute(watcher, terms, 1, provider);
        (, uint256 choices,,, bytes memory extraData) = arbitrator.cases(0);
        vm.assertEq(choices, 10_001);
        vm.assertEq(keccak256(extraData), keccak256(abi.encode(0, 3, consumer, provider, watcher)));
    }

    function test_parties_and_the_opener_bring_evidence_while_the_dispute_is_open() public {
        (JobTerms memory terms,) = disputable();
        uint256 disputeId = openDispute(watcher, terms, 1, provider);
        address[3] memory parties = [consumer, watcher, provider];
        for (uint256 i = 0; i < 3; ++i) {
            vm.expectEmit();
            emit IEvidence.Evidence(IArbitrator(address(arbitrator)), disputeId, parties[i], "/ipfs/bafymore");
            vm.prank(parties[i]);
            escrow.submitEvidence(disputeId, "/ipfs/bafymore");
        }
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.NotParty.selector, stranger));
        vm.prank(stranger);
        escrow.submitEvidence(disputeId, "");
        ruleShare(disputeId, 5000);
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.NotDisputed.selector, disputeId));
        vm.prank(consumer);
        escrow.submitEvidence(disputeId, "");
    }

    function test_what_is_final_cannot_be_disputed() public {
        (JobTerms memory terms, bytes32 id) = running();
        bytes memory nothing = abi.encodeWithSelector(IEscrowEvents.NothingToDispute.selector, id, 1);
        refusesDispute(consumer, terms, nothing);
        at(10);
        complete(id, full(10));
        at(2 * WINDOW);
        refusesDispute(consumer, terms, nothing);
        refusesDispute(provider, terms, nothing);
    }

    function test_a_dispute_in_the_last_second_of_the_window_counts() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        complete(id, full(10));
        refund(terms, provider);
        at(2 * WINDOW - 1);
        uint256 disputeId = openDispute(consumer, terms, 1, provider);
        assertState(id, JobState.Disputed);
        ruleShare(disputeId, 0);
        at(2 * WINDOW);
        assertState(id, JobState.Closed);
        withdrawCredit(consumer);
        vm.assertEq(token.balanceOf(consumer), 1e15 + DISPUTE_BOND);
    }

    function test_a_dispute_takes_nothing_back_that_became_final_since_the_last_report() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        report(id, 1, full(10));
        at(70);
        report(id, 1, full(70));
        at(130);
        vm.assertEq(withdraw(provider, id, 1), price(10));
        uint256 disputeId = openDispute(consumer, terms, 1, provider);
        ruleShare(disputeId, 0);
        vm.assertEq(finalEarned(id, 1), price(10));
        refund(terms, provider);
        assertOnlyBondsAreLeft();
    }

    function test_a_run_is_disputed_and_ruled_once() public {
        (JobTerms memory terms, bytes32 id) = disputable();
        bytes memory nothing = abi.encodeWithSelector(IEscrowEvents.NothingToDispute.selector, id, 1);
        uint256 disputeId = openDispute(consumer, terms, 1, provider);
        refusesDispute(provider, terms, nothing);
        ruleShare(disputeId, 10_000);
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.NotDisputed.selector, disputeId));
        ruleShare(disputeId, 0);
        refusesDispute(consumer, terms, nothing);
    }

    function test_a_dispute_over_a_lapsed_attempt_leaves_the_next_alone() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        report(id, 1, full(10));
        at(41);
        escrow.lapseJob(terms, provider);
        claim(terms, 2, rival);
        uint256 disputeId = openDispute(consumer, terms, 1, provider);
        assertState(id, JobState.Running);
        at(50);
        report(id, 2, full(9));
        ruleShare(disputeId, 2500);
        vm.assertEq(finalEarned(id, 1), price(10) / 4);
        vm.assertEq(escrow.creditOf(consumer), price(10) - price(10) / 4 + 2 * DISPUTE_BOND);
        vm.assertEq(earned(id, 2), price(9));
        assertState(id, JobState.Running);
        vm.assertEq(escrow.jobs(id).deposit, DEPOSIT - price(10));
    }

    function test_two_attempts_of_one_job_are_disputed_at_the_same_time() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        report(id, 1, full(10));
        at(41);
        escrow.lapseJob(terms, provider);
        claim(terms, 2, rival);
        at(50);
        report(id, 2, full(9));
        uint256 first = openDispute(consumer, terms, 1, provider);
        uint256 second = openDispute(consumer, terms, 2, rival);
        ruleShare(first, 10_000);
        assertState(id, JobState.Disputed);
        ruleShare(second, 0);
        assertState(id, JobState.Ended);
        refund(terms, address(0));
        vm.assertEq(withdraw(provider, id, 1), price(10) + DISPUTE_BOND);
        assertOnlyBondsAreLeft();
    }

    function test_a_leaving_providers_bond_is_there_for_the_last_possible_dispute() public {
        (JobTerms memory terms, bytes32 id) = running();
        vm.prank(provider);
        escrow.startUnbond();
        at(WINDOW);
        complete(id, full(WINDOW));
        at(3 * WINDOW - 1); // the last second of its window
        uint256 disputeId = openDispute(consumer, terms, 1, provider);
        at(3 * WINDOW - 1 + RULING_TIME); // the last second for a ruling
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.StillBonded.selector, T0 + WINDOW + UNBOND_TIME));
        vm.prank(provider);
        escrow.withdrawBond();
        ruleShare(disputeId, 0);
        vm.assertEq(escrow.creditOf(consumer), 2 * DISPUTE_BOND + price(WINDOW));
    }

    function test_a_dispute_settles_a_run_whose_last_report_never_came() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(590);
        report(id, 1, full(590));
        at(600 + GRACE + 1);
        uint256 disputeId = openDispute(consumer, terms, 1, provider);
        vm.assertEq(escrow.jobs(id).deadline, T0 + 600);
        vm.assertEq(escrow.jobs(id).deposit, DEPOSIT - price(590));
        vm.assertEq(escrow.providers(provider).reserved, 0);
        ruleShare(disputeId, 10_000);
        refund(terms, address(0));
        vm.assertEq(withdraw(provider, id, 1), price(590) + DISPUTE_BOND);
        assertOnlyBondsAreLeft();
    }
}

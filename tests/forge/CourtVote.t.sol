// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {CourtRound, CourtTest, IArbitrator, IDRaaSCourt, Phase, Vote} from "./CourtTest.sol";

contract CourtVoteTest is CourtTest {
    uint256 private id;
    address[] private panel;

    function setUp() public override {
        super.setUp();
        bench(3);
        id = seated();
        panel = panelOf(id);
    }

    function test_the_median_rules_and_the_fees_are_shared_to_the_last_wei() public {
        judge(id, three(9000, 2000, 2400));
        vm.assertEq(court.disputes(id).ruling, 2401);
        vm.assertEq(court.currentRuling(id), 2401);
        uint256 each = 3 * FEE / 2;
        vm.assertEq(court.feesOf(panel[0]), 0);
        vm.assertEq(court.feesOf(panel[1]), each);
        vm.assertEq(court.feesOf(panel[2]), each);
        vm.assertEq(court.carriedFees(), 3 * FEE - 2 * each);
        vm.assertEq(court.rounds(id, 1).coherent, 2);
        assertSolvent(3);
        uint256 before = panel[1].balance;
        vm.prank(panel[1]);
        court.withdrawFees();
        vm.assertEq(panel[1].balance - before, each);
        assertSolvent(3);
    }

    function test_what_did_not_divide_goes_to_the_next_dispute() public {
        judge(id, three(9000, 2000, 2400));
        uint256 carried = court.carriedFees();
        vm.assertTrue(carried != 0);
        uint256 second = seated();
        uint256 before = court.feesOf(panelOf(second)[0]);
        judge(second, three(7, 5000, 9999));
        address middle = panelOf(second)[1];
        vm.assertEq(court.carriedFees(), 0);
        vm.assertGe(court.feesOf(middle), 3 * FEE + carried, "the one coherent juror has it all");
        vm.assertEq(court.feesOf(panelOf(second)[0]), before);
        assertSolvent(3);
    }

    function test_one_extreme_vote_moves_nothing(uint256 a, uint256 b, uint256 extreme) public {
        (a, b, extreme) = (a % 10_001, b % 10_001, extreme % 10_001);
        if (a > b) (a, b) = (b, a);
        judge(id, three(a, b, extreme));
        uint256 share = court.currentRuling(id) - 1;
        vm.assertGe(share, a, "below both honest shares");
        vm.assertLe(share, b, "above both honest shares");
    }

    function test_of_two_shares_the_mean_rules_and_both_are_paid() public {
        uint256[] memory shares = new uint256[](2);
        (shares[0], shares[1]) = (0, 9001);
        judge(id, shares);
        vm.assertEq(court.currentRuling(id), 4501);
        vm.assertEq(court.rounds(id, 1).coherent, 2);
    }

    function test_not_revealing_is_penalised_and_the_coherent_gain_exactly_that() public {
        uint256[] memory shares = new uint256[](2);
        (shares[0], shares[1]) = (100, 200);
        judge(id, shares);
        vm.assertEq(court.jurors(panel[2]).staked, SEAT - LOSS);
        vm.assertEq(court.jurors(panel[0]).staked, SEAT + LOSS / 2);
        vm.assertEq(court.jurors(panel[1]).staked, SEAT + LOSS / 2);
        vm.assertEq(court.carriedStake(), LOSS % 2);
        assertSolvent(3);
        (uint256 eligible, uint256 weight) = court.drawable();
        vm.assertEq(eligible, 2);
        vm.assertEq(weight, 2 * (SEAT + LOSS / 2));
    }

    function test_a_commit_that_is_not_revealed_is_penalised_too() public {
        for (uint256 i = 0; i < 3; ++i) {
            commitAs(id, panel[i], 5000);
        }
        revealAs(id, panel[0], 5000);
        pass(REVEAL_TIME);
        court.tally(id);
        vm.assertEq(court.jurors(panel[0]).staked, SEAT + 2 * LOSS);
        vm.assertEq(court.jurors(panel[1]).staked, SEAT - LOSS);
        vm.assertEq(court.feesOf(panel[0]), 3 * FEE);
        assertSolvent(3);
    }

    function test_who_is_far_from_the_median_keeps_the_stake_but_earns_nothing() public {
        judge(id, three(5000, 5000 + COHERENCE, 5000 - COHERENCE - 1));
        vm.assertEq(court.feesOf(panel[0]), 3 * FEE / 2);
        vm.assertEq(court.feesOf(panel[1]), 3 * FEE / 2);
        vm.assertEq(court.feesOf(panel[2]), 0);
        vm.assertEq(court.jurors(panel[2]).staked, SEAT);
    }

    function test_each_phase_ends_early_when_all_have_done_their_part() public {
        commitAs(id, panel[0], 1);
        commitAs(id, panel[1], 1);
        commitAs(id, panel[1], 2);
        assertPhase(id, Phase.Committing);
        commitAs(id, panel[2], 3);
        assertPhase(id, Phase.Revealing);
        vm.assertEq(court.rounds(id, 1).revealEndsAt, block.timestamp + REVEAL_TIME);
        revealAs(id, panel[0], 1);
        revealAs(id, panel[1], 2);
        assertPhase(id, Phase.Revealing);
        revealAs(id, panel[2], 3);
        assertPhase(id, Phase.Tallying);
        court.tally(id);
        vm.assertEq(court.currentRuling(id), 3);
    }

    function test_revealing_ends_when_all_who_committed_have_revealed() public {
        commitAs(id, panel[0], 1);
        pass(COMMIT_TIME);
        assertPhase(id, Phase.Revealing);
        revealAs(id, panel[0], 1);
        assertPhase(id, Phase.Tallying);
    }

    function test_a_commit_counts_until_the_last_second_and_no_longer() public {
        pass(COMMIT_TIME - 1);
        commitAs(id, panel[0], 1);
        (Phase now_, uint256 endsAt) = court.phaseOf(id);
        vm.assertTrue(now_ == Phase.Committing && endsAt == T0 + COMMIT_TIME);
        pass(1);
        vm.expectRevert(wrongPhase(id, Phase.Revealing));
        vm.prank(panel[1]);
        court.commit(id, bytes32(uint256(1)));
    }

    function test_a_reveal_counts_until_the_last_second_and_no_longer() public {
        commitAs(id, panel[0], 1);
        commitAs(id, panel[1], 2);
        pass(COMMIT_TIME - 1);
        vm.expectRevert(wrongPhase(id, Phase.Committing));
        vm.prank(panel[0]);
        court.reveal(id, 1, salt(panel[0]));
        pass(REVEAL_TIME);
        revealAs(id, panel[0], 1);
        vm.expectRevert(wrongPhase(id, Phase.Revealing));
        court.tally(id);
        pass(1);
        vm.expectRevert(wrongPhase(id, Phase.Tallying));
        vm.prank(panel[1]);
        court.reveal(id, 2, salt(panel[1]));
        court.tally(id);
        vm.assertEq(court.currentRuling(id), 2);
    }

    function test_only_the_panel_votes_and_each_once() public {
        vm.expectRevert(abi.encodeWithSelector(IDRaaSCourt.NotDrawn.selector, id, stranger));
        vm.prank(stranger);
        court.commit(id, bytes32(uint256(1)));
        vm.expectRevert(abi.encodeWithSelector(IDRaaSCourt.EmptyCommitment.selector));
        vm.prank(panel[0]);
        court.commit(id, 0);
        commitAs(id, panel[0], 1);
        commitAs(id, panel[1], 1);
        pass(COMMIT_TIME);
        revealAs(id, panel[0], 1);
        vm.expectRevert(abi.encodeWithSelector(IDRaaSCourt.AlreadyRevealed.selector, id, panel[0]));
        vm.prank(panel[0]);
        court.reveal(id, 1, salt(panel[0]));
        vm.expectRevert(abi.encodeWithSelector(IDRaaSCourt.ShareTooLarge.selector, 10_001));
        vm.prank(panel[1]);
        court.reveal(id, 10_001, salt(panel[1]));
        vm.expectRevert(abi.encodeWithSelector(IDRaaSCourt.WrongCommitment.selector, id, panel[2]));
        vm.prank(panel[2]);
        court.reveal(id, 1, salt(panel[2]));
    }

    function test_what_was_committed_is_what_is_revealed() public {
        commitAs(id, panel[0], 77);
        pass(COMMIT_TIME);
        bytes memory refused = abi.encodeWithSelector(IDRaaSCourt.WrongCommitment.selector, id, panel[0]);
        vm.expectRevert(refused);
        vm.prank(panel[0]);
        court.reveal(id, 78, salt(panel[0]));
        vm.expectRevert(refused);
        vm.prank(panel[0]);
        court.reveal(id, 77, salt(panel[1]));
        revealAs(id, panel[0], 77);
        Vote memory vote = court.vote(id, 1, panel[0]);
        vm.assertTrue(vote.seated && vote.revealed && vote.share == 77);
        vm.assertTrue(!court.vote(id, 1, stranger).seated);
    }

    function test_when_nobody_reveals_the_round_is_drawn_once_more_and_then_refused() public {
        for (uint256 i = 3; i < 9; ++i) {
            stakeAs(person(i), SEAT);
        }
        pass(COMMIT_TIME);
        court.tally(id);
        assertPhase(id, Phase.Drawing);
        (CourtRound memory first, CourtRound memory second) = (court.rounds(id, 1), court.rounds(id, 2));
        vm.assertTrue(first.closed && !first.redraw && second.redraw && !second.closed);
        vm.assertEq(second.fees, first.fees);
        silence(id);
        assertPhase(id, Phase.Appealable);
        vm.assertEq(court.currentRuling(id), 0);
        vm.assertEq(court.carriedFees(), 3 * FEE);
        vm.assertEq(court.carriedStake(), 6 * LOSS);
        pass(APPEAL_TIME);
        court.executeRuling(id);
        vm.assertEq(plaintiff.rulingOf(id), 0);
        vm.assertEq(plaintiff.timesRuled(id), 1);
        vm.assertTrue(court.disputeStatus(id) == IArbitrator.DisputeStatus.Solved);
        assertSolvent(9);
    }

    function test_the_second_panel_earns_the_fees_of_the_first() public {
        for (uint256 i = 3; i < 9; ++i) {
            stakeAs(person(i), SEAT);
        }
        pass(COMMIT_TIME);
        court.tally(id);
        draw();
        judge(id, three(5000, 5000, 5000));
        vm.assertEq(court.currentRuling(id), 5001);
        vm.assertEq(court.feesOf(panelOf(id)[0]), FEE);
        vm.assertEq(court.jurors(panelOf(id)[0]).staked, SEAT + LOSS);
        assertSolvent(9);
    }

    function test_a_dispute_without_any_jurors_ends() public {
        uint256 lonely = created(); // all three jurors are seated already
        draw();
        assertPhase(lonely, Phase.Drawing);
        draw();
        assertPhase(lonely, Phase.Appealable);
        vm.assertEq(court.currentRuling(lonely), 0);
        vm.assertEq(court.carriedFees(), 3 * FEE);
        assertSolvent(3);
    }

    function test_a_court_of_one_juror_works() public {
        open(parameters());
        bench(1);
        uint256 sole = seated();
        vm.assertEq(panelOf(sole).length, 1);
        judge(sole, some(1, 7500));
        vm.assertEq(court.currentRuling(sole), 7501);
        vm.assertEq(court.feesOf(person(0)), 3 * FEE);
    }
}

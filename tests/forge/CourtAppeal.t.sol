// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {CourtParameters, CourtTest, IArbitrator, IDRaaSCourt, Phase} from "./CourtTest.sol";

contract CourtAppealTest is CourtTest {
    uint256 private id;

    function setUp() public override {
        super.setUp();
        bench(40);
        id = seated();
        judge(id, three(3000, 3000, 3000));
    }

    function test_a_ruling_is_appealed_to_a_larger_panel_at_its_cost() public {
        vm.assertTrue(court.disputeStatus(id) == IArbitrator.DisputeStatus.Appealable);
        vm.assertEq(court.appealCost(id, ""), 7 * FEE);
        plaintiff.appeal(id);
        vm.assertTrue(court.disputeStatus(id) == IArbitrator.DisputeStatus.Waiting);
        draw();
        vm.assertEq(panelOf(id).length, 7);
        judge(id, some(7, 8000));
        vm.assertEq(court.currentRuling(id), 8001);
        vm.assertEq(court.appealCost(id, ""), 15 * FEE);
        plaintiff.appeal(id);
        draw();
        vm.assertEq(panelOf(id).length, 15);
        judge(id, some(15, 1000));
        assertSolvent(40);
        assertPhase(id, Phase.Ruled);
        court.executeRuling(id);
        vm.assertEq(plaintiff.rulingOf(id), 1001);
    }

    function test_a_panel_of_appeal_has_31_jurors_at_most() public {
        CourtParameters memory p = parameters();
        (p.jurors, p.maxAppeals) = (19, 1);
        open(p);
        bench(40);
        id = seated();
        judge(id, some(19, 1));
        vm.assertEq(court.appealCost(id, ""), 31 * FEE);
        plaintiff.appeal(id);
        draw();
        vm.assertEq(panelOf(id).length, 31);
    }

    function test_an_appeal_costs_what_it_costs_and_only_the_arbitrable_makes_it() public {
        uint256 cost = court.appealCost(id, "");
        vm.deal(stranger, cost);
        vm.expectRevert(abi.encodeWithSelector(IDRaaSCourt.NotArbitrable.selector, stranger));
        vm.prank(stranger);
        court.appeal{value: cost}(id, "");
        for (uint256 i = 0; i < 2; ++i) {
            uint256 sent = cost + 2 * i - 1;
            vm.expectRevert(abi.encodeWithSelector(IDRaaSCourt.WrongFee.selector, cost, sent));
            vm.prank(address(plaintiff));
            court.appeal{value: sent}(id, "");
        }
    }

    function test_an_appeal_counts_until_the_last_second_and_no_longer() public {
        (uint256 start, uint256 end) = court.appealPeriod(id);
        vm.assertEq(start, block.timestamp);
        vm.assertEq(end, block.timestamp + APPEAL_TIME);
        vm.warp(end - 1);
        vm.expectRevert(wrongPhase(id, Phase.Appealable));
        court.executeRuling(id);
        plaintiff.appeal(id);
        draw();
        judge(id, some(7, 8000));
        (, end) = court.appealPeriod(id);
        vm.warp(end);
        uint256 cost = court.appealCost(id, "");
        vm.expectRevert(wrongPhase(id, Phase.Ruled));
        vm.prank(address(plaintiff));
        court.appeal{value: cost}(id, "");
        (start, end) = court.appealPeriod(id);
        vm.assertEq(start + end, 0);
        court.executeRuling(id);
    }

    function test_a_dispute_is_appealed_no_more_often_than_the_court_allows() public {
        for (uint256 i = 0; i < MAX_APPEALS; ++i) {
            plaintiff.appeal(id);
            draw();
            judge(id, some(panelOf(id).length, 100 * i));
        }
        uint256 cost = court.appealCost(id, "");
        (uint256 start, uint256 end) = court.appealPeriod(id);
        vm.assertEq(start + end, 0);
        vm.assertTrue(court.disputeStatus(id) == IArbitrator.DisputeStatus.Solved);
        vm.expectRevert(wrongPhase(id, Phase.Ruled));
        vm.prank(address(plaintiff));
        court.appeal{value: cost}(id, "");
    }

    function test_an_appeal_in_which_nobody_reveals_keeps_the_earlier_ruling() public {
        plaintiff.appeal(id);
        silence(id);
        assertPhase(id, Phase.Drawing);
        silence(id);
        assertPhase(id, Phase.Appealable);
        vm.assertEq(court.currentRuling(id), 3001);
        vm.assertEq(court.carriedFees(), 7 * FEE);
        vm.assertEq(court.appealCost(id, ""), 15 * FEE);
        assertSolvent(40);
        pass(APPEAL_TIME);
        court.executeRuling(id);
        vm.assertEq(plaintiff.rulingOf(id), 3001);
    }

    function test_a_refused_ruling_can_be_appealed() public {
        id = created();
        silence(id);
        silence(id);
        vm.assertEq(court.currentRuling(id), 0);
        plaintiff.appeal(id);
        draw();
        judge(id, some(7, 0));
        vm.assertEq(court.currentRuling(id), 1);
    }

    function test_a_vote_of_an_earlier_round_says_nothing_in_the_next() public {
        plaintiff.appeal(id);
        draw();
        address juror = panelOf(id)[0];
        bytes32 old = court.commitmentOf(id, 1, juror, 3000, salt(juror));
        vm.prank(juror);
        court.commit(id, old);
        pass(COMMIT_TIME);
        vm.expectRevert(abi.encodeWithSelector(IDRaaSCourt.WrongCommitment.selector, id, juror));
        vm.prank(juror);
        court.reveal(id, 3000, salt(juror));
    }

    function test_who_was_excluded_is_excluded_from_appeals_too() public {
        open(parameters());
        bench(8);
        id = plaintiff.create(abi.encode(0, 0, person(3)));
        draw();
        judge(id, three(1, 1, 1));
        plaintiff.appeal(id);
        draw();
        address[] memory panel = panelOf(id);
        vm.assertEq(panel.length, 7);
        for (uint256 i = 0; i < 7; ++i) {
            vm.assertTrue(panel[i] != person(3));
        }
    }

    /// @dev Everybody takes all the time there is, and nobody ever reveals.
    function test_the_longest_case_is_as_long_as_the_view_says() public {
        vm.warp(T0);
        id = created();
        for (uint256 appeals = 0; appeals <= MAX_APPEALS; ++appeals) {
            if (appeals != 0) {
                pass(APPEAL_TIME - 1);
                plaintiff.appeal(id);
                pass(1);
            }
            takeAllTime();
            takeAllTime();
        }
        vm.assertEq(vm.getBlockTimestamp() - T0, court.longestCase());
        assertPhase(id, Phase.Ruled);
        court.executeRuling(id);
    }

    function takeAllTime() private {
        pass(DRAW_TIME);
        draw();
        if (phase(id) != Phase.Committing) return pass(COMMIT_TIME + REVEAL_TIME); // no jurors are left
        commitAs(id, panelOf(id)[0], 1);
        pass(COMMIT_TIME + REVEAL_TIME - 1);
        assertPhase(id, Phase.Revealing);
        pass(1);
        court.tally(id);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {DRaaSCourt} from "contracts/DRaaSCourt.sol";
import {CourtParameters, CourtTest, IDRaaSCourt, Juror} from "./CourtTest.sol";

contract CourtStakeTest is CourtTest {
    function test_what_is_staked_comes_out_again(uint256 amount, uint256 part) public {
        amount = 1 + amount % 1e24;
        part = 1 + part % amount;
        stakeAs(person(0), amount);
        vm.assertEq(court.jurors(person(0)).staked, amount);
        vm.assertEq(token.balanceOf(address(court)), amount);
        vm.prank(person(0));
        court.unstake(part);
        vm.assertEq(court.jurors(person(0)).staked, amount - part);
        vm.assertEq(token.balanceOf(person(0)), part);
        assertSolvent(1);
    }

    function test_a_stake_below_a_seat_has_no_weight() public {
        stakeAs(person(0), SEAT - 1);
        assertDrawable(0, 0);
        stakeAs(person(0), 1);
        assertDrawable(1, SEAT);
        stakeAs(person(1), 5 * SEAT);
        assertDrawable(2, 6 * SEAT);
        vm.prank(person(0));
        court.unstake(1);
        assertDrawable(1, 5 * SEAT);
        vm.prank(person(0));
        court.unstake(SEAT - 1);
        assertDrawable(1, 5 * SEAT);
        stakeAs(person(0), 2 * SEAT);
        assertDrawable(2, 7 * SEAT);
    }

    function test_nobody_stakes_or_unstakes_nothing_or_more_than_there_is() public {
        vm.expectRevert(abi.encodeWithSelector(IDRaaSCourt.ZeroAmount.selector));
        court.stake(0);
        vm.expectRevert(abi.encodeWithSelector(IDRaaSCourt.ZeroAmount.selector));
        court.unstake(0);
        stakeAs(person(0), SEAT);
        vm.expectRevert(abi.encodeWithSelector(IDRaaSCourt.StakeLocked.selector, SEAT));
        vm.prank(person(0));
        court.unstake(SEAT + 1);
        vm.expectRevert(abi.encodeWithSelector(IDRaaSCourt.StakeLocked.selector, 0));
        vm.prank(stranger);
        court.unstake(type(uint256).max);
    }

    function test_stake_cannot_change_while_a_draw_is_pending() public {
        bench(3);
        created();
        for (uint256 blocks = 0; blocks < 4; ++blocks) {
            vm.expectRevert(abi.encodeWithSelector(IDRaaSCourt.DrawPending.selector));
            court.stake(SEAT);
            vm.expectRevert(abi.encodeWithSelector(IDRaaSCourt.DrawPending.selector));
            vm.prank(person(0));
            court.unstake(SEAT);
            vm.roll(vm.getBlockNumber() + 1);
        }
        vm.prank(stranger);
        court.draw();
        stakeAs(person(0), SEAT);
    }

    function test_stake_is_locked_while_seated_and_free_afterwards() public {
        bench(3);
        stakeAs(person(0), SEAT + 7);
        uint256 id = seated();
        vm.assertEq(court.jurors(person(0)).locked, SEAT);
        vm.expectRevert(abi.encodeWithSelector(IDRaaSCourt.StakeLocked.selector, SEAT + 7));
        vm.prank(person(0));
        court.unstake(SEAT + 8);
        vm.prank(person(0));
        court.unstake(SEAT + 7);
        judge(id, three(1, 2, 3));
        vm.assertEq(court.jurors(person(0)).locked, 0);
        vm.prank(person(0));
        court.unstake(SEAT);
        vm.assertEq(court.jurors(person(0)).staked, 0);
        assertSolvent(3);
    }

    function test_a_juror_without_a_free_seat_cannot_be_drawn_for_another_dispute() public {
        bench(2);
        stakeAs(person(2), 2 * SEAT);
        seated();
        assertDrawable(1, 2 * SEAT);
        uint256 second = seated();
        address[] memory panel = panelOf(second);
        vm.assertEq(panel.length, 1);
        vm.assertEq(panel[0], person(2));
        assertDrawable(0, 0);
    }

    function test_a_token_that_takes_a_part_on_the_way_is_refused() public {
        FeeToken taking = new FeeToken();
        court = new DRaaSCourt(address(taking), parameters());
        vm.expectRevert(abi.encodeWithSelector(IDRaaSCourt.TokenMismatch.selector));
        court.stake(SEAT);
    }

    function test_bad_parameters_are_refused_at_deployment() public {
        CourtParameters memory p = parameters();
        p.seatStake = 0;
        refuses(p);
        p = parameters();
        p.jurors = 4;
        refuses(p);
        p.jurors = 33;
        refuses(p);
        p = parameters();
        p.commitTime = 0;
        refuses(p);
        p = parameters();
        p.revealTime = uint256(type(uint32).max) + 1;
        refuses(p);
        p = parameters();
        p.coherence = 10_001;
        refuses(p);
        p = parameters();
        p.penalty = 10_001;
        refuses(p);
        p = parameters();
        p.maxAppeals = 5;
        refuses(p);
        vm.expectRevert(abi.encodeWithSelector(IDRaaSCourt.BadParameters.selector));
        new DRaaSCourt(stranger, parameters());
    }

    function test_parameters_are_shown_as_they_were_given() public view {
        vm.assertTrue(keccak256(abi.encode(court.parameters())) == keccak256(abi.encode(parameters())));
        vm.assertEq(court.token(), address(token));
    }

    function refuses(CourtParameters memory p) private {
        vm.expectRevert(abi.encodeWithSelector(IDRaaSCourt.BadParameters.selector));
        new DRaaSCourt(address(token), p);
    }

    function assertDrawable(uint256 eligible, uint256 weight) private view {
        (uint256 count, uint256 sum) = court.drawable();
        vm.assertEq(count, eligible, "eligible");
        vm.assertEq(sum, weight, "weight");
    }
}

contract FeeToken {
    mapping(address => uint256) public balanceOf;

    function transferFrom(address, address to, uint256 amount) external returns (bool) {
        balanceOf[to] += amount - 1;
        return true;
    }
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {CourtParameters, CourtTest, IDRaaSCourt, Phase} from "./CourtTest.sol";

contract CourtDrawTest is CourtTest {
    function test_a_panel_is_odd_distinct_and_as_large_as_it_can_be(uint256 seed, uint256 count) public {
        count = count % 12;
        uint256 eligible;
        for (uint256 i = 0; i < count; ++i) {
            uint256 amount = 1 + uint256(keccak256(abi.encode(seed, i))) % (4 * SEAT);
            stakeAs(person(i), amount);
            if (amount >= SEAT) ++eligible;
        }
        vm.roll(vm.getBlockNumber() + seed % 1e6);
        uint256 id = plaintiff.create(abi.encode(0, 6));
        draw();
        address[] memory panel = panelOf(id);
        uint256 most = eligible < 7 ? eligible : 7;
        vm.assertEq(panel.length, most == 0 ? 0 : (most - 1) | 1);
        for (uint256 i = 0; i < panel.length; ++i) {
            vm.assertGe(court.jurors(panel[i]).staked, SEAT, "a juror without a stake");
            for (uint256 k = 0; k < i; ++k) {
                vm.assertTrue(panel[i] != panel[k], "a juror twice");
            }
        }
    }

    function test_jurors_are_drawn_in_proportion_to_their_stake() public {
        CourtParameters memory p = parameters();
        (p.jurors, p.seatStake) = (1, 1);
        open(p);
        uint256[4] memory seats;
        for (uint256 i = 0; i < 4; ++i) {
            stakeAs(person(i), (i + 1) * 1e6);
        }
        for (uint256 k = 0; k < 1000; ++k) {
            address juror = panelOf(seated())[0];
            ++seats[uint160(juror) - 0x10000];
        }
        // Of 1,000 draws, 100 to 400 each; the bound is more than four standard deviations.
        for (uint256 i = 0; i < 4; ++i) {
            vm.assertGe(seats[i], (i + 1) * 100 - 63, "drawn too seldom");
            vm.assertLe(seats[i], (i + 1) * 100 + 63, "drawn too often");
        }
    }

    function test_parties_never_judge_their_own_dispute(uint256 seed) public {
        bench(5);
        vm.roll(vm.getBlockNumber() + seed % 1e6);
        (address a, address b) = (person(seed % 5), person(seed / 5 % 5));
        uint256 id = plaintiff.create(abi.encode(7, 0, a, b, address(0), stranger, a));
        vm.assertEq(court.excluded(id).length, 5);
        draw();
        address[] memory panel = panelOf(id);
        vm.assertEq(panel.length, 3);
        for (uint256 i = 0; i < 3; ++i) {
            vm.assertTrue(panel[i] != a && panel[i] != b, "a party judges");
        }
    }

    function test_a_draw_waits_for_a_block_that_nobody_knew() public {
        bench(3);
        uint256 start = vm.getBlockNumber();
        uint256 id = created();
        for (uint256 blocks = 0; blocks < 2; ++blocks) {
            vm.roll(start + blocks);
            vm.expectRevert(abi.encodeWithSelector(IDRaaSCourt.DrawTooEarly.selector, start + 2));
            court.draw();
        }
        (uint256 next, uint256 firstBlock) = court.nextDraw();
        vm.assertEq(next, id);
        vm.assertEq(firstBlock, start + 2);
        vm.roll(start + 2);
        vm.prank(stranger);
        vm.assertEq(court.draw(), id);
        assertPhase(id, Phase.Committing);
        vm.expectRevert(abi.encodeWithSelector(IDRaaSCourt.NothingToDraw.selector));
        court.draw();
    }

    function test_a_seed_that_is_gone_is_replaced_not_taken_for_zero() public {
        bench(3);
        uint256 start = vm.getBlockNumber();
        uint256 id = created();
        vm.roll(start + 1 + 257);
        court.draw();
        assertPhase(id, Phase.Drawing);
        (, uint256 firstBlock) = court.nextDraw();
        vm.assertEq(firstBlock, start + 258 + 2);
        vm.roll(firstBlock);
        court.draw();
        assertPhase(id, Phase.Committing);
    }

    function test_a_seed_lasts_256_blocks() public {
        bench(3);
        uint256 start = vm.getBlockNumber();
        uint256 id = created();
        vm.roll(start + 1 + 256);
        court.draw();
        assertPhase(id, Phase.Committing);
    }

    function test_draws_are_made_in_the_order_of_the_disputes() public {
        bench(9);
        (uint256 first, uint256 second) = (created(), created());
        vm.roll(vm.getBlockNumber() + 1);
        uint256 third = created();
        vm.assertEq(draw(), first);
        vm.assertEq(court.draw(), second);
        vm.assertEq(court.draw(), third);
    }

    /// @dev Otherwise one could close rounds before or after a draw, whichever suits.
    function test_no_round_closes_while_a_known_seed_waits() public {
        bench(6);
        uint256 id = seated();
        pass(COMMIT_TIME);
        created();
        vm.roll(vm.getBlockNumber() + 2);
        vm.expectRevert(abi.encodeWithSelector(IDRaaSCourt.DrawPending.selector));
        court.tally(id);
        court.draw();
        court.tally(id);
    }

    function test_a_round_may_close_while_nobody_knows_the_seed() public {
        bench(6);
        uint256 id = seated();
        pass(COMMIT_TIME);
        created();
        vm.roll(vm.getBlockNumber() + 1);
        court.tally(id);
    }

    function test_a_panel_is_never_smaller_than_the_courts_own_nor_larger_than_31() public {
        uint256[6] memory asked = [uint256(0), 1, 2, 4, 31, type(uint256).max];
        uint256[6] memory wanted = [uint256(3), 3, 3, 5, 31, 31];
        for (uint256 i = 0; i < 6; ++i) {
            bytes memory extraData = abi.encode(0, asked[i]);
            vm.assertEq(court.arbitrationCost(extraData), wanted[i] * FEE);
            uint256 id = plaintiff.create(extraData);
            vm.assertEq(court.rounds(id, 1).wanted, wanted[i]);
        }
    }

    function test_any_extra_data_makes_a_dispute_that_can_be_drawn(bytes memory extraData) public {
        bench(4);
        uint256 id = plaintiff.create(extraData);
        draw();
        vm.assertTrue(phase(id) != Phase.Absent);
        vm.assertLe(court.excluded(id).length, 8, "exclusions are bounded");
    }

    function test_many_exclusions_cost_the_draw_nothing() public {
        bench(12);
        uint256[] memory words = new uint256[](1000);
        for (uint256 i = 2; i < 1000; ++i) {
            words[i] = uint160(person(i - 2));
        }
        uint256 id = plaintiff.create(abi.encodePacked(words));
        vm.assertEq(court.excluded(id).length, 8);
        draw();
        vm.assertEq(panelOf(id).length, 3);
    }

    function test_the_largest_panel_of_many_jurors_fits_in_a_block() public {
        bench(300);
        uint256 id = plaintiff.create(abi.encode(0, 31));
        vm.roll(vm.getBlockNumber() + 2);
        uint256 gas = gasleft();
        court.draw();
        vm.assertLe(gas - gasleft(), 6_000_000, "a draw must fit in a small block");
        uint256[] memory shares = some(30, 5000);
        address[] memory panel = panelOf(id);
        vm.assertEq(panel.length, 31);
        for (uint256 i = 0; i < 30; ++i) {
            commitAs(id, panel[i], shares[i]);
        }
        pass(COMMIT_TIME);
        for (uint256 i = 0; i < 30; ++i) {
            revealAs(id, panel[i], shares[i]);
        }
        gas = gasleft();
        court.tally(id);
        vm.assertLe(gas - gasleft(), 6_000_000, "a tally must fit in a small block");
    }
}

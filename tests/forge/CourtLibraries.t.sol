// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Median} from "contracts/libraries/Median.sol";
import {Sampling} from "contracts/libraries/Sampling.sol";
import {StakeTree} from "contracts/libraries/StakeTree.sol";
import {Vm} from "./CourtTest.sol";

contract CourtLibrariesTest {
    using StakeTree for StakeTree.Tree;

    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    StakeTree.Tree private tree;
    uint256[] private weights; // of the leaves, in a plain list beside the tree

    function test_half_of_the_numbers_are_on_either_side_of_a_median(uint16[] memory raw) public pure {
        uint256 count = raw.length % 32;
        if (count == 0) return;
        uint256[] memory values = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            values[i] = raw[i];
        }
        (uint256 lower, uint256 upper) = Median.middles(values);
        vm.assertTrue(count % 2 == 0 ? lower <= upper : lower == upper);
        uint256 below;
        uint256 above;
        for (uint256 i = 0; i < count; ++i) {
            if (raw[i] <= lower) ++below;
            if (raw[i] >= upper) ++above;
        }
        vm.assertGe(2 * below, count, "at least half are no larger");
        vm.assertGe(2 * above, count, "at least half are no smaller");
    }

    function test_the_tree_agrees_with_a_plain_list(uint256 seed) public {
        plant(seed, 1 + seed % 40);
        uint256 start;
        for (uint256 i = 0; i < weights.length; ++i) {
            vm.assertEq(tree.sumTo(i), start, "sums");
            if (weights[i] != 0) {
                assertFinds(start, i + 1, start);
                assertFinds(start + weights[i] - 1, i + 1, start);
            }
            start += weights[i];
        }
    }

    /// @dev The same points, thrown on a list out of which what was drawn is taken.
    function test_a_draw_is_that_of_urns_without_replacement(bytes32 seed) public {
        plant(uint256(seed), 1 + uint256(seed) % 40);
        uint256[] memory barred = new uint256[](3);
        for (uint256 i = 0; i < 3; ++i) {
            barred[i] = (uint256(seed) >> (8 * i)) % (weights.length + 1);
        }
        uint256[] memory leaves = Sampling.draw(tree, seed, barred, 7);
        for (uint256 i = 0; i < 3; ++i) {
            if (barred[i] != 0) weights[barred[i] - 1] = 0;
        }
        for (uint256 i = 0; i < leaves.length; ++i) {
            uint256 leaf = pick(uint256(keccak256(abi.encode(seed, i))));
            vm.assertEq(leaves[i], leaf, "drawn");
            weights[leaf - 1] = 0;
        }
        if (leaves.length == 7) return;
        vm.assertTrue(leaves.length == 0 || leaves.length % 2 == 1);
        vm.assertLe(left(), leaves.length == 0 ? 0 : 1, "a larger odd panel was to be had");
    }

    function plant(uint256 seed, uint256 count) private {
        for (uint256 i = 0; i < count; ++i) {
            vm.assertEq(tree.grow(), i + 1);
            weights.push(0);
            change(seed, i, i);
            change(seed, i, uint256(keccak256(abi.encode(seed, i))) % (i + 1));
        }
    }

    function change(uint256 seed, uint256 step, uint256 place) private {
        uint256 dice = uint256(keccak256(abi.encode(seed, step, place)));
        uint256 weight = dice % 3 == 0 ? 0 : dice % 1000;
        if (weight == weights[place]) return;
        tree.update(place + 1, weights[place], weight);
        weights[place] = weight;
    }

    function pick(uint256 dice) private view returns (uint256 leaf) {
        uint256 sum;
        for (uint256 i = 0; i < weights.length; ++i) {
            sum += weights[i];
        }
        uint256 point = dice % sum;
        while (point >= weights[leaf]) point -= weights[leaf++];
        return leaf + 1;
    }

    function left() private view returns (uint256 count) {
        for (uint256 i = 0; i < weights.length; ++i) {
            if (weights[i] != 0) ++count;
        }
    }

    function assertFinds(uint256 point, uint256 expected, uint256 expectedStart) private view {
        (uint256 leaf, uint256 start) = tree.find(point);
        vm.assertEq(leaf, expected, "leaf");
        vm.assertEq(start, expectedStart, "start");
    }
}

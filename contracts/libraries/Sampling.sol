// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {StakeTree} from "./StakeTree.sol";

/// @title Draws distinct leaves of a tree by weight
/// @dev Without replacement and without failing probes: what is barred or drawn already is cut out of the line of
/// weights, and a point on the shortened line is shifted past the cuts before it. The cost follows from the number
/// drawn and the depth of the tree alone.
library Sampling {
    using StakeTree for StakeTree.Tree;

    /// @dev The cuts, by where they start.
    struct Cuts {
        uint256 count;
        uint256 total; // their weights in all
        uint256[] starts;
        uint256[] weights;
    }

    /// @notice Draws `wanted` leaves, or the largest odd number there is, none of them `barred`.
    /// @param barred leaves, in any order, also repeated or 0 for none
    /// @param wanted odd
    function draw(StakeTree.Tree storage tree, bytes32 seed, uint256[] memory barred, uint256 wanted)
        internal
        view
        returns (uint256[] memory leaves)
    {
        uint256 most = barred.length + wanted;
        Cuts memory cuts = Cuts(0, 0, new uint256[](most), new uint256[](most));
        for (uint256 i = 0; i < barred.length; ++i) {
            if (barred[i] != 0) _cut(tree, cuts, barred[i], tree.sumTo(barred[i] - 1));
        }
        uint256 sum = tree.sumTo(tree.size);
        leaves = new uint256[](_oddUpTo(wanted, tree.filled - cuts.count));
        for (uint256 i = 0; i < leaves.length; ++i) {
            // The bias of the remainder is below 2^-140: weights are below 2^112.
            uint256 point = uint256(keccak256(abi.encode(seed, i))) % (sum - cuts.total);
            (uint256 leaf, uint256 start) = tree.find(_shift(cuts, point));
            leaves[i] = leaf;
            _cut(tree, cuts, leaf, start);
        }
    }

    /// @dev Keeps the cuts sorted. A leaf without weight, or cut before, changes nothing.
    function _cut(StakeTree.Tree storage tree, Cuts memory cuts, uint256 leaf, uint256 start) private view {
        uint256 weight = tree.sumTo(leaf) - start;
        if (weight == 0) return;
        uint256 place = cuts.count;
        while (place > 0 && cuts.starts[place - 1] > start) --place;
        if (place > 0 && cuts.starts[place - 1] == start) return;
        for (uint256 i = cuts.count; i > place; --i) {
            (cuts.starts[i], cuts.weights[i]) = (cuts.starts[i - 1], cuts.weights[i - 1]);
        }
        (cuts.starts[place], cuts.weights[place]) = (start, weight);
        ++cuts.count;
        cuts.total += weight;
    }

    function _shift(Cuts memory cuts, uint256 point) private pure returns (uint256) {
        for (uint256 i = 0; i < cuts.count && cuts.starts[i] <= point; ++i) {
            point += cuts.weights[i];
        }
        return point;
    }

    function _oddUpTo(uint256 wanted, uint256 available) private pure returns (uint256) {
        if (available >= wanted) return wanted;
        return available == 0 ? 0 : (available - 1) | 1;
    }
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title Weights of which one is found by a point in their sum, in logarithmic time
/// @dev A Fenwick tree: node i holds the sum of the leaves (i - lowest bit of i, i]. Leaves are numbered from 1.
library StakeTree {
    struct Tree {
        uint128 size; // leaves
        uint128 filled; // leaves with weight
        mapping(uint256 node => uint256) nodes;
    }

    /// @notice Adds a leaf without weight.
    function grow(Tree storage tree) internal returns (uint256 leaf) {
        leaf = tree.size + 1;
        tree.size = uint128(leaf); // one more than fits is out of anybody's reach
        uint256 sum;
        uint256 first = leaf - _lowestBit(leaf);
        for (uint256 node = leaf - 1; node > first; node -= _lowestBit(node)) {
            sum += tree.nodes[node];
        }
        tree.nodes[leaf] = sum;
    }

    /// @notice Changes the weight of a leaf.
    function update(Tree storage tree, uint256 leaf, uint256 before, uint256 weight) internal {
        if (before == 0) ++tree.filled;
        if (weight == 0) --tree.filled;
        uint256 size = tree.size;
        for (uint256 node = leaf; node <= size; node += _lowestBit(node)) {
            tree.nodes[node] = tree.nodes[node] - before + weight;
        }
    }

    /// @notice Sum of the weights of the leaves up to `leaf`.
    function sumTo(Tree storage tree, uint256 leaf) internal view returns (uint256 sum) {
        for (; leaf > 0; leaf -= _lowestBit(leaf)) {
            sum += tree.nodes[leaf];
        }
    }

    /// @notice The leaf that covers `point`, which must be below the sum of all.
    /// @return leaf never one without weight
    /// @return start sum of the weights before it
    function find(Tree storage tree, uint256 point) internal view returns (uint256 leaf, uint256 start) {
        uint256 size = tree.size;
        uint256 step = 1;
        while (step << 1 <= size) step <<= 1;
        for (; step > 0; step >>= 1) {
            if (leaf + step > size) continue;
            uint256 next = start + tree.nodes[leaf + step];
            if (next > point) continue;
            (leaf, start) = (leaf + step, next);
        }
        ++leaf;
    }

    function _lowestBit(uint256 node) private pure returns (uint256) {
        unchecked {
            return node & (~node + 1);
        }
    }
}

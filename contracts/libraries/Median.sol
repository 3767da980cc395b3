// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title The middle of a few numbers
library Median {
    /// @notice The two middle ones; the same one twice when their count is odd. Every number between is a median.
    /// @dev Sorts `values` in place. Insertion sort: a panel is small.
    function middles(uint256[] memory values) internal pure returns (uint256 lower, uint256 upper) {
        uint256 count = values.length;
        for (uint256 i = 1; i < count; ++i) {
            uint256 value = values[i];
            uint256 place = i;
            for (; place > 0 && values[place - 1] > value; --place) {
                values[place] = values[place - 1];
            }
            values[place] = value;
        }
        return (values[(count - 1) / 2], values[count / 2]);
    }
}

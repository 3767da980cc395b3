// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @dev Run with FOUNDRY_PROFILE=canary: a forge command that passes this hides failures.
contract AlwaysFailsTest {
    function test_this_test_fails() public pure {
        assert(false);
    }
}

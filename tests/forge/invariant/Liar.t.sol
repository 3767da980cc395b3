// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {EscrowTest, JobTerms, Usage} from "../EscrowTest.sol";

/// @dev The most that a liar can get: he claims, runs nothing and reports all that there can be, as often as he likes.
/// The consumer looks once a window, and disputes what he sees.
contract LiarTest is EscrowTest {
    uint256 private constant LIES = 300;
    uint256 private _atStake;
    uint256 private _kept;

    event log_named_uint(string key, uint256 value);

    /// @dev He has at stake what his machine could have used from the claim until the dispute: the silence before the
    /// first report, which anybody may end by a lapse, and one window. An honest ruling leaves him none of it, and no
    /// ruling at all the half.
    function test_the_most_a_liar_can_keep() public {
        for (uint256 k = 0; k < LIES; ++k) {
            lie(uint256(keccak256(abi.encode(k))));
        }
        emit log_named_uint("seconds' worth at stake at most", _atStake / price(1));
        emit log_named_uint("seconds' worth kept at most", _kept / price(1));
        vm.assertLe(_atStake, price(LAPSE_AFTER + WINDOW), "at stake: a lapse's silence and a window");
        vm.assertLe(_kept, price(LAPSE_AFTER + WINDOW) / 2, "kept: half of it, when nobody rules");
        vm.assertGe(_atStake, price(LAPSE_AFTER + WINDOW) * 9 / 10, "the bound is nearly reached");
    }

    function lie(uint256 seed) private {
        vm.warp(block.timestamp + seed % WINDOW);
        vm.prank(provider);
        escrow.register(UNITS, rates()); // what the last lie cost
        (JobTerms memory terms, bytes32 id) = running();
        uint256 claimedAt = block.timestamp;
        vm.warp(claimedAt + (seed >> 16) % (LAPSE_AFTER + 1));
        uint256 disputeAt = block.timestamp + (seed >> 32) % (WINDOW + 1);
        Usage memory all = Usage(~uint64(0), ~uint64(0), ~uint64(0), ~uint64(0));
        report(id, 1, all);
        uint256 step = 1 + (seed >> 48) % 40;
        while (block.timestamp + step < disputeAt) {
            vm.warp(block.timestamp + step);
            report(id, 1, all);
        }
        vm.warp(disputeAt);
        if (seed % 2 == 0) report(id, 1, all);
        vm.assertEq(finalEarned(id, 1), 0, "nothing is final within a window of the first report");
        if (earned(id, 1) == 0) return;
        if (earned(id, 1) > _atStake) _atStake = earned(id, 1);
        uint256 dispute = openDispute(consumer, terms, 1, provider);
        if (seed % 3 == 0) {
            arbitrator.giveRuling(dispute, 1);
            vm.assertEq(earned(id, 1), 0, "an honest ruling leaves a liar nothing");
        } else {
            vm.warp(block.timestamp + RULING_TIME + 1);
            escrow.ruleByDefault(dispute);
        }
        if (earned(id, 1) > _kept) _kept = earned(id, 1);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {CourtTest, Phase} from "../CourtTest.sol";

/// @dev Lets time pass from one deadline to the next, and keeps account of how long disputes took and how much of that
/// they only waited for somebody to call.
abstract contract CourtClock is CourtTest {
    mapping(uint256 id => uint256) private createdAt;
    mapping(uint256 id => uint256) private endedAt;
    mapping(uint256 id => uint256) private waited;

    function lived(uint256 id) public view returns (uint256) {
        uint256 end = endedAt[id] == 0 ? vm.getBlockTimestamp() : endedAt[id];
        return end - createdAt[id] - waited[id];
    }

    function startClock(uint256 id) internal {
        createdAt[id] = vm.getBlockTimestamp();
    }

    function passTo(uint256 target) internal {
        uint256 time = vm.getBlockTimestamp();
        while (time < target) {
            uint256 next = nextDeadline(target);
            countWaiting(next - time);
            time = next;
            vm.warp(time);
            noteEnds();
        }
    }

    function nextDeadline(uint256 latest) internal view returns (uint256 next) {
        next = latest;
        for (uint256 id = 1; id <= court.disputeCount(); ++id) {
            (, uint256 endsAt) = court.phaseOf(id);
            if (endsAt != 0 && endsAt < next) next = endsAt;
        }
    }

    function noteEnds() internal {
        for (uint256 id = 1; id <= court.disputeCount(); ++id) {
            if (endedAt[id] == 0 && phase(id) == Phase.Ruled) endedAt[id] = vm.getBlockTimestamp();
        }
    }

    function countWaiting(uint256 span) private {
        for (uint256 id = 1; id <= court.disputeCount(); ++id) {
            Phase now_ = phase(id);
            if (now_ == Phase.Drawing || now_ == Phase.Tallying) waited[id] += span;
        }
    }
}

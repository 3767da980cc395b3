// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Run, RunState} from "../interfaces/Types.sol";

/// @notice A `Run` as the one word it is stored as; first field lowest.
type RunSlot is uint256;

using RunSlots for RunSlot global;

/// @title The fields of a stored run
/// @notice A field is set from a value of its own type, so none is ever cut off.
library RunSlots {
    function earned(RunSlot run) internal pure returns (uint256) {
        return uint72(RunSlot.unwrap(run));
    }

    function previous(RunSlot run) internal pure returns (uint256) {
        return uint72(RunSlot.unwrap(run) >> 72);
    }

    function released(RunSlot run) internal pure returns (uint256) {
        return uint72(RunSlot.unwrap(run) >> 144);
    }

    function reportedAt(RunSlot run) internal pure returns (uint256) {
        return uint32(RunSlot.unwrap(run) >> 216);
    }

    function state(RunSlot run) internal pure returns (RunState) {
        return RunState(uint8(RunSlot.unwrap(run) >> 248));
    }

    function isLive(RunSlot run) internal pure returns (bool) {
        return RunSlot.unwrap(run) >> 248 == uint256(RunState.Live);
    }

    function isAbsent(RunSlot run) internal pure returns (bool) {
        return RunSlot.unwrap(run) >> 248 == uint256(RunState.Absent);
    }

    function withEarned(RunSlot run, uint72 value) internal pure returns (RunSlot) {
        return _with(run, 0, type(uint72).max, value);
    }

    function withPrevious(RunSlot run, uint72 value) internal pure returns (RunSlot) {
        return _with(run, 72, type(uint72).max, value);
    }

    function withReleased(RunSlot run, uint72 value) internal pure returns (RunSlot) {
        return _with(run, 144, type(uint72).max, value);
    }

    function withReportedAt(RunSlot run, uint32 value) internal pure returns (RunSlot) {
        return _with(run, 216, type(uint32).max, value);
    }

    function withState(RunSlot run, RunState value) internal pure returns (RunSlot) {
        return _with(run, 248, type(uint8).max, uint8(value));
    }

    function unpack(RunSlot run) internal pure returns (Run memory) {
        return Run({
            earned: uint72(run.earned()),
            previous: uint72(run.previous()),
            released: uint72(run.released()),
            reportedAt: uint32(run.reportedAt()),
            state: run.state()
        });
    }

    function _with(RunSlot run, uint256 shift, uint256 mask, uint256 value) private pure returns (RunSlot) {
        return RunSlot.wrap(RunSlot.unwrap(run) & ~(mask << shift) | value << shift);
    }
}

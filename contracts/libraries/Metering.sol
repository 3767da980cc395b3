// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Rates, RunState, Usage} from "../interfaces/Types.sol";
import {JobSlot} from "./JobSlot.sol";
import {RatesSlot} from "./RatesSlot.sol";
import {RunSlot} from "./RunSlot.sol";

/// @title What usage costs, what it may be at most, and when it is final
/// @notice Pure, and mirrored by `chain/job.py`; tests/vectors/job_money.json holds the two equal.
library Metering {
    /// @notice Sum of metric times rate, in base units: exact, since both are integers.
    function cost(Usage memory usage, RatesSlot rates) internal pure returns (uint256) {
        unchecked {
            // Four products of 64-bit factors.
            return usage.cpuMs * rates.cpuMs() + usage.memoryMibS * rates.memoryMibS() + usage.egressKib
                * rates.egressKib() + usage.wallS * rates.wallS();
        }
    }

    /// @notice What is accepted of reported totals: no metric above what was reserved for the seconds that passed.
    /// @param span seconds; a 24-bit reserve times 32-bit seconds fits 64 bits
    function capped(Usage calldata usage, JobSlot job, uint256 span) internal pure returns (Usage memory) {
        unchecked {
            return Usage({
                cpuMs: uint64(Math.min(usage.cpuMs, job.cpuMillis() * span)),
                memoryMibS: uint64(Math.min(usage.memoryMibS, job.memoryMib() * span)),
                egressKib: uint64(Math.min(usage.egressKib, job.egressKibS() * span)),
                wallS: uint64(Math.min(usage.wallS, span))
            });
        }
    }

    /// @notice What all that is reserved costs for so many seconds.
    function reserveCost(JobSlot job, RatesSlot rates, uint256 span) internal pure returns (uint256) {
        unchecked {
            // Products of 24, 64 and 32 bits.
            return span
                * (job.cpuMillis()
                    * rates.cpuMs()
                    + job.memoryMib()
                    * rates.memoryMibS()
                    + job.egressKibS()
                    * rates.egressKib()
                    + rates.wallS());
        }
    }

    /// @notice Whether more was reported than is accepted. No metric is accepted above what was reported, so the sums
    /// tell.
    function exceeds(Usage calldata usage, Usage memory counted) internal pure returns (bool) {
        unchecked {
            // Four figures of 64 bits.
            uint256 reported = uint256(usage.cpuMs) + usage.memoryMibS + usage.egressKib + usage.wallS;
            return reported != uint256(counted.cpuMs) + counted.memoryMibS + counted.egressKib + counted.wallS;
        }
    }

    /// @notice Whether no rate is above its limit.
    function within(RatesSlot rates, Rates calldata limit) internal pure returns (bool) {
        return rates.cpuMs() <= limit.cpuMs && rates.memoryMibS() <= limit.memoryMibS
            && rates.egressKib() <= limit.egressKib && rates.wallS() <= limit.wallS;
    }

    /// @notice The part of a run's earnings that is past the window. Time is cut into epochs of one window; what was
    /// reported in epoch e is final from e + 2 on, that is between one and two windows later.
    function finalEarned(RunSlot run, uint256 timestamp, uint256 window) internal pure returns (uint256) {
        if (run.state() == RunState.Ruled) return run.earned();
        if (run.state() == RunState.Frozen) return run.previous();
        uint256 epochs = timestamp / window - run.reportedAt() / window;
        if (epochs == 0) return run.released(); // a report releases what was final before it
        return epochs == 1 ? run.previous() : run.earned();
    }
}

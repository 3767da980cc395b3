// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Rates, Usage} from "../interfaces/IDRaaSEscrow.sol";

/// @title What usage costs, what it may be at most, and when it is final
/// @dev Pure, and mirrored by `chain/job.py`; tests/vectors/job_money.json holds the two equal.
library Metering {
    /// @notice Sum of metric times rate, in base units: exact, since both are integers.
    function cost(Usage memory usage, Rates memory rates) internal pure returns (uint256) {
        return uint256(usage.cpuMs) * rates.cpuMs + uint256(usage.memoryMibS) * rates.memoryMibS
            + uint256(usage.egressKib) * rates.egressKib + uint256(usage.wallS) * rates.wallS;
    }

    /// @notice Whether any total is below what was accepted before.
    function fell(Usage memory before, Usage memory usage) internal pure returns (bool) {
        return usage.cpuMs < before.cpuMs || usage.memoryMibS < before.memoryMibS || usage.egressKib < before.egressKib
            || usage.wallS < before.wallS;
    }

    /// @notice Whether no rate is above its limit.
    function within(Rates memory rates, Rates memory limit) internal pure returns (bool) {
        return rates.cpuMs <= limit.cpuMs && rates.memoryMibS <= limit.memoryMibS && rates.egressKib <= limit.egressKib
            && rates.wallS <= limit.wallS;
    }

    /// @notice The part of `earned` that is past the window: what was reported in epoch e is final from e + 2 on.
    /// @param reportedAt second of the last report
    /// @param before earned at the end of the last epoch but one before that report
    /// @param previous earned at the end of the last epoch before that report
    function finalPart(
        uint256 earned,
        uint256 before,
        uint256 previous,
        uint256 reportedAt,
        uint256 timestamp,
        uint256 window
    ) internal pure returns (uint256) {
        uint256 epochs = timestamp / window - reportedAt / window;
        if (epochs == 0) return before;
        return epochs == 1 ? previous : earned;
    }
}

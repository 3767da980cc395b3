// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {UsageReport} from "../interfaces/Types.sol";

/// @title Struct hashes of signed messages (EIP-712)
/// @notice An assignment, a cancel and a usage report.
library Messages {
    bytes32 private constant ASSIGNMENT =
        keccak256("Assignment(bytes32 jobId,uint8 attempt,address provider,bytes32 image,uint64 deadline)");
    bytes32 private constant CANCEL = keccak256("Cancel(bytes32 jobId,uint64 deadline)");
    bytes32 private constant USAGE_REPORT = keccak256(
        "UsageReport(bytes32 jobId,uint8 attempt,uint64 cpuMs,uint64 memoryMibS,uint64 egressKib,uint64 wallS,uint64 deadline)"
    );

    /// @notice The scheduler's leave to claim one attempt of one job.
    function assignment(bytes32 jobId, uint8 attempt, address provider, bytes32 image, uint64 deadline)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(ASSIGNMENT, jobId, attempt, provider, image, deadline));
    }

    /// @notice The consumer's wish to end a job.
    function cancel(bytes32 jobId, uint64 deadline) internal pure returns (bytes32) {
        return keccak256(abi.encode(CANCEL, jobId, deadline));
    }

    /// @notice A provider's totals, or the consumer's agreement with them.
    function usageReport(UsageReport calldata report, uint64 deadline) internal pure returns (bytes32) {
        return keccak256(abi.encode(USAGE_REPORT, report, deadline)); // static structs are encoded flat
    }
}

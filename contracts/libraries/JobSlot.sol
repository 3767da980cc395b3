// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Job, JobState} from "../interfaces/Types.sol";

/// @notice A `Job` as the one word it is stored as; first field lowest.
/// @dev The compiler copies a packed struct field by field, with a storage access for each group of fields. A word is
/// read once, asked for the fields that a step needs, and written once: a quarter of the gas of a usage report.
type JobSlot is uint256;

using JobSlots for JobSlot global;

/// @title The fields of a stored job
/// @notice A field is set from a value of its own type, so none is ever cut off.
library JobSlots {
    function deposit(JobSlot job) internal pure returns (uint256) {
        return uint72(JobSlot.unwrap(job));
    }

    function cpuMillis(JobSlot job) internal pure returns (uint256) {
        return uint24(JobSlot.unwrap(job) >> 72);
    }

    function memoryMib(JobSlot job) internal pure returns (uint256) {
        return uint24(JobSlot.unwrap(job) >> 96);
    }

    function egressKibS(JobSlot job) internal pure returns (uint256) {
        return uint24(JobSlot.unwrap(job) >> 120);
    }

    function deadline(JobSlot job) internal pure returns (uint256) {
        return uint32(JobSlot.unwrap(job) >> 144);
    }

    function duration(JobSlot job) internal pure returns (uint256) {
        return uint32(JobSlot.unwrap(job) >> 176);
    }

    function rateCard(JobSlot job) internal pure returns (uint16) {
        return uint16(JobSlot.unwrap(job) >> 208);
    }

    function attempt(JobSlot job) internal pure returns (uint8) {
        return uint8(JobSlot.unwrap(job) >> 224);
    }

    function state(JobSlot job) internal pure returns (JobState) {
        return JobState(uint8(JobSlot.unwrap(job) >> 232));
    }

    function settled(JobSlot job) internal pure returns (bool) {
        return JobSlot.unwrap(job) >> 240 != 0;
    }

    /// @notice Units of capacity that a run of this job holds.
    function units(JobSlot job) internal pure returns (uint256) {
        return job.cpuMillis() + job.memoryMib();
    }

    function withDeposit(JobSlot job, uint72 value) internal pure returns (JobSlot) {
        return _with(job, 0, type(uint72).max, value);
    }

    function withDeadline(JobSlot job, uint32 value) internal pure returns (JobSlot) {
        return _with(job, 144, type(uint32).max, value);
    }

    function withDuration(JobSlot job, uint32 value) internal pure returns (JobSlot) {
        return _with(job, 176, type(uint32).max, value);
    }

    function withRateCard(JobSlot job, uint16 value) internal pure returns (JobSlot) {
        return _with(job, 208, type(uint16).max, value);
    }

    function withAttempt(JobSlot job, uint8 value) internal pure returns (JobSlot) {
        return _with(job, 224, type(uint8).max, value);
    }

    function withState(JobSlot job, JobState value) internal pure returns (JobSlot) {
        return _with(job, 232, type(uint8).max, uint8(value));
    }

    function withSettled(JobSlot job, bool value) internal pure returns (JobSlot) {
        return _with(job, 240, 1, value ? 1 : 0);
    }

    function pack(Job memory job) internal pure returns (JobSlot) {
        return JobSlot.wrap(
            job.deposit | uint256(job.cpuMillis) << 72 | uint256(job.memoryMib) << 96 | uint256(job.egressKibS) << 120
                | uint256(job.deadline) << 144 | uint256(job.duration) << 176 | uint256(job.rateCard) << 208
                | uint256(job.attempt) << 224 | uint256(job.state) << 232 | (job.settled ? 1 << 240 : 0)
        );
    }

    function unpack(JobSlot job) internal pure returns (Job memory) {
        return Job({
            deposit: uint72(job.deposit()),
            cpuMillis: uint24(job.cpuMillis()),
            memoryMib: uint24(job.memoryMib()),
            egressKibS: uint24(job.egressKibS()),
            deadline: uint32(job.deadline()),
            duration: uint32(job.duration()),
            rateCard: job.rateCard(),
            attempt: job.attempt(),
            state: job.state(),
            settled: job.settled()
        });
    }

    function _with(JobSlot job, uint256 shift, uint256 mask, uint256 value) private pure returns (JobSlot) {
        return JobSlot.wrap(JobSlot.unwrap(job) & ~(mask << shift) | value << shift);
    }
}

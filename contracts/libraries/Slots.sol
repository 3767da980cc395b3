// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Job, JobState, Provider, Run, RunState} from "../interfaces/Types.sol";

/// @title A job, a run and a provider as one word each
/// @dev The compiler writes a packed struct field by field, with a storage access for each group of fields; these write
/// it once, which saves about 2,500 gas a step. The layouts are those of the structs, first field lowest.
library Slots {
    function pack(Job memory job) internal pure returns (uint256 word) {
        word = job.deposit | uint256(job.cpuMillis) << 72 | uint256(job.memoryMib) << 96 | uint256(job.egressKibS)
            << 120 | uint256(job.deadline) << 144 | uint256(job.duration) << 176 | uint256(job.rateCard) << 208
            | uint256(job.attempt) << 224 | uint256(job.state) << 232;
        if (job.settled) word |= 1 << 240;
    }

    function toJob(uint256 word) internal pure returns (Job memory job) {
        job.deposit = uint72(word);
        job.cpuMillis = uint24(word >> 72);
        job.memoryMib = uint24(word >> 96);
        job.egressKibS = uint24(word >> 120);
        job.deadline = uint32(word >> 144);
        job.duration = uint32(word >> 176);
        job.rateCard = uint16(word >> 208);
        job.attempt = uint8(word >> 224);
        job.state = JobState(uint8(word >> 232));
        job.settled = word >> 240 != 0;
    }

    function pack(Run memory run) internal pure returns (uint256) {
        return run.earned | uint256(run.previous) << 72 | uint256(run.released) << 144 | uint256(run.reportedAt) << 216
            | uint256(run.state) << 248;
    }

    function toRun(uint256 word) internal pure returns (Run memory run) {
        run.earned = uint72(word);
        run.previous = uint72(word >> 72);
        run.released = uint72(word >> 144);
        run.reportedAt = uint32(word >> 216);
        run.state = RunState(uint8(word >> 248));
    }

    function pack(Provider memory provider) internal pure returns (uint256) {
        return provider.bonded | uint256(provider.reserved) << 32 | uint256(provider.unbondAt) << 64
            | uint256(provider.rateCard) << 96 | uint256(provider.completed) << 112 | uint256(provider.lapsed) << 144
            | uint256(provider.disputesLost) << 160 | uint256(provider.earned) << 176;
    }

    function toProvider(uint256 word) internal pure returns (Provider memory provider) {
        provider.bonded = uint32(word);
        provider.reserved = uint32(word >> 32);
        provider.unbondAt = uint32(word >> 64);
        provider.rateCard = uint16(word >> 96);
        provider.completed = uint32(word >> 112);
        provider.lapsed = uint16(word >> 144);
        provider.disputesLost = uint16(word >> 160);
        provider.earned = uint80(word >> 176);
    }
}

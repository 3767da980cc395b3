// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Metering} from "contracts/libraries/Metering.sol";
import {JobSlot, JobSlots} from "contracts/libraries/JobSlot.sol";
import {ProviderSlot} from "contracts/libraries/ProviderSlot.sol";
import {RatesSlots} from "contracts/libraries/RatesSlot.sol";
import {RunSlot} from "contracts/libraries/RunSlot.sol";
import {
    EscrowTest,
    IDRaaSEscrow,
    Job,
    JobState,
    Parameters,
    Provider,
    Rates,
    Run,
    RunState,
    Usage
} from "./EscrowTest.sol";

/// @dev The same cases as tests/integration/chain/test_mirror.py runs through the Python mirror.
contract VectorsTest is EscrowTest {
    string private constant FILE = "tests/vectors/job_money.json";

    Job private _job;
    Run private _run;
    Provider private _provider;
    mapping(uint256 window => mapping(uint256 grace => IDRaaSEscrow)) private _escrows;

    function test_money_is_what_the_shared_cases_say() public view {
        uint256[] memory v = vm.parseJsonUintArray(vm.readFile(FILE), ".money");
        vm.assertGe(v.length, 17 * 20, "cases");
        for (uint256 i = 0; i < v.length; i += 17) {
            Usage memory usage = Usage(uint64(v[i]), uint64(v[i + 1]), uint64(v[i + 2]), uint64(v[i + 3]));
            Rates memory rate = Rates(uint64(v[i + 4]), uint64(v[i + 5]), uint64(v[i + 6]), uint64(v[i + 7]));
            uint256 cost = this.costOf(usage, rate);
            uint256 all = cost < v[i + 8] ? cost : v[i + 8];
            vm.assertEq(cost, v[i + 14], "cost");
            vm.assertEq(all, v[i + 15], "earned");
            RunSlot run = RunSlot.wrap(0).withEarned(uint72(all)).withPrevious(uint72(v[i + 10]));
            run = run.withReleased(uint72(v[i + 9])).withReportedAt(uint32(v[i + 11])).withState(RunState.Live);
            vm.assertEq(Metering.finalEarned(run, v[i + 12], v[i + 13]), v[i + 16], "final");
            run = run.withState(RunState.Frozen);
            vm.assertEq(Metering.finalEarned(run, v[i + 12], v[i + 13]), v[i + 10], "frozen");
            run = run.withState(RunState.Ruled);
            vm.assertEq(Metering.finalEarned(run, v[i + 12], v[i + 13]), all, "ruled");
        }
    }

    function test_caps_are_what_the_shared_cases_say() public view {
        uint256[] memory v = vm.parseJsonUintArray(vm.readFile(FILE), ".capped");
        vm.assertGe(v.length, 12 * 20, "cases");
        for (uint256 i = 0; i < v.length; i += 12) {
            Job memory job;
            (job.cpuMillis, job.memoryMib, job.egressKibS) = (uint24(v[i + 4]), uint24(v[i + 5]), uint24(v[i + 6]));
            Usage memory usage = Usage(uint64(v[i]), uint64(v[i + 1]), uint64(v[i + 2]), uint64(v[i + 3]));
            usage = this.capped(usage, job, v[i + 7]);
            vm.assertEq(usage.cpuMs, v[i + 8], "cpu");
            vm.assertEq(usage.memoryMibS, v[i + 9], "memory");
            vm.assertEq(usage.egressKib, v[i + 10], "egress");
            vm.assertEq(usage.wallS, v[i + 11], "wall");
        }
    }

    function test_states_are_what_the_shared_cases_say() public {
        uint256[] memory v = vm.parseJsonUintArray(vm.readFile(FILE), ".state");
        vm.assertGe(v.length, 8 * 20, "cases");
        for (uint256 i = 0; i < v.length; i += 8) {
            Job memory job;
            (job.state, job.deadline, job.deposit) = (JobState(v[i]), uint32(v[i + 1]), uint72(v[i + 2]));
            job.settled = v[i + 3] == 1;
            IDRaaSEscrow target = escrowOf(v[i + 4], v[i + 5]);
            vm.store(
                address(target), keccak256(abi.encode(bytes32("job"), 0)), bytes32(JobSlot.unwrap(JobSlots.pack(job)))
            );
            vm.warp(v[i + 6]);
            vm.assertEq(uint256(target.stateOf(bytes32("job"))), v[i + 7], "state");
        }
    }

    function test_a_jobs_slot_is_what_the_compiler_would_store(uint256 word) public {
        word = word & ((1 << 232) - 1) | (word >> 232) % 6 << 232 | (word >> 255) << 240;
        uint256 slot;
        assembly ("memory-safe") {
            slot := _job.slot
        }
        _job = JobSlot.wrap(word).unpack();
        vm.assertEq(JobSlot.unwrap(JobSlots.pack(_job)), word);
        vm.assertEq(storedAt(slot), word);
    }

    function test_a_runs_slot_is_what_the_compiler_would_store(uint256 word) public {
        word = word & ((1 << 248) - 1) | (word >> 248) % 5 << 248;
        uint256 slot;
        assembly ("memory-safe") {
            slot := _run.slot
        }
        _run = RunSlot.wrap(word).unpack();
        vm.assertEq(storedAt(slot), word);
    }

    function test_a_providers_slot_is_what_the_compiler_would_store(uint256 word) public {
        uint256 slot;
        assembly ("memory-safe") {
            slot := _provider.slot
        }
        _provider = ProviderSlot.wrap(word).unpack();
        vm.assertEq(storedAt(slot), word);
    }

    function capped(Usage calldata usage, Job memory job, uint256 span) external pure returns (Usage memory) {
        return Metering.capped(usage, JobSlots.pack(job), span);
    }

    function costOf(Usage memory usage, Rates calldata rate) external pure returns (uint256) {
        return Metering.cost(usage, RatesSlots.pack(rate));
    }

    function escrowOf(uint256 window, uint256 grace) private returns (IDRaaSEscrow) {
        if (address(_escrows[window][grace]) == address(0)) {
            Parameters memory p = parameters();
            (p.window, p.settleGrace, p.unbondTime) = (window, grace, 2 * window + p.rulingTime + 1);
            _escrows[window][grace] = newEscrow(address(token), address(arbitrator), p);
        }
        return _escrows[window][grace];
    }

    function storedAt(uint256 slot) private view returns (uint256 word) {
        assembly ("memory-safe") {
            word := sload(slot)
        }
    }
}
